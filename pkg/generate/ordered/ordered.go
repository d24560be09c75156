// Package ordered is JSON objects whose members keep their order, which a map of
// Go does not, so that what is generated reads as its definition does.
package ordered

import (
	"bytes"
	"encoding/json"
)

// Object is a JSON object.
type Object []Member

// Member of an object.
type Member struct {
	Name  string
	Value any
}

// Of is the object of a name and its value, and so on.
func Of(name string, value any, more ...any) Object {
	o := Object{{Name: name, Value: value}}
	for i := 0; i+1 < len(more); i += 2 {
		name, _ := more[i].(string)
		o = append(o, Member{Name: name, Value: more[i+1]})
	}
	return o
}

// With has one member more.
func (o Object) With(name string, value any) Object {
	return append(o, Member{Name: name, Value: value})
}

// MarshalJSON is json.Marshaler's.
func (o Object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // the files are for people too
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(m.Name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(m.Value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Indent is the object as a file.
func (o Object) Indent() ([]byte, error) {
	text, err := o.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(text), "", "  "); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
