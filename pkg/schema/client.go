package schema

import "strings"

// ClientName is what the stream is called in clients: what stands before Stream,
// with a small letter first and in the plural. CommentStream is "comments",
// PriceTickStream "priceTicks", StoryStream "stories".
func ClientName(stream string) string {
	stem := strings.TrimSuffix(stream, "Stream")
	stem = strings.ToLower(stem[:1]) + stem[1:]
	vowel := func(i int) bool { return i >= 0 && strings.IndexByte("aeiou", stem[i]) >= 0 }
	last := len(stem) - 1
	switch {
	case strings.HasSuffix(stem, "y") && last > 0 && !vowel(last-1):
		return stem[:last] + "ies"
	case strings.HasSuffix(stem, "s"), strings.HasSuffix(stem, "x"), strings.HasSuffix(stem, "z"),
		strings.HasSuffix(stem, "ch"), strings.HasSuffix(stem, "sh"):
		return stem + "es"
	}
	return stem + "s"
}

// Camel is a field's name on the wire as JavaScript and Elm write names:
// "item_id" is "itemId".
func Camel(json string) string {
	var b strings.Builder
	for i, word := range strings.FieldsFunc(json, func(r rune) bool { return r == '_' || r == '-' }) {
		if i > 0 {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		b.WriteString(word)
	}
	return b.String()
}
