package main

import (
	"bytes"
	"fmt"
)

// tables writes enumerations and sets of flags.
func tables(s *schema) []byte {
	var b bytes.Buffer
	b.WriteString(header)
	for _, v := range s.enums {
		v.writeEnum(&b)
	}
	for _, v := range s.flags {
		v.writeFlags(&b)
	}
	return formatted(b.Bytes())
}

func (v *values) writeEnum(b *bytes.Buffer) {
	under := map[string]string{"int": "int32", "string": "string"}[v.kind]
	fmt.Fprintf(b, "// %s is a value of this table, or one that is newer:\n// %s%s\ntype %[1]s %[4]s\n\n", v.name, site, v.anchor, under)
	b.WriteString("const (\n")
	for _, r := range v.rows {
		value := r.text
		if v.kind == "string" {
			value = fmt.Sprintf("%q", value)
		}
		fmt.Fprintf(b, "\t%s%s %[1]s = %[3]s\n", v.name, goName(r.name), value)
	}
	b.WriteString(")\n\n")
	if v.kind == "string" {
		fmt.Fprintf(b, "// String returns the value.\nfunc (v %s) String() string { return string(v) }\n\n", v.name)
		return
	}
	fmt.Fprintf(b, "// String returns Discord's name of the value.\nfunc (v %s) String() string {\n\tswitch v {\n", v.name)
	for _, r := range v.rows {
		fmt.Fprintf(b, "\tcase %s%s:\n\t\treturn %q\n", v.name, goName(r.name), r.name)
	}
	fmt.Fprintf(b, "\t}\n\treturn unknownValue(%q, int32(v))\n}\n\n", v.name)
}

func (v *values) writeFlags(b *bytes.Buffer) {
	name := plural(v.name)
	fmt.Fprintf(b, "// %s is a set of these flags, and of others that are newer:\n// %s%s\ntype %[1]s uint64\n\n", name, site, v.anchor)
	b.WriteString("const (\n")
	for _, r := range v.rows {
		fmt.Fprintf(b, "\t%s%s %s = 1 << %s\n", v.name, goName(r.name), name, r.text)
	}
	fmt.Fprintf(b, ")\n\nvar names%s = []string{\n", name)
	for _, r := range v.rows {
		fmt.Fprintf(b, "\t%s: %q,\n", r.text, r.name)
	}
	fmt.Fprintf(b, "}\n\n// String returns Discord's names of the flags, with | between them.\n")
	fmt.Fprintf(b, "func (f %s) String() string { return flagNames(uint64(f), names%[1]s) }\n\n", name)
	if v.kind != "bits" { // the set of permissions has more methods, and its own file
		fmt.Fprintf(b, "// Has reports whether all flags of other are in f.\nfunc (f %s) Has(other %[1]s) bool { return f&other == other }\n\n", name)
	}
}
