package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// A document is what is read of Discord's OpenAPI document.
type document struct {
	Components struct {
		Schemas map[string]*apiSchema `json:"schemas"`
	} `json:"components"`
}

type apiSchema struct {
	Ref        string                `json:"$ref"`
	Type       any                   `json:"type"` // a name, or a list of names
	Properties map[string]*apiSchema `json:"properties"`
	Required   []string              `json:"required"`
	OneOf      []*apiSchema          `json:"oneOf"`
	Const      any                   `json:"const"`
	Title      string                `json:"title"`
}

// apiName finds the object, or the enumeration, of the document that is ours.
func (d *document) find(name string) (string, *apiSchema) {
	for _, try := range []string{apiNames[name], name + "Response", name, name + "Type", name + "s", name + "ComponentResponse"} {
		if s := d.Components.Schemas[try]; s != nil {
			return try, s
		}
	}
	return "", nil
}

// compare lists how the table differs from an OpenAPI document, one difference a
// line. The document has objects of requests, too, and knows little of the gateway:
// a difference is a question to a person, not a mistake.
func compare(s *schema, text []byte) ([]string, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	var out []string
	for _, o := range s.objects {
		name, api := d.find(o.name)
		if api == nil || api.Properties == nil {
			out = append(out, o.name+": not in the document")
			continue
		}
		for _, difference := range o.compare(api) {
			out = append(out, fmt.Sprintf("%s (%s): %s", o.name, name, difference))
		}
	}
	for _, v := range s.enums {
		name, api := d.find(v.name)
		if api == nil || api.OneOf == nil {
			out = append(out, v.name+": not in the document")
			continue
		}
		for _, difference := range v.compare(api) {
			out = append(out, fmt.Sprintf("%s (%s): %s", v.name, name, difference))
		}
	}
	return out, nil
}

// compare lists how the fields of an object differ.
func (o *object) compare(api *apiSchema) []string {
	var out []string
	ours := make(map[string]bool)
	for at := o; at != nil; at = at.base {
		for _, f := range at.fields {
			ours[f.name] = true
			p := api.Properties[f.name]
			if p == nil {
				out = append(out, f.name+": only here")
				continue
			}
			if null := p.nullable(); null != f.nullable {
				out = append(out, fmt.Sprintf("%s: null here %v, there %v", f.name, f.nullable, null))
			}
			if there := !slices.Contains(api.Required, f.name); there != f.optional {
				out = append(out, fmt.Sprintf("%s: optional here %v, there %v", f.name, f.optional, there))
			}
			if kind := p.kind(); kind != "" && !slices.Contains(kindsOf[f.typ.kind], kind) {
				out = append(out, fmt.Sprintf("%s: here %s, there %s", f.name, f.typ.text, kind))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(api.Properties)) {
		if !ours[name] {
			out = append(out, name+": only there")
		}
	}
	return out
}

// compare lists the values that only one of the two has.
func (v *values) compare(api *apiSchema) []string {
	var out []string
	ours, theirs := make(map[string]bool), make(map[string]bool)
	for _, r := range v.rows {
		ours[r.text] = true
	}
	for _, c := range api.OneOf {
		value := fmt.Sprint(c.Const)
		theirs[value] = true
		if !ours[value] {
			out = append(out, fmt.Sprintf("%s (%s): only there", value, c.Title))
		}
	}
	for _, r := range v.rows {
		if !theirs[r.text] {
			out = append(out, fmt.Sprintf("%s (%s): only here", r.text, r.name))
		}
	}
	return out
}

// kindsOf are the kinds of JSON that a type of the table may be.
var kindsOf = map[string][]string{
	"string": {"string"}, "text": {"string"}, "timestamp": {"string"}, "snowflake": {"string"}, "bits": {"string"},
	"int": {"integer", "number"}, "enum": {"integer"}, "flags": {"integer"}, "float": {"number", "integer"}, "bool": {"boolean"},
	"list": {"array"}, "tuple<int,int>": {"array"}, "map": {"object"}, "object": {"object"}, "null": {"null"},
	"any": {"string", "integer", "number", "boolean", "object", "array"}, "union": {"object"}, "owner": {"string"}, "token": {"string"},
}

func (p *apiSchema) nullable() bool {
	if list, ok := p.Type.([]any); ok && slices.Contains(list, any("null")) {
		return true
	}
	return slices.ContainsFunc(p.OneOf, func(s *apiSchema) bool { return s.Type == "null" })
}

// kind is the only kind that a value may have besides null, empty if a reference or
// several kinds say otherwise.
func (p *apiSchema) kind() string {
	kind := ""
	list, ok := p.Type.([]any)
	if !ok {
		list = []any{p.Type}
	}
	for _, t := range list {
		if name, _ := t.(string); name != "" && (name != "null" || len(list) == 1) {
			if kind != "" {
				return ""
			}
			kind = name
		}
	}
	return kind
}
