package main

import (
	"bytes"
	"fmt"
	"slices"
)

// unions writes the types of polymorphic parts.
func unions(s *schema) []byte {
	var b bytes.Buffer
	b.WriteString(header + "import \"encoding/json\"\n\n")
	lists := listed(s)
	for _, u := range s.unions {
		u.write(&b)
		if lists[u] {
			fmt.Fprintf(&b, unionList, plural(u.name), u.name)
		}
	}
	return formatted(b.Bytes())
}

// listed tells of which unions there are lists.
func listed(s *schema) map[*union]bool {
	found := make(map[*union]bool)
	for _, o := range slices.Concat(s.events, s.objects) {
		for _, f := range o.fields {
			if f.typ.kind == "list" && f.typ.elem.kind == "union" {
				found[f.typ.elem.union] = true
			}
		}
	}
	return found
}

func (u *union) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "// %s is one of several objects, as its %s says, or an [*Unknown]:\n// %s%s\n//\n", u.name, u.tag, site, u.anchor)
	var seen []*object
	for _, c := range u.cases {
		fmt.Fprintf(b, "//\t%d\t*%s\n", c.value, c.object.name)
	}
	fmt.Fprintf(b, "type %s interface{ is%[1]s() }\n\n", u.name)
	for _, c := range u.cases {
		if !slices.Contains(seen, c.object) {
			seen = append(seen, c.object)
			fmt.Fprintf(b, "func (*%s) is%s() {}\n", c.object.name, u.name)
		}
	}
	read := "d.union" + u.name + "(&a.Value)"
	if u.parent {
		read = fmt.Sprintf("d.case%[1]s(guess%[1]s(d), &a.Value)", u.name)
	}
	fmt.Fprintf(b, unionOne, u.name, read)
}

const unionOne = `func (*Unknown) is%[1]s() {}

// Any%[1]s holds a [%[1]s] to switch over, or nil.
type Any%[1]s struct{ Value %[1]s }

// MarshalJSON returns the object, or null.
func (a Any%[1]s) MarshalJSON() ([]byte, error) { return json.Marshal(a.Value) }

// UnmarshalJSON takes an object, or null.
func (a *Any%[1]s) UnmarshalJSON(data []byte) error {
	return union(data, func(d *decoder) { %[2]s })
}

`

const unionList = `// %[1]s is a list of parts to switch over. Its JSON is [] where it is nil.
type %[1]s []%[2]s

// MarshalJSON returns the objects.
func (l %[1]s) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]%[2]s(l))
}

// UnmarshalJSON takes a list of objects, or null.
func (l *%[1]s) UnmarshalJSON(data []byte) error {
	return union(data, func(d *decoder) { d.list%[2]s(l) })
}

`
