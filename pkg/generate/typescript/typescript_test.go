package typescript_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/generate/typescript"
	"github.com/runnel-sse/runnel/pkg/schema"
	"github.com/runnel-sse/runnel/pkg/schema/schematest"
)

var update = flag.Bool("update", false, "write the golden files")

func str(name string) schema.Field {
	return schema.Field{Name: name, JSON: name, Type: schema.Type{Kind: schema.String}}
}

// hostile is a catalog that wants out of its comments, strings and names.
func hostile() *schema.Catalog {
	level := &schema.Named{Name: "Record", Doc: "Level */ of it.", Values: []string{"low", "a\"b\\c", "*/ alert(1) /*", "\u2028"}}
	leaf := &schema.Named{Name: "Leaf", Fields: []schema.Field{{Name: "N", JSON: "n", Type: schema.Type{Kind: schema.Int, Bits: 64}}}}
	tree := &schema.Named{Name: "Tree", Doc: "Tree has parts.", Fields: []schema.Field{
		{Name: "N", JSON: "n", Type: schema.Type{Kind: schema.Int, Bits: 64}},
		{Name: "Kids", JSON: "kids", Type: schema.Type{Kind: schema.List, Elem: &schema.Type{Kind: schema.Struct, Named: leaf}}},
	}}
	return &schema.Catalog{Streams: []schema.Stream{
		{
			Name: "HostileStream", Doc: "Hostile */ export const x = 1; /*\nand `${more}` of it", Template: channel.MustParseTemplate("part:{part_id}:{number}"),
			Policy: schema.PolicyPublic, Retention: time.Hour, Types: []*schema.Named{level, tree, leaf},
			Events: []schema.Event{
				{Name: "class", Doc: "class is a reserved word, as is Record.", Fields: []schema.Field{
					str("part_id"),
					{Name: "Number", JSON: "number", Type: schema.Type{Kind: schema.Int, Bits: 32}},
					{Name: "Level", JSON: "level", Doc: "*/ } alert(1); /*", Type: schema.Type{Kind: schema.Enum, Named: level}},
					{Name: "Root", JSON: "root", Type: schema.Type{Kind: schema.Optional, Elem: &schema.Type{Kind: schema.Struct, Named: tree}}},
					{Name: "Digit", JSON: "2nd", Type: schema.Type{Kind: schema.Int, Bits: 64, Unsigned: true}},
					{Name: "Many", JSON: "many", Type: schema.Type{Kind: schema.Map, Elem: &schema.Type{Kind: schema.List, Elem: &schema.Type{Kind: schema.Optional, Elem: &schema.Type{Kind: schema.Int, Bits: 64}}}}},
					{Name: "Raw", JSON: "raw", Doc: "of a picture", Type: schema.Type{Kind: schema.Bytes}},
					{Name: "At", JSON: "at", Type: schema.Type{Kind: schema.Time}},
				}},
				{Name: "Shared", Fields: []schema.Field{str("part_id"), {Name: "Number", JSON: "number", Type: schema.Type{Kind: schema.Int, Bits: 32}}}},
			},
		},
		{
			Name: "OtherStream", Template: channel.MustParseTemplate("all"), Policy: schema.PolicyAuthenticated, Retention: time.Hour,
			Events: []schema.Event{{Name: "Shared", Doc: "Shared is an event of two streams."}},
		},
	}}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, int64 := range map[string]string{"number": typescript.Number, "bigint": typescript.BigInt} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := typescript.Files(hostile(), int64)
			require.NoError(t, err)
			again, err := typescript.Files(hostile(), int64)
			require.NoError(t, err)
			require.Equal(t, files, again, "it depends on the catalog alone")
			golden := filepath.Join("testdata", name+".golden.ts")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(golden, files[typescript.File], 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), string(files[typescript.File]), "run: go test ./pkg/generate/typescript -update")
		})
	}
}

func TestNamesThatMeet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		streams []schema.Stream
		fault   string
	}{
		"an escape and a name": {[]schema.Stream{{Name: "AStream", Events: []schema.Event{{Name: "class"}, {Name: "class_"}}}}, "would both be called class_"},
		"a stem and a name": {[]schema.Stream{
			{Name: "AStream", Events: []schema.Event{{Name: "X"}, {Name: "BX"}}}, {Name: "BStream", Events: []schema.Event{{Name: "X"}}},
		}, "would both be called BX"},
		"two fields of a key": {[]schema.Stream{
			{Name: "AStream", Template: channel.MustParseTemplate("x:{item_id}:{itemId}"), Events: []schema.Event{{Name: "X"}}},
		}, "AStream: item_id and itemId of its channel would both be called itemId"},
		"two plurals": {[]schema.Stream{
			{Name: "BusStream", Events: []schema.Event{{Name: "X"}}}, {Name: "BuseStream", Events: []schema.Event{{Name: "Y"}}},
		}, "would both be called buses"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := typescript.Files(&schema.Catalog{Streams: tc.streams}, typescript.Number)
			require.ErrorContains(t, err, tc.fault)
		})
	}
}

// client is where the package is whose types the file uses.
const client = "../../../clients/typescript"

const negative = `import { createSse, type Streams } from './golden.js';
import type { StreamEvent } from '@runnel-sse/client';
const sse = createSse({ url: 'http://localhost' });
sse.subscribe('hostiles', { partId: '1', number: 7 }, { on: { Shared: (d) => void d.number } });
// @ts-expect-error a misspelled event
sse.subscribe('hostiles', { partId: '1', number: 7 }, { on: { Sharde: () => {} } });
// @ts-expect-error a key of another stream
sse.subscribe('others', { partId: '1' });
// @ts-expect-error a stream that is not there
sse.subscribe('hostile', { partId: '1', number: 7 });
export function all(e: StreamEvent<Streams, 'hostiles'>): number {
  switch (e.event) {
    case 'Shared': return e.data.number;
    case 'class': return e.data.root?.kids.length ?? 0;
    default: { const never: never = e; return never; }
  }
}
`

// TestItCompiles: the golden files, what must not compile, and whatever schema
// there is, by tsc --strict.
func TestItCompiles(t *testing.T) {
	t.Parallel()
	tsc, err := filepath.Abs(filepath.Join(client, "node_modules/.bin/tsc"))
	require.NoError(t, err)
	if _, err := os.Stat(tsc); err != nil {
		require.Empty(t, os.Getenv("CI"), "in CI nothing may be missing")
		t.Skip("SKIPPED, NOT TESTED: no tsc; run `make clients/deps` first")
	}
	dir := t.TempDir()
	write := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	golden, err := typescript.Files(hostile(), typescript.Number)
	require.NoError(t, err)
	write("golden.ts", golden[typescript.File])
	write("negative.ts", []byte(negative))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seeds from %d", seed)
	for i := range uint64(40) {
		c := schematest.Random(seed + i)
		files, err := typescript.Files(c, []string{typescript.Number, typescript.BigInt}[i%2])
		if err != nil {
			require.ErrorContains(t, err, "would both be called", "seed %d", seed+i)
			continue
		}
		write(fmt.Sprintf("random%d.ts", i), files[typescript.File])
	}
	types, err := filepath.Abs(filepath.Join(client, "src/index.ts"))
	require.NoError(t, err)
	write("tsconfig.json", fmt.Appendf(nil, `{"compilerOptions":{"strict":true,"exactOptionalPropertyTypes":true,"noUncheckedIndexedAccess":true,"noEmit":true,
		"target":"ES2022","module":"ESNext","moduleResolution":"Bundler","types":[],"lib":["ES2023","ESNext.Disposable","DOM","DOM.Iterable"],
		"paths":{"@runnel-sse/client":[%q]}},"include":["*.ts"]}`, types))
	out, err := exec.CommandContext(t.Context(), tsc, "-p", dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
