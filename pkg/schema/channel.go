package schema

import (
	"encoding/json"
	"fmt"

	"github.com/runnel-sse/runnel/pkg/channel"
)

// ChannelOf returns the channel that an event with that data belongs to: the
// stream's template, filled from the data's fields.
func (s *Stream) ChannelOf(data []byte) (channel.Name, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return channel.Name{}, fault("not a JSON object", "").under(s.Name)
	}
	values := map[string]string{}
	for _, name := range s.Template.Fields() {
		raw, ok := fields[name]
		if !ok {
			return channel.Name{}, fault("missing, the channel "+s.Template.String()+" needs it", "").under(s.Name + "." + name)
		}
		value, ok := keyPart(raw)
		if !ok {
			return channel.Name{}, fault("want a string or an integer for the channel, found", excerpt(raw)).under(s.Name + "." + name)
		}
		values[name] = value
	}
	key, err := s.Template.Expand(func(field string) string { return values[field] })
	if err != nil {
		return channel.Name{}, fmt.Errorf("%s: %w", s.Name, err)
	}
	return channel.New(s.Name, key)
}

// keyPart is what a string or an integer looks like in a channel's key.
func keyPart(raw json.RawMessage) (string, bool) {
	if raw[0] == '"' {
		var text string
		return text, json.Unmarshal(raw, &text) == nil
	}
	for i, b := range raw {
		if !digit(b) && (i > 0 || b != '-') {
			return "", false
		}
	}
	return string(raw), true
}
