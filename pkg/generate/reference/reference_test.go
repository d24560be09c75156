package reference_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/generate/generatetest"
	"github.com/runnel-sse/runnel/pkg/generate/reference"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

func page(t *testing.T, c *schema.Catalog) string {
	t.Helper()
	files, err := reference.Files(c, nil)
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

// marks is what a renderer finds in a page.
type marks struct {
	Headings, HTML, Links, Fences []string
	Tags                          map[string]int
	Text                          string
}

// A renderer that lets HTML through sees the page as it is meant, whatever the
// definitions say: the headings, the examples, and nothing from their words.
func TestARendererSeesNothingElse(t *testing.T) {
	t.Parallel()
	catalogs := generatetest.Catalogs(t)
	for seed := range uint64(3) {
		catalogs[fmt.Sprint("random ", seed)] = schematest.Random(seed)
	}
	for name, c := range catalogs {
		files, err := reference.Files(c, []reference.Renamed{{Language: "TypeScript", Stream: "AStream", Name: "Record", As: "Record_"}})
		require.NoError(t, err)
		out, err := generatetest.Node(t, files[reference.File], "markdown.mjs")
		require.NoError(t, err)
		var m marks
		require.NoError(t, json.Unmarshal(out, &m))
		headings, links := []string{"h1 Streams"}, []string{}
		for i := range c.Streams {
			s := &c.Streams[i]
			headings = append(headings, "h2 "+s.Name)
			links = append(links, "#"+strings.ToLower(s.Name))
			for j := range s.Events {
				headings = append(headings, "h3 "+s.Events[j].Name)
			}
			for _, n := range s.Types {
				headings = append(headings, "h3 "+n.Name)
			}
			if doc := strings.Fields(strings.Join(schema.DocLines(s.Doc), " ")); len(doc) > 0 {
				require.Contains(t, m.Text, strings.Join(doc, " "), name)
			}
		}
		require.Equal(t, append(headings, "h2 Names in clients"), m.Headings, name)
		require.Equal(t, links, m.Links, name)
		for i, html := range m.HTML {
			require.True(t, html == "<code>" || html == "</code>" || i == 0 && html == "<!-- "+schema.Mark+" -->", "%s: %s", name, html)
		}
		for _, tag := range []string{"em", "strong", "ol", "blockquote", "s"} {
			require.Zero(t, m.Tags[tag], "%s: %s", name, tag)
		}
		if name == "hostile" { // none of its streams has settings to list
			require.Zero(t, m.Tags["ul"])
		}
		requireFrames(t, c, m.Fences)
	}
}

// requireFrames holds the examples to what the platform would take.
func requireFrames(t *testing.T, c *schema.Catalog, fences []string) {
	t.Helper()
	for i := range c.Streams {
		for j := range c.Streams[i].Events {
			require.NotEmpty(t, fences)
			head, data, found := strings.Cut(fences[0], "\ndata: ")
			require.True(t, found)
			event := c.Streams[i].Events[j].Name
			require.Equal(t, "id: …\nevent: "+event, head)
			require.NoError(t, c.Check(c.Streams[i].Name, event, []byte(data)))
			fences = fences[1:]
		}
	}
	require.Empty(t, fences)
}

func TestChangedNamesAreSaid(t *testing.T) {
	t.Parallel()
	files, err := reference.Files(&schema.Catalog{}, []reference.Renamed{{Language: "TypeScript", Stream: "AStream", Name: "Record", As: "Record_"}})
	require.NoError(t, err)
	require.Contains(t, string(files[reference.File]), "| TypeScript | AStream | <code>Record</code> | <code>Record&#95;</code> |")
}
