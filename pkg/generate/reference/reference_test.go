package reference_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/generate/reference"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

func page(t *testing.T, c *schema.Catalog) string {
	t.Helper()
	files, err := reference.Files(c)
	require.NoError(t, err)
	return string(files[reference.File])
}

func TestNothingInADefinitionIsMarkup(t *testing.T) {
	t.Parallel()
	const evil = "<script>alert(1)</script> | a | b |\n## heading [x](javascript:1) `code` ![i](u) *b* --> &lt;"
	text := page(t, &schema.Catalog{Streams: []schema.Stream{{
		Name: "EvilStream", Doc: evil, Template: channel.MustParseTemplate("all"), Policy: schema.PolicyPublic, Retention: time.Hour,
		Types: []*schema.Named{{Name: "Level", Doc: evil, Values: []string{"a|b", "`x`", "<i>"}}},
		Events: []schema.Event{{Name: "Hit", Doc: evil, Fields: []schema.Field{
			{Name: "A", JSON: "a|`<b>", Doc: evil, Type: schema.Type{Kind: schema.String}},
		}}},
	}}})
	require.NotContains(t, text, "<script>")
	require.NotContains(t, text, "](javascript")
	require.NotContains(t, text, "\n## heading")
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "| <code>") {
			require.Equal(t, 4, strings.Count(line, "|"), "a row of three cells: %s", line)
		}
	}
	require.Equal(t, 2, strings.Count(text, "```"), "one example, and nothing leaves it")
}

func TestWhatIsSaid(t *testing.T) {
	t.Parallel()
	text := page(t, &schema.Catalog{Streams: []schema.Stream{{
		Name: "NoteStream", Doc: "NoteStream is one user's.", Template: channel.MustParseTemplate("user:{user_id}"), Policy: schema.PolicyOwner,
		Owner: schema.Owner{Field: "user_id", Claim: "sub"}, Retention: 2 * time.Hour, Limit: 7, UserLimit: 3, AddressLimit: 5, Presence: true, Grace: 9 * time.Second,
		Economy: &schema.Economy{Open: 20 * time.Second, Closed: time.Minute}, Budget: 500 * time.Hour,
		Events: []schema.Event{{Name: "Noted", Fields: []schema.Field{{Name: "UserID", JSON: "user_id", Doc: "whose it is", Type: schema.Type{Kind: schema.String}}}}},
	}}})
	for _, want := range []string{
		"| [NoteStream](#notestream) | `notes` | `NoteStream:user:{user_id}` | owner: <code>user_id</code> equals the claim <code>sub</code> | 2h0m0s |",
		"at most 7 subscribers", "at most 3 connections", "at most 5 connections", "grace time of 9s", "connected for 20s, away for 1m0s", "at most 500h0m0s",
		"| <code>user_id</code> | string | whose it is |", "event: Noted\ndata: {\"user_id\":\"42\"}",
	} {
		require.Contains(t, text, want)
	}
}

// TestEveryExampleFits: Files fails where one does not.
func TestEveryExampleFits(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	for i := range uint64(200) {
		_, err := reference.Files(schematest.Random(seed + i))
		require.NoError(t, err, "seed %d", seed+i)
	}
}
