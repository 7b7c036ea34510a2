package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// A decoderWriter writes the decoders, and collects what they need: the memory for
// lists and objects, and one method for each sort of list, pointer and map.
type decoderWriter struct {
	bytes.Buffer
	slabs map[string]string // Go type by name of the field of arena
	extra map[string]string // source by name of the method
}

func decoders(s *schema) []byte {
	w := &decoderWriter{slabs: make(map[string]string), extra: make(map[string]string)}
	w.WriteString(header + "import \"github.com/discordpkg/gateway/snowflake\"\n\n")
	for _, o := range slices.Concat(s.events, s.objects) {
		w.object(o)
	}
	for _, u := range s.unions {
		w.union(u)
	}
	for _, name := range slices.Sorted(maps.Keys(w.extra)) {
		w.WriteString(w.extra[name])
	}
	w.WriteString("// An arena is the memory of an event that is used again and again.\ntype arena struct {\n")
	w.WriteString("\tround uint64\n\tplain []byte\n\tdecoder decoder\n\tids slab[snowflake.ID]\n\tints slab[int64]\n")
	for _, name := range slices.Sorted(maps.Keys(w.slabs)) {
		fmt.Fprintf(w, "\t%s slab[%s]\n", name, w.slabs[name])
	}
	w.WriteString("}\n")
	return formatted(w.Bytes())
}

// object writes how an object is read.
func (w *decoderWriter) object(o *object) {
	fmt.Fprintf(w, "func (*%[1]s) typeName() string { return %[1]q }\n\n", o.name)
	fmt.Fprintf(w, "func (v *%s) decode(d *decoder) {\n\tfor key, ok := d.open(); ok; key, ok = d.next() {\n", o.name)
	w.WriteString("\t\tif !v.field(d, key) {\n\t\t\td.skip()\n\t\t}\n\t}\n}\n\n")
	fmt.Fprintf(w, "func (v *%s) field(d *decoder, key string) bool {\n", o.name)
	rest := "false"
	if o.base != nil {
		rest = fmt.Sprintf("v.%s.field(d, key)", o.base.name)
	}
	if len(o.fields) > 0 {
		w.WriteString("\tswitch key {\n")
		for _, f := range o.fields {
			fmt.Fprintf(w, "\tcase %q:\n%s", f.name, w.field(f))
		}
		fmt.Fprintf(w, "\tdefault:\n\t\treturn %s\n\t}\n\treturn true\n}\n\n", rest)
		return
	}
	fmt.Fprintf(w, "\treturn %s\n}\n\n", rest)
}

// field is how a field is read.
func (w *decoderWriter) field(f *field) string {
	at := "v." + goName(f.name)
	switch f.form() {
	case opt:
		if f.typ.kind == "object" {
			return fmt.Sprintf("if d.someObject(&%[1]s.state) {\n%[1]s.Value.decode(d)\n} else {\n%[1]s.Value = %[2]s{}\n}\n", at, f.typ.goType())
		}
		return fmt.Sprintf("if d.some(&%[1]s.state) {\n%[2]s\nd.settle(&%[1]s.state)\n} else {\n%[1]s = Null[%[3]s]()\n}\n", at, w.value(f.typ, at+".Value", false), f.typ.goType())
	case optPtr:
		return fmt.Sprintf("if d.some(&%[1]s.state) {\n%[2]s\nd.settlePtr(&%[1]s.state, %[1]s.Value == nil)\n} else {\n%[1]s = Null[*%[3]s]()\n}\n", at, w.pointer(f.typ.object, at+".Value"), f.typ.goType())
	case ptr:
		return w.pointer(f.typ.object, at) + "\n"
	}
	if f.typ.kind == "union" && f.typ.union.parent {
		u := f.typ.union
		tag := goName(u.tag)
		return fmt.Sprintf("d.case%s(d.parentTag(int32(v.%s), %q), &%s.Value)\n", u.name, tag, u.tag, at)
	}
	return w.value(f.typ, at, f.form() == list) + "\n"
}

// pointer reads an object into a pointer.
func (w *decoderWriter) pointer(o *object, at string) string {
	slab := w.slab(lower(o.name), o.name)
	w.extra["ptr"+o.name] = fmt.Sprintf(`func (d *decoder) ptr%[1]s(v **%[1]s) {
	if !d.object() {
		*v = nil
		return
	}
	if *v == nil {
		*v = one(d, &d.mem.%[2]s)
	}
	(*v).decode(d)
}

`, o.name, slab)
	return fmt.Sprintf("d.ptr%s(&%s)", o.name, at)
}

func (w *decoderWriter) slab(name, goType string) string {
	w.slabs[name] = goType
	return name
}

// value reads a value; its type is a List if asList is set.
func (w *decoderWriter) value(t *typ, at string, asList bool) string {
	switch t.kind {
	case "string":
		return fmt.Sprintf("d.str(&%s)", at)
	case "text", "timestamp", "token":
		return fmt.Sprintf("d.str((*string)(&%s))", at)
	case "snowflake":
		return fmt.Sprintf("d.id(&%s)", at)
	case "null":
		return fmt.Sprintf("d.present(&%s)", at)
	case "tuple<int,int>":
		return fmt.Sprintf("d.ints2(&%s)", at)
	case "enum":
		return fmt.Sprintf("d.enum((*int32)(&%s))", at)
	case "flags", "bits":
		return fmt.Sprintf("d.%s((*uint64)(&%s))", t.kind, at)
	case "object":
		return fmt.Sprintf("%s.decode(d)", at)
	case "union":
		return fmt.Sprintf("d.union%s(&%s.Value)", t.union.name, at)
	case "map":
		return w.mapping(t, at)
	case "list":
		place := "&" + at
		if asList {
			place = fmt.Sprintf("(*[]%s)(&%s)", t.elem.goType(), at)
		}
		return w.list(t.elem, place)
	}
	return fmt.Sprintf("d.%s(&%s)", t.kind, at) // int, float, bool, any, owner
}

// list reads a list to a place, a pointer.
func (w *decoderWriter) list(elem *typ, place string) string {
	switch elem.kind {
	case "snowflake", "int":
		return fmt.Sprintf("d.%s(%s)", map[string]string{"snowflake": "ids", "int": "ints"}[elem.kind], place)
	case "string":
		return fmt.Sprintf("strs(d, &d.mem.%s, %s)", w.slab("strs", "string"), place)
	case "text":
		return fmt.Sprintf("strs(d, &d.mem.%s, %s)", w.slab(lower(elem.values.name), elem.values.name), place)
	case "enum":
		return fmt.Sprintf("enums(d, &d.mem.%s, %s)", w.slab(lower(elem.values.name), elem.values.name), place)
	case "object":
		w.elements("list"+elem.object.name, elem.object.name, "%s.decode(d)", "[]"+elem.object.name, lower(elem.object.name), few(elem.object))
		return fmt.Sprintf("d.list%s(%s)", elem.object.name, place)
	case "union":
		name := elem.union.name
		w.elements("list"+name, name, "d.union"+name+"(%s)", plural(name), lower(name), 2)
		return fmt.Sprintf("d.list%s(%s)", name, place)
	}
	panic("no list of " + elem.text)
}

// few is the room of a new list: larger for small objects.
func few(o *object) int { return max(1, 4*inlineSize/max(inlineSize, sizeOf(o, nil))) }

func (w *decoderWriter) elements(method, elem, read, goType, slab string, few int) {
	w.slab(slab, elem)
	w.extra[method] = fmt.Sprintf(`func (d *decoder) %[1]s(v *%[4]s) {
	if !d.list() {
		*v = nil
		return
	}
	list := []%[2]s{}
	for n := 0; d.element(n); n++ {
		%[3]s
	}
	*v = list
}

`, method, elem, fmt.Sprintf(read, fmt.Sprintf("slot(d, &d.mem.%s, %d, &list)", slab, few)), goType)
}

func (w *decoderWriter) mapping(t *typ, at string) string {
	key, elem := t.key.goType(), t.elem.goType()
	name := "map" + elem
	if t.key.kind != "snowflake" {
		name = "map" + key + elem
	}
	parse := "parseID"
	if t.key.kind == "enum" {
		parse = "parseEnum"
	}
	w.extra[name] = fmt.Sprintf(`func (d *decoder) %[1]s(v *map[%[2]s]%[3]s) {
	if !d.object() {
		*v = nil
		return
	}
	if *v == nil {
		*v = make(map[%[2]s]%[3]s)
	}
	for key, ok := d.open(); ok; key, ok = d.next() {
		at := d.i
		var elem %[3]s
		%[4]s
		if k, ok := %[5]s(key); ok {
			(*v)[%[2]s(k)] = elem
		} else {
			d.unfitAt(at, "key that is a number")
		}
	}
}

`, name, key, elem, w.value(t.elem, "elem", false), parse)
	return fmt.Sprintf("d.%s(&%s)", name, at)
}

// union writes the reader of a polymorphic part.
func (w *decoderWriter) union(u *union) {
	if !u.parent {
		fmt.Fprintf(w, `func (d *decoder) union%[1]s(v *%[1]s) {
	if tag, ok := d.tag(%[2]q); ok {
		d.case%[1]s(tag, v)
	} else {
		d.case%[1]s(0, v)
	}
}

`, u.name, u.tag)
	}
	fmt.Fprintf(w, "func (d *decoder) case%[1]s(tag int32, v *%[1]s) {\n\tif !d.object() {\n\t\t*v = nil\n\t\treturn\n\t}\n\tswitch tag {\n", u.name)
	for _, c := range u.cases {
		slab := w.slab(lower(c.object.name), c.object.name)
		fmt.Fprintf(w, "\tcase %d:\n\t\tx := one(d, &d.mem.%s)\n\t\tx.decode(d)\n\t\t*v = x\n", c.value, slab)
	}
	w.WriteString("\tdefault:\n\t\t*v = &Unknown{JSON: JSON(d.raw())}\n\t}\n}\n\n")
}
