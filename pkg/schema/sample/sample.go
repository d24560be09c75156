// Package sample makes data to show: what an event may look like, the same for
// the same definition. It is for people who read about events; data that tries
// the ends of every type is schematest's.
package sample

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/schema"
)

// Data is a JSON object that the event's definition allows, with its fields in
// the definition's order. Wherever the stream's template allows it, it belongs to
// a channel.
func Data(s *schema.Stream, e *schema.Event) []byte {
	m := maker{keys: s.Template.Fields()}
	return m.object(nil, e.Fields, true)
}

// Channel is the channel that the sample of an event belongs to; "" where no
// value of the template's fields makes one.
func Channel(s *schema.Stream, e *schema.Event) string {
	ch, err := s.ChannelOf(Data(s, e))
	if err != nil {
		return ""
	}
	return ch.String()
}

type maker struct {
	keys []string // fields of the channel
}

func (m *maker) object(to []byte, fields []schema.Field, top bool) []byte {
	to = append(to, '{')
	for i := range fields {
		f := &fields[i]
		if i > 0 {
			to = append(to, ',')
		}
		to = append(to, quote(f.JSON)...)
		to = append(to, ':')
		if top && slices.Contains(m.keys, f.JSON) {
			to = append(to, key(&f.Type)...)
		} else {
			to = m.value(to, f.JSON, &f.Type)
		}
	}
	return append(to, '}')
}

func (m *maker) value(to []byte, name string, t *schema.Type) []byte {
	switch t.Kind {
	case schema.Bool:
		return append(to, "true"...)
	case schema.Int:
		return append(to, integer(name, t)...)
	case schema.Float:
		return append(to, "1.5"...)
	case schema.Bytes:
		return append(to, `"cnVubmVs"`...) // runnel
	case schema.Time:
		return append(to, `"2026-01-31T15:04:05Z"`...)
	case schema.Optional:
		return m.value(to, name, t.Elem)
	case schema.List:
		return append(m.value(append(to, '['), name, t.Elem), ']')
	case schema.Map:
		return append(m.value(append(to, `{"a":`...), name, t.Elem), '}')
	case schema.Struct:
		return m.object(to, t.Named.Fields, false)
	case schema.Enum:
		return append(to, quote(t.Named.Values[0])...)
	}
	if strings.HasSuffix(name, "_id") || name == "id" {
		return append(to, `"7"`...)
	}
	return append(to, quote(strings.ReplaceAll(name, "_", " "))...)
}

// integer is a moment where the name speaks of one, in Unix seconds.
func integer(name string, t *schema.Type) string {
	if t.Bits == 64 && (strings.HasSuffix(name, "_at") || strings.Contains(name, "timestamp")) {
		return "1769871845"
	}
	return "3"
}

// key is a value that may be a part of a channel's key.
func key(t *schema.Type) string {
	switch t.Kind {
	case schema.Int:
		return "42"
	case schema.Enum:
		fits := func(v string) bool {
			_, err := channel.New("S", v)
			return err == nil && !strings.Contains(v, ":")
		}
		return quote(t.Named.Values[max(0, slices.IndexFunc(t.Named.Values, fits))])
	}
	return `"42"`
}

func quote(s string) string {
	text, _ := json.Marshal(s) // a string: cannot fail
	return string(text)
}
