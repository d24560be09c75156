package schema

// PlainName reports whether a JSON name is an identifier in every language that
// clients are generated for.
func PlainName(s string) bool {
	for i := range len(s) {
		b := s[i]
		alpha := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
		if !alpha && (i == 0 || b != '_' && (b < '0' || b > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}
