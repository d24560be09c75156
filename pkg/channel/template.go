package channel

import (
	"fmt"
	"strings"
)

// Template is the form of a stream's keys: fixed parts and fields between
// colons, such as "item:{item_id}" or "all". The zero Template matches nothing.
type Template struct {
	parts []part
}

type part struct {
	text  string
	field bool
}

// ParseTemplate reads a template. A part is either fixed or one whole field: a
// part in which both are mixed could not be taken apart again.
func ParseTemplate(s string) (Template, error) {
	if s == "" {
		return Template{}, fmt.Errorf("%w template: empty", ErrInvalid)
	}
	var t Template
	seen := map[string]bool{}
	for text := range strings.SplitSeq(s, ":") {
		p := part{text: text}
		if inner, ok := strings.CutPrefix(text, "{"); ok {
			name, closed := strings.CutSuffix(inner, "}")
			if !closed || !fieldName(name) {
				return Template{}, fmt.Errorf("%w template %s: want a field such as {item_id}, found %s", ErrInvalid, quote(s), quote(text))
			}
			if seen[name] {
				return Template{}, fmt.Errorf("%w template %s: field %s stands twice", ErrInvalid, quote(s), name)
			}
			seen[name] = true
			p = part{text: name, field: true}
		} else if err := checkKey(text); err != nil {
			return Template{}, fmt.Errorf("template %s: %w", quote(s), err)
		}
		t.parts = append(t.parts, p)
	}
	return t, nil
}

// MustParseTemplate is ParseTemplate for generated code; it panics on a wrong one.
func MustParseTemplate(s string) Template {
	t, err := ParseTemplate(s)
	if err != nil {
		panic(err)
	}
	return t
}

// String is the template as it was written.
func (t Template) String() string {
	var b strings.Builder
	for i, p := range t.parts {
		if i > 0 {
			b.WriteByte(':')
		}
		if p.field {
			b.WriteString("{" + p.text + "}")
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// Fields are the names of the template's fields, in order.
func (t Template) Fields() []string {
	var names []string
	for _, p := range t.parts {
		if p.field {
			names = append(names, p.text)
		}
	}
	return names
}

// Match reports whether key has the template's form, and what its fields hold.
func (t Template) Match(key string) (fields map[string]string, ok bool) {
	texts := strings.Split(key, ":")
	if len(texts) != len(t.parts) {
		return nil, false
	}
	fields = map[string]string{}
	for i, p := range t.parts {
		switch {
		case texts[i] == "":
			return nil, false
		case p.field:
			fields[p.text] = texts[i]
		case p.text != texts[i]:
			return nil, false
		}
	}
	return fields, true
}

// Expand returns the key whose fields have the given values. A value is one
// part of a key: it must not be empty and holds no colon.
func (t Template) Expand(value func(field string) string) (string, error) {
	var b strings.Builder
	for i, p := range t.parts {
		if i > 0 {
			b.WriteByte(':')
		}
		text := p.text
		if p.field {
			text = value(p.text)
			if text == "" {
				return "", fmt.Errorf("%w: field %s of template %s is empty", ErrInvalid, p.text, t)
			}
			if strings.IndexByte(text, ':') >= 0 {
				return "", fmt.Errorf("%w: field %s of template %s holds a colon: %s", ErrInvalid, p.text, t, quote(text))
			}
		}
		b.WriteString(text)
	}
	key := b.String()
	if err := checkKey(key); err != nil {
		return "", err
	}
	return key, nil
}

func fieldName(s string) bool {
	if s == "" || len(s) > MaxStream || digit(s[0]) {
		return false
	}
	for i := range len(s) {
		if !letter(s[i]) && !digit(s[i]) && s[i] != '_' {
			return false
		}
	}
	return true
}
