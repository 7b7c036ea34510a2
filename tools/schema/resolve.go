package main

import (
	"fmt"
	"strings"
)

// resolve finds what the names of the table name.
func (s *schema) resolve() error {
	for _, list := range [][]*object{s.events, s.objects} {
		for _, o := range list {
			if err := s.resolveObject(o); err != nil {
				return fmt.Errorf("%s: %w", o.name, err)
			}
		}
	}
	for _, u := range s.unions {
		for i := range u.cases {
			c := &u.cases[i]
			var ok bool
			if c.object, ok = s.named[c.objectName].(*object); !ok {
				return fmt.Errorf("%s: no object %s", u.name, c.objectName)
			}
		}
	}
	return nil
}

func (s *schema) resolveObject(o *object) error {
	if o.baseName != "-" {
		var ok bool
		if o.base, ok = s.named[o.baseName].(*object); !ok {
			return fmt.Errorf("no object %s", o.baseName)
		}
	}
	for _, f := range o.fields {
		t, err := s.typeOf(f.typ.text)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		f.typ = t
	}
	return nil
}

func (s *schema) typeOf(text string) (*typ, error) {
	if elem, ok := strings.CutPrefix(text, "[]"); ok {
		t, err := s.typeOf(elem)
		return &typ{kind: "list", elem: t, text: text}, err
	}
	switch text {
	case "string", "int", "float", "bool", "snowflake", "timestamp", "null", "any", "owner", "token", "tuple<int,int>":
		return &typ{kind: text, text: text}, nil
	}
	if inner, ok := strings.CutPrefix(text, "map<"); ok {
		return s.mapOf(strings.TrimSuffix(inner, ">"))
	}
	outer, inner, generic := strings.Cut(strings.TrimSuffix(text, ">"), "<")
	if !generic {
		switch named := s.named[text].(type) {
		case *object:
			return &typ{kind: "object", object: named, text: text}, nil
		case *union:
			return &typ{kind: "union", union: named, text: text}, nil
		}
		return nil, fmt.Errorf("no type %s", text)
	}
	v, ok := s.named[inner].(*values)
	if !ok {
		return nil, fmt.Errorf("no values %s", inner)
	}
	kind := map[string]string{"string": "text", "int": "enum", "bits": "bits"}[outer]
	if v.set && kind == "enum" {
		kind = "flags"
	}
	if kind == "" || kind == "text" && v.kind != "string" || kind == "enum" && v.kind != "int" {
		return nil, fmt.Errorf("%s does not fit %s", text, v.kind)
	}
	return &typ{kind: kind, values: v, text: text}, nil
}

func (s *schema) mapOf(inner string) (*typ, error) {
	key, value, _ := strings.Cut(inner, ",")
	t := &typ{kind: "map", text: "map<" + inner + ">"}
	var err error
	if v, ok := s.named[key].(*values); ok && v.kind == "int" {
		t.key = &typ{kind: "enum", values: v, text: key}
	} else if t.key, err = s.typeOf(key); err != nil || t.key.kind != "snowflake" {
		return nil, fmt.Errorf("no key: %s", key)
	}
	t.elem, err = s.typeOf(value)
	return t, err
}
