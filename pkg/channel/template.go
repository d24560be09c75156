package channel

import (
	"errors"
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
	var t Template
	seen := map[string]bool{}
	shortest := -1 // bytes of the shortest key: a colon fewer than parts
	for text := range strings.SplitSeq(s, ":") {
		p, err := parsePart(text)
		if err != nil {
			return Template{}, fmt.Errorf("%w template %s: %w", ErrInvalid, quote(s), err)
		}
		if p.field && seen[p.text] {
			return Template{}, fmt.Errorf("%w template %s: field %s stands twice", ErrInvalid, quote(s), p.text)
		}
		if shortest += 2; !p.field {
			shortest += len(p.text) - 1
		}
		if shortest > MaxKey {
			return Template{}, fmt.Errorf("%w template %s: every key would have more than %d bytes", ErrInvalid, quote(s), MaxKey)
		}
		seen[p.text] = seen[p.text] || p.field
		t.parts = append(t.parts, p)
	}
	return t, nil
}

func parsePart(text string) (part, error) {
	if text == "" {
		return part{}, errors.New("a part is empty")
	}
	inner, opened := strings.CutPrefix(text, "{")
	name, closed := strings.CutSuffix(inner, "}")
	switch {
	case opened && closed:
		if err := checkField(name); err != nil {
			return part{}, err
		}
		return part{text: name, field: true}, nil
	case strings.ContainsAny(text, "{}"):
		return part{}, fmt.Errorf("part %s must be fixed or one whole field such as {item_id}", quote(text))
	}
	for _, r := range text {
		if !inKey(r) {
			return part{}, fmt.Errorf("part %s: %q is not allowed, only letters, digits and %s are", quote(text), r, keyMarks)
		}
	}
	return part{text: text}, nil
}

// checkField holds the name of a field to what is an identifier in every
// language that code is generated for.
func checkField(name string) error {
	switch {
	case name == "":
		return errors.New("a field has no name")
	case len(name) > MaxStream:
		return fmt.Errorf("the name of a field has %d bytes, at most %d are allowed", len(name), MaxStream)
	case digit(rune(name[0])):
		return fmt.Errorf("field %s must not begin with a digit", quote(name))
	}
	for _, r := range name {
		if !letter(r) && !digit(r) && r != '_' {
			return fmt.Errorf("field %s: %q is not allowed, only letters, digits and _ are", quote(name), r)
		}
	}
	return nil
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

// Match reports whether the key of a Name has the template's form, and what its
// fields hold. Expand makes the same key of them again.
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
