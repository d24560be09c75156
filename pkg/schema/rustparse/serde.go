package rustparse

import (
	"slices"
	"strings"
)

// remedies say what to write instead of a setting that has no type here.
var remedies = map[string]string{
	"flatten":             "write its fields out",
	"tag":                 "write an event, or a field, for each kind of data",
	"content":             "write an event, or a field, for each kind of data",
	"untagged":            "write an event, or a field, for each kind of data",
	"transparent":         "write type NAME = … for another name of a type",
	"alias":               "write one name; to change it, add a field and send both for a while",
	"other":               "delete it: a client ignores what it does not know by itself",
	"skip_serializing":    "write skip",
	"skip_deserializing":  "write skip",
	"deny_unknown_fields": "delete it: a newer publisher may send more fields",
	"serialize_with":      `write the type that is sent, or with = "…" of chrono::serde or of base64`,
	"deserialize_with":    `write the type that is sent, or with = "…" of chrono::serde or of base64`,
	"with":                `write the type that is sent, or with = "…" of chrono::serde or of base64`,
	"from":                "write the type that is sent",
	"into":                "write the type that is sent",
	"try_from":            "write the type that is sent",
}

// setting understands one setting.
func (p *parser) setting(set setting, of place, s *serde) {
	if slices.Contains([]string{"crate", "bound", "borrow", "expecting"}, set.name) {
		return // nothing of what is sent
	}
	if (set.name == "rename" || set.name == "rename_all") && set.group {
		p.add(set.at, `write `+set.name+` = "…"`, "serde(%s(…)) may write one name and read another", set.name)
		return
	}
	member := of == ofField || of == ofValue
	switch {
	case set.name == "rename" && member && set.value != nil:
		p.once(set, &s.rename)
	case set.name == "rename" && (of == ofStruct || of == ofEnum):
		p.add(set.at, "delete it, or rename the type: its own name is the event's", "serde(rename) of a type, whose name JSON does not show")
	case set.name == "rename_all" && (of == ofStruct || of == ofEnum) && set.value != nil:
		if _, ok := cases[*set.value]; !ok {
			p.add(set.at, "write one of "+strings.Join(caseNames, ", "), "serde has no rename_all = %q", clip(*set.value))
			return
		}
		p.once(set, &s.renameAll)
	case set.name == "default" && (of == ofField || of == ofStruct), set.name == "skip_serializing_if" && of == ofField && set.value != nil:
		s.optional = true
	case set.name == "skip" && of == ofField && set.value == nil:
		s.skip = true
	case set.name == "with" && of == ofField && set.value != nil && fits(*set.value):
		s.at = set.at
		p.once(set, &s.with)
	default:
		write, ok := remedies[set.name]
		if !ok {
			write = "delete it"
		}
		p.add(set.at, write, "serde(%s) here could change what is sent, and is not understood", clip(set.name))
	}
}

func (p *parser) once(set setting, to *string) {
	if *to != "" || *set.value == "" {
		p.add(set.at, "write one that is not empty", "serde(%s) is empty or stands twice", set.name)
	}
	*to = *set.value
}

// fits reports whether it is known what the module of serde(with) writes. The
// type of the field has to fit as well, see reader.with.
func fits(module string) bool {
	return strings.Contains(module, "base64") || module == "serde_bytes" || timestamps(module)
}

// timestamps reports whether the module writes times as integers:
// chrono::serde::ts_milliseconds and the like.
func timestamps(module string) bool {
	name := strings.TrimPrefix(module, "::")
	name, ok := strings.CutPrefix(strings.Replace(name, "::naive::", "::", 1), "chrono::serde::ts_")
	name = strings.TrimSuffix(name, "_option")
	return ok && slices.Contains([]string{"seconds", "milliseconds", "microseconds", "nanoseconds"}, name)
}

// caseNames are serde's, in its own order.
var caseNames = []string{
	"lowercase", "UPPERCASE", "PascalCase", "camelCase", "snake_case", "SCREAMING_SNAKE_CASE", "kebab-case", "SCREAMING-KEBAB-CASE",
}

// cases are the ways to write names that are made of words. Serde takes a
// field's words from its snake_case and a value's from its PascalCase, and
// changes ASCII letters alone where it changes the whole.
var cases = map[string]struct{ field, value func(string) string }{
	"lowercase":            {same, lower},
	"UPPERCASE":            {upper, upper},
	"PascalCase":           {pascal, same},
	"camelCase":            {func(s string) string { return uncapital(pascal(s)) }, uncapital},
	"snake_case":           {same, snake},
	"SCREAMING_SNAKE_CASE": {upper, func(s string) string { return upper(snake(s)) }},
	"kebab-case":           {kebab, func(s string) string { return kebab(snake(s)) }},
	"SCREAMING-KEBAB-CASE": {func(s string) string { return kebab(upper(s)) }, func(s string) string { return kebab(upper(snake(s))) }},
}

func same(s string) string  { return s }
func kebab(s string) string { return strings.ReplaceAll(s, "_", "-") }

func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

func upper(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}, s)
}

func uncapital(s string) string {
	if s == "" {
		return s
	}
	return lower(s[:1]) + s[1:]
}

func pascal(s string) string {
	var b strings.Builder
	capital := true
	for _, r := range s {
		switch {
		case r == '_':
			capital = true
		case capital:
			b.WriteString(upper(string(r)))
			capital = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func snake(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && strings.ToUpper(string(r)) == string(r) && strings.ToLower(string(r)) != string(r) {
			b.WriteByte('_')
		}
		b.WriteString(lower(string(r)))
	}
	return b.String()
}
