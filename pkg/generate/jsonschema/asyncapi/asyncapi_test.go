package asyncapi_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/generate/generatetest"
	"github.com/runnel-sse/runnel/pkg/generate/jsonschema/asyncapi"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

func document(t *testing.T, c *schema.Catalog) []byte {
	t.Helper()
	files, err := asyncapi.Files(c)
	require.NoError(t, err)
	require.Len(t, files, 1)
	return files[asyncapi.File]
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, c := range generatetest.Catalogs(t) {
		generatetest.Golden(t, filepath.Join("testdata", name), map[string][]byte{asyncapi.File: document(t, c)})
	}
}

// verdict is what AsyncAPI's parser makes of a document.
type verdict struct {
	Wrong    []string `json:"wrong"`
	Channels []string `json:"channels"`
	Messages int      `json:"messages"`
}

func parse(t *testing.T, documents ...[]byte) []verdict {
	t.Helper()
	texts := make([]string, len(documents))
	for i, d := range documents {
		texts[i] = string(d)
	}
	input, err := json.Marshal(texts)
	require.NoError(t, err)
	out, err := generatetest.Node(t, input, "asyncapi.mjs")
	require.NoError(t, err)
	var all []verdict
	require.NoError(t, json.Unmarshal(out, &all))
	require.Len(t, all, len(documents))
	return all
}

func TestTheOfficialParserTakesIt(t *testing.T) {
	t.Parallel()
	var catalogs []*schema.Catalog
	for _, c := range generatetest.Catalogs(t) {
		catalogs = append(catalogs, c)
	}
	for seed := range uint64(12) {
		catalogs = append(catalogs, schematest.Random(seed))
	}
	var documents [][]byte
	for _, c := range catalogs {
		documents = append(documents, document(t, c))
	}
	for i, v := range parse(t, documents...) {
		require.Empty(t, v.Wrong, "%s", documents[i])
		events := 0
		var channels []string
		for j := range catalogs[i].Streams {
			s := &catalogs[i].Streams[j]
			events += len(s.Events)
			channels = append(channels, "/sse/"+s.Name+"/"+s.Template.String())
		}
		require.Equal(t, channels, v.Channels)
		require.Equal(t, events, v.Messages)
	}
}

// The parser is one that would find what is wrong.
func TestTheOfficialParserMinds(t *testing.T) {
	t.Parallel()
	doc := document(t, generatetest.Catalogs(t)["seed"])
	broken := [][]byte{
		bytes.Replace(doc, []byte(`"action": "send"`), []byte(`"action": "sends"`), 1),
		bytes.Replace(doc, []byte(`"#/components/messages/CommentStream.CommentAdded"`), []byte(`"#/components/messages/CommentStream.Nothing"`), 1),
		bytes.Replace(doc, []byte(`item:{item_id}`), []byte(`item:{item}`), 1),
	}
	for i, v := range parse(t, broken...) {
		require.NotEqual(t, doc, broken[i])
		require.NotEmpty(t, v.Wrong, "%d", i)
	}
}

// Whoever may not read without a token is told how to show one.
func TestSecurityFollowsThePolicy(t *testing.T) {
	t.Parallel()
	var doc struct {
		Operations map[string]struct {
			Security []any `json:"security"`
		} `json:"operations"`
	}
	require.NoError(t, json.Unmarshal(document(t, generatetest.Catalogs(t)["seed"]), &doc))
	require.Empty(t, doc.Operations["readCommentStream"].Security)
	require.Len(t, doc.Operations["readNotificationStream"].Security, 3)
	require.Len(t, doc.Operations["readSystemStream"].Security, 3)
}
