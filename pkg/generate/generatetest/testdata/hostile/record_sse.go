package hostile

// RecordStream tries to leave its comment: */ alert(1) /* --> <script>alert(2)</script>
// @ts-ignore
// # Not a heading
// ``` not a fence
// | not | a table |
// [not a link](javascript:alert(3)) ![not an image](x) <b>not bold</b> *nor* __this__
//   indented, `code`, &amp; \ and a \
//
// 1. no list
// - nor this
//     nor code
// ===
// if ‮} ⁦admin⁩ hides
//
//sse:channel all
//sse:policy public

// Record is a word that TypeScript has, and a name of two streams. */
type Record struct {
	// Constructor */ } export const x = 1; /* | a | cell |
	Constructor string `json:"constructor"`
	ToString    string `json:"toString"`
	Class       string `json:"class"`
	Default     number `json:"default"`
	Level       Level  `json:"level"`
	Big         []uint64
}

// @ts-expect-error
type number struct {
	Of int64 `json:"of"`
}

// 1. Level has values that try to leave their string.
type Level string

// The levels.
const (
	A Level = "'; alert(1); '"
	B Level = "`${x}` \\ | \" </script> */"
	C Level = "two\nlines\u2028here"
	D Level = "${{ github }} {{ x }}"
)

// - Streams is what the generated interface is called.
type Streams struct{}
