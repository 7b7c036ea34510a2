package main

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/discordpkg/gateway/event"
)

//go:embed schema.txt
var table string

// A schema is the table. Each list is in the order of the file.
type schema struct {
	events, objects []*object
	unions          []*union
	enums, flags    []*values
	named           map[string]any // object, union or values by name
}

// An object is an event or an object of JSON.
type object struct {
	name   string // of the Go type
	event  string // name of the event, if it is one
	base   *object
	anchor string
	fields []*field

	baseName string
}

type field struct {
	name                             string
	typ                              *typ
	optional, nullable, inline, aged bool
}

// A typ is a type: kind is a word of the table, or "object", "union".
type typ struct {
	kind   string
	elem   *typ    // of "list", and the value of "map"
	key    *typ    // of "map"
	object *object // of "object"
	union  *union
	values *values // of "enum", "text", "flags", "bits"

	text string
}

// A union is an object whose kind a field tells.
type union struct {
	name, tag, anchor string
	parent            bool // the tag is a field of the object that holds the union
	cases             []unionCase
}

type unionCase struct {
	value  int
	object *object

	objectName string
}

// values is an enumeration or a set of flags.
type values struct {
	name, kind, anchor string
	rows               []row
	set                bool
}

type row struct {
	name string
	text string // the value, or the number of the bit
}

// parse reads the table, and refuses it unless every event has a schema and
// everything that is named is there.
func parse(text string) (*schema, error) {
	s := &schema{named: make(map[string]any)}
	var add func(words []string) error
	for number, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		var err error
		if line[0] != '\t' {
			add, err = s.head(words)
		} else {
			err = add(words)
		}
		if err != nil {
			return nil, fmt.Errorf("schema.txt:%d: %w", number+1, err)
		}
	}
	if err := s.resolve(); err != nil {
		return nil, err
	}
	return s, s.complete()
}

// head reads the line that starts a thing, and returns what takes the next lines.
func (s *schema) head(words []string) (add func([]string) error, err error) {
	if len(words) != map[string]int{"event": 4, "object": 4, "union": 5, "enum": 4, "flags": 4}[words[0]] {
		return nil, fmt.Errorf("what is %q?", strings.Join(words, " "))
	}
	name := words[1]
	last := words[len(words)-1]
	var made any
	switch words[0] {
	case "event", "object":
		o := &object{name: name, baseName: words[2], anchor: last}
		made, add = o, o.add
		if words[0] == "event" {
			o.event, o.name = name, camel(name)
			s.events = append(s.events, o)
		} else {
			s.objects = append(s.objects, o)
		}
		name = o.name
	case "union":
		u := &union{name: name, tag: words[2], parent: words[3] == "parent", anchor: last}
		made, add = u, u.add
		s.unions = append(s.unions, u)
	case "enum":
		v := &values{name: name, kind: words[2], anchor: last}
		made, add = v, v.add
		s.enums = append(s.enums, v)
	case "flags":
		v := &values{name: name, kind: words[2], anchor: last, set: true}
		made, add = v, v.add
		s.flags = append(s.flags, v)
	}
	if s.named[name] != nil {
		return nil, fmt.Errorf("%s is there twice", name)
	}
	s.named[name] = made
	return add, nil
}

func (o *object) add(words []string) error {
	if len(words) < 2 {
		return fmt.Errorf("field without a type: %s", words[0])
	}
	f := &field{name: words[0], typ: &typ{text: words[1]}}
	for _, w := range words[2:] {
		if w == "deprecated" {
			f.aged = true
			continue
		}
		for _, mark := range w {
			switch mark {
			case '?':
				f.optional = true
			case '~':
				f.nullable = true
			case '=':
				f.inline = true
			default:
				return fmt.Errorf("unknown mark %q", w)
			}
		}
	}
	o.fields = append(o.fields, f)
	return nil
}

func (u *union) add(words []string) error {
	value, err := strconv.Atoi(words[0])
	if err != nil || len(words) != 2 {
		return fmt.Errorf("not a value and an object: %q", words)
	}
	u.cases = append(u.cases, unionCase{value: value, objectName: words[1]})
	return nil
}

func (v *values) add(words []string) error {
	if len(words) != 2 {
		return fmt.Errorf("not a name and a value: %q", words)
	}
	v.rows = append(v.rows, row{words[0], words[1]})
	return nil
}

// complete holds the table against the events of the package event.
func (s *schema) complete() error {
	have := make(map[event.Type]bool)
	for _, e := range s.events {
		have[event.Type(e.event)] = true
		if !event.Type(e.event).Known() {
			return fmt.Errorf("the package event has no %s", e.event)
		}
	}
	for _, name := range event.All() {
		if !have[name] {
			return fmt.Errorf("no schema for the event %s", name)
		}
	}
	return nil
}
