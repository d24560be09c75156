package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/runnel-sse/runnel/pkg/channel"
)

// Typed is an event as a value of the type that its definition declares. The
// methods are generated.
type Typed interface {
	EventType() string                   // "CommentAdded"
	EventStream() string                 // "CommentStream"
	EventChannel() (channel.Name, error) // CommentStream:item:42, by the event's own fields
}

// Encode returns the data of an event and the channel that it belongs to. It
// fails as Check does, so what it returns fits the definition. A nil slice or map
// is an empty one.
func (c *Catalog) Encode(e Typed) (channel.Name, json.RawMessage, error) {
	data, err := marshal(e)
	if err != nil {
		return channel.Name{}, nil, unencodable(e, err)
	}
	data, err = c.check(e.EventStream(), e.EventType(), data, mode{keep: true, fill: true})
	if err != nil {
		return channel.Name{}, nil, err
	}
	ch, err := e.EventChannel()
	if err != nil {
		return channel.Name{}, nil, fmt.Errorf("%s: %w", e.EventType(), err)
	}
	return ch, data, nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

// unencodable finds the field that has a value which JSON does not: encoding/json
// says that there is a NaN and not where.
func unencodable(e Typed, err error) error {
	v := reflect.Indirect(reflect.ValueOf(e))
	if v.Kind() == reflect.Struct {
		for field, value := range v.Fields() {
			if !field.IsExported() {
				continue
			}
			if _, fieldErr := marshal(value.Interface()); fieldErr != nil {
				name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				return fault("no JSON can say it: "+fieldErr.Error(), "").under(e.EventType() + "." + cmp.Or(name, field.Name))
			}
		}
	}
	return fmt.Errorf("%s: %w: %w", e.EventType(), ErrData, err)
}

// Channel is the channel of a stream whose template's fields have these values,
// in their order.
func (c *Catalog) Channel(stream string, values ...string) (channel.Name, error) {
	s, ok := c.Stream(stream)
	if !ok {
		return channel.Name{}, fmt.Errorf("%w %s: there are %s", ErrUnknownStream, strconv.Quote(excerpt([]byte(stream))), c.names())
	}
	fields := s.Template.Fields()
	if len(values) != len(fields) {
		return channel.Name{}, fmt.Errorf("%s: %d values for the channel %s", s.Name, len(values), s.Template)
	}
	key, err := s.Template.Expand(func(field string) string {
		for i := range fields {
			if fields[i] == field {
				return values[i]
			}
		}
		return ""
	})
	if err != nil {
		return channel.Name{}, err
	}
	return channel.New(s.Name, key)
}

// Decode is the event that the data says; it fails as Check does. Fields that the
// definition does not know are left out before encoding/json reads the others,
// since it would take one that differs by its case alone for them.
func Decode[T Typed](c *Catalog, data []byte) (T, error) {
	var e T
	known, err := c.check(e.EventStream(), e.EventType(), data, mode{keep: true, known: true})
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(known, &e); err != nil {
		return e, fmt.Errorf("%s: %w: %w", e.EventType(), ErrData, err)
	}
	return e, nil
}
