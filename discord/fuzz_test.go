package discord

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
)

// FuzzEvent holds the decoders against encoding/json on the same structs.
func FuzzEvent(f *testing.F) {
	for _, s := range samples(f) {
		index, _ := event.Index(s.name)
		f.Add(uint8(index), s.data)
	}
	for _, data := range []string{``, `null`, `[]`, `{`, `{"id":"\u00`, `{"id":0}`, `{"x":[{},{"":[]}],"id":1e3}`, "{\"nonce\":\"\xff\\ud800\"}"} {
		f.Add(uint8(0), []byte(data))
	}
	f.Fuzz(func(t *testing.T, index uint8, data []byte) {
		compare(t, event.At(int(index)%event.Count), data)
	})
}

// FuzzShape does the same with events that were spoiled in their structure.
func FuzzShape(f *testing.F) {
	all := samples(f)
	for i := range all {
		f.Add(uint16(i), uint64(i), uint8(3))
	}
	f.Fuzz(func(t *testing.T, n uint16, seed uint64, changes uint8) {
		s := all[int(n)%len(all)]
		compare(t, s.name, spoiled(t, s.data, seed, int(changes%8)))
	})
}

// TestShapes spoils each sample in many ways.
func TestShapes(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 12
	}
	for i, s := range samples(t) {
		for seed := range rounds {
			data := spoiled(t, s.data, uint64(i*rounds+seed), 1+seed%3)
			if compare(t, s.name, data); t.Failed() {
				t.Fatalf("%s: %s", s, data)
			}
		}
	}
}

// compare reads data as an event in all ways.
func compare(t *testing.T, name event.Type, data []byte) {
	t.Helper()
	want, strict := New(name), New(name)
	wantErr, err := json.Unmarshal(data, want), Strict(data, strict)
	if errors.Is(err, ErrDepth) || ambiguous(data) {
		return
	}
	var syntax *json.SyntaxError
	var ours *SyntaxError
	require.Equal(t, errors.As(wantErr, &syntax), errors.As(err, &ours), "%v, here %v", wantErr, err)
	if err == nil && wantErr != nil && unknownPart(strict) {
		return // encoding/json took it for a known one
	}
	require.Equal(t, wantErr == nil, err == nil, "%v, here %v", wantErr, err)
	if err == nil {
		guessed(want, strict)
		require.Equal(t, want, bare(strict))
	}
	lenient, again := New(name), New(name)
	_ = DecodeInto(again, []byte(`{"id":"1","user":{"id":"2"},"roles":["3"],"embeds":[{"fields":[{}]}]}`))
	lenientErr, againErr := lenient.DecodeJSON(data), DecodeInto(again, bytes.Clone(data))
	require.Equal(t, lenientErr, againErr)
	require.Equal(t, ours != nil, lenientErr != nil, "a value that does not fit is no error")
	if lenientErr == nil {
		require.Equal(t, bare(lenient), bare(again))
		if err == nil {
			guessed(want, lenient)
			require.Equal(t, want, bare(lenient))
		}
	}
}

// guessed takes out what encoding/json can only guess, where it is wrong.
func guessed(want, have Event) {
	switch w := want.(type) {
	case *InteractionCreate:
		if h := have.(*InteractionCreate); reflect.TypeOf(h.Data.Value) != reflect.TypeOf(w.Data.Value) {
			h.Data, w.Data = AnyInteractionData{}, AnyInteractionData{}
		}
	case *RateLimited:
		if h := have.(*RateLimited); reflect.TypeOf(h.Meta.Value) != reflect.TypeOf(w.Meta.Value) {
			h.Meta, w.Meta = AnyRateLimitMetadata{}, AnyRateLimitMetadata{}
		}
	}
}

// unknownPart reports whether the tag beside a part is of no kind that is known.
func unknownPart(e Event) bool {
	var part any
	switch e := e.(type) {
	case *InteractionCreate:
		part = e.Data.Value
	case *RateLimited:
		part = e.Meta.Value
	}
	_, ok := part.(*Unknown)
	return ok
}

// ambiguous reports whether data has keys that encoding/json takes for others, in
// capitals, or twice, when it merges lists.
func ambiguous(data []byte) bool {
	d := json.NewDecoder(bytes.NewReader(data))
	var keys []map[string]bool // nil for a list
	key := false
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		switch v := token.(type) {
		case json.Delim:
			switch v {
			case '{':
				keys, key = append(keys, make(map[string]bool)), true
				continue
			case '[':
				keys, key = append(keys, nil), false
				continue
			}
			keys = keys[:len(keys)-1]
		case string:
			if key {
				top := keys[len(keys)-1]
				if top[v] || strings.ContainsFunc(v, func(r rune) bool { return unicode.IsUpper(r) || r >= 0x80 }) {
					return true
				}
				top[v], key = true, false
				continue
			}
		}
		key = len(keys) > 0 && keys[len(keys)-1] != nil
	}
}

// spoiled returns data with some changes to its structure.
func spoiled(t *testing.T, data []byte, seed uint64, changes int) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 14))
	tree := parsed(data)
	for range changes {
		tree = spoil(r, tree)
	}
	out, err := json.Marshal(tree)
	require.NoError(t, err)
	return out
}

// parsed is JSON as a tree, whose numbers stay text.
func parsed(data []byte) (tree any) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		panic(err)
	}
	return tree
}

// strange are values that fit some fields, or look as if they did.
var strange = []string{
	`null`, `true`, `false`, `""`, `"text"`, `"\u2028\u0000\ud83d\ude00\ufffd"`, `"1"`, `"0"`, `"007"`, `"18446744073709551615"`,
	`"18446744073709551616"`, `"-1"`, `0`, `-0`, `1.0`, `1e3`, `1E400`, `2147483648`, `-2147483649`, `9223372036854775808`,
	`18446744073709551615`, `41771983444115456`, `0.5`, `[]`, `[null]`, `["1",2,[]]`, `{}`, `{"type":1}`,
	`{"id":"1","type":99,"components":[{"type":10}]}`, `{"1":{"id":"2"},"x":null}`,
}

// spoil changes one value of a tree.
func spoil(r *rand.Rand, tree any) any {
	switch v := tree.(type) {
	case map[string]any:
		if len(v) > 0 && r.IntN(8) > 0 {
			names := slices.Sorted(maps.Keys(v)) // the order of a map is none
			key := names[r.IntN(len(names))]
			if r.IntN(6) == 0 {
				delete(v, key)
			} else {
				v[key] = spoil(r, v[key])
			}
			return v
		}
	case []any:
		if len(v) > 0 && r.IntN(8) > 0 {
			i := r.IntN(len(v))
			if r.IntN(6) == 0 {
				return append(v, "again")
			}
			v[i] = spoil(r, v[i])
			return v
		}
	}
	return parsed([]byte(strange[r.IntN(len(strange))]))
}
