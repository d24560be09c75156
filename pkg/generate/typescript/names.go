package typescript

import (
	"errors"
	"slices"
	"strings"

	"github.com/runnel-sse/runnel/pkg/schema"
)

// reserved are the names that no type of a definition may have here: what the
// generated file itself says, and what TypeScript keeps for itself.
var reserved = func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(`
		Streams ClientOptions Descriptors Shape SseClient Record descriptors createSse createClient
		any unknown never void null undefined object string number boolean bigint symbol
		break case catch class const continue debugger default delete do else enum export extends false finally for
		function if import in instanceof new return super switch this throw true try typeof var while with
		implements interface let package private protected public static yield await async type declare namespace
		module abstract as asserts is keyof infer readonly require unique satisfies accessor using of out`) {
		words[word] = true
	}
	return words
}()

// names are what the types of a catalog are called in the one file that has them
// all: as in the definition, after the stream's stem where several streams have a
// type of that name, and with _ where the word is reserved.
type names struct {
	given map[[2]string]string // by the stream's name and the type's
}

func (n *names) of(s *schema.Stream, name string) string { return n.given[[2]string{s.Name, name}] }

// declared are the names of a stream's events and types.
func declared(s *schema.Stream) []string {
	var list []string
	for _, n := range s.Types {
		list = append(list, n.Name)
	}
	for i := range s.Events {
		list = append(list, s.Events[i].Name)
	}
	return list
}

func namesOf(c *schema.Catalog) (*names, error) {
	streams := map[string]int{} // that declare the name
	for i := range c.Streams {
		for _, name := range declared(&c.Streams[i]) {
			streams[name]++
		}
	}
	n := &names{given: map[[2]string]string{}}
	var faults []error
	taken := map[string]string{} // by whom, as people write it
	clients := map[string]string{}
	for i := range c.Streams {
		s := &c.Streams[i]
		for _, name := range declared(s) {
			as := name
			if streams[name] > 1 {
				as = strings.TrimSuffix(s.Name, "Stream") + name
			}
			as = schema.Escape(as, reserved)
			if other, twice := taken[as]; twice {
				faults = append(faults, &schema.Refusal{
					Stream: s.Name, Type: name, What: "in TypeScript it is " + as + ", as " + other + " is", Write: "give one of them another name",
				})
			}
			taken[as] = s.Name + "." + name
			n.given[[2]string{s.Name, name}] = as
		}
		client := schema.ClientName(s.Name)
		if other, twice := clients[client]; twice {
			faults = append(faults, &schema.Refusal{Stream: s.Name, What: "clients call it " + client + ", as " + other, Write: "rename one of the files"})
		}
		clients[client] = s.Name
		faults = append(faults, checkKey(s)...)
	}
	return n, errors.Join(faults...)
}

// checkKey finds fields of a channel that have the same name in clients.
func checkKey(s *schema.Stream) (faults []error) {
	taken := map[string]string{}
	for _, field := range s.Template.Fields() {
		name := schema.Camel(field)
		if other, twice := taken[name]; twice {
			faults = append(faults, &schema.Refusal{
				Stream: s.Name, Type: "//sse:channel", What: "the fields " + other + " and " + field + " are both " + name + " in clients", Write: "give one of them another name",
			})
		}
		taken[name] = field
	}
	return faults
}

// Renamed is a type that is not called here what its definition calls it.
type Renamed struct {
	Stream, Name, As string
}

// RenamedIn are the types of the catalog that have another name here, sorted.
func RenamedIn(c *schema.Catalog) []Renamed {
	n, _ := namesOf(c) // of clashes Files speaks
	var list []Renamed
	for i := range c.Streams {
		s := &c.Streams[i]
		for _, name := range declared(s) {
			if as := n.of(s, name); as != name {
				list = append(list, Renamed{s.Name, name, as})
			}
		}
	}
	slices.SortFunc(list, func(a, b Renamed) int {
		return strings.Compare(a.Stream+"."+a.Name, b.Stream+"."+b.Name)
	})
	return list
}
