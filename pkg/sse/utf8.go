package sse

import "unicode/utf8"

// validUTF8 returns b with each malformed sequence replaced by U+FFFD, as the
// UTF-8 decoder of the WHATWG Encoding standard does: one for each maximal part
// of a sequence, where Go's own functions make one of each byte or of each run.
// It returns b itself where there is nothing to replace.
func validUTF8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	out := make([]byte, 0, len(b)+16)
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			size = malformed(b)
		}
		out = utf8.AppendRune(out, r)
		b = b[size:]
	}
	return out
}

// malformed returns how many of b's first bytes are the beginning of a sequence
// that b does not go on with; at least 1.
func malformed(b []byte) int {
	var more int
	low, high := byte(0x80), byte(0xbf) // what may come second
	switch lead := b[0]; {
	case 0xc2 <= lead && lead <= 0xdf:
		more = 1
	case 0xe0 <= lead && lead <= 0xef:
		more = 2
		switch lead {
		case 0xe0: // overlong below
			low = 0xa0
		case 0xed: // surrogates above
			high = 0x9f
		}
	case 0xf0 <= lead && lead <= 0xf4:
		more = 3
		switch lead {
		case 0xf0: // overlong below
			low = 0x90
		case 0xf4: // beyond Unicode above
			high = 0x8f
		}
	}
	n := 1
	for n <= more && n < len(b) && low <= b[n] && b[n] <= high {
		n++
		low, high = 0x80, 0xbf
	}
	return n
}
