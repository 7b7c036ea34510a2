package etf

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// numbered decodes JSON without a loss of digits.
func numbered(t *testing.T, text []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	require.NoError(t, decoder.Decode(&v), "%q", text)
	require.False(t, decoder.More())
	return v
}

// normal puts numbers of equal value into equal form.
func normal(v any) any {
	switch v := v.(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil && f == 0 {
			return json.Number("0")
		}
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return v
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = normal(v[key])
		}
	}
	return v
}

func seedTerms(f *testing.F) {
	f.Helper()
	for _, term := range []string{
		"", "\x83", "j", "\x83\x83j", "a\x05", "b\x80\x00\x00\x00", "P\x00\x00\x00\x0ax\x9cK", "k\x00\x02\x00\xff",
		floatTerm(0.1), floatTerm(1e300), floatTerm(-1 << 53), oldFloatTerm("1.5e+00"), "l\x00\x00\x00\x01a\x01a\x02",
		"n\x08\x00\xff\xff\xff\xff\xff\xff\xff\xff", "n\x08\x01\x00\x00\x00\x00\x00\x00\x00\x80", "n\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
		"o\x00\x00\x00\x01\x01\x05", "d\x00\x03nil", "w\x04true", "h\x02jj", "i\x00\x00\x00\x01j", nested(40),
		"t\x00\x00\x00\x03a\x01jn\x01\x00\x05js\x02opa\x01", binaryTerm("a\"\n\xff\xe2\x82\xac\xf0\x9f\x98\x80 and some more"),
		mapOf(atomOp, "a\x00", atomS, "a\x2a", atomT, binaryTerm("READY"), atomD, "h\x00"),
		mapOf(atomD, "h\x02jj", atomOp, "a\x00", atomS, "a\x2a", atomT, binaryTerm("READY")),
		mapOf(atomOp, "a\x03", atomD, "j"), mapOf(atomD, "h\x01j", atomOp, "n\x01\x00\x07", atomT, null3, "j", "j"),
	} {
		f.Add([]byte(term))
	}
	for _, c := range []Codec{{}, {AtomKeys: true, IntegerIDs: true}} {
		msg, err := c.AppendWire(nil, []byte(messageCreate))
		require.NoError(f, err)
		f.Add(msg)
	}
}

// FuzzAppendJSON compares the decoder with a slow and simple one.
func FuzzAppendJSON(f *testing.F) {
	seedTerms(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		data = append(make([]byte, 0, len(data)), data...) // reading on would panic
		want, wantErr := referenceJSON(data, DefaultMaxDepth)
		got, err := Codec{}.AppendJSON(nil, data, math.MaxInt)
		if wantErr != nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.LessOrEqual(t, len(got), 6*len(data))
		require.Equal(t, normal(want), normal(numbered(t, got)), "%q", got)
	})
}

// Messages with a few wrong bytes: close enough to right ones to get far.
func TestMutations(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 20000 {
		text, err := json.Marshal(randomValue(random, 4))
		require.NoError(t, err)
		c := Codec{AtomKeys: random.IntN(2) == 0, IntegerIDs: random.IntN(2) == 0}
		msg, err := c.AppendWire(nil, text)
		require.NoError(t, err)
		for range random.IntN(4) {
			at := random.IntN(len(msg))
			if layouts[msg[at]].head > 0 { // one tag for another
				msg[at] = "Fabcdhijklmnostvw"[random.IntN(17)]
			} else {
				msg[at] = byte(random.UintN(256))
			}
		}
		want, wantErr := referenceJSON(msg, DefaultMaxDepth)
		got, err := Codec{}.AppendJSON(nil, msg, math.MaxInt)
		if wantErr != nil {
			require.Error(t, err, "%q", msg)
			continue
		}
		require.NoError(t, err, "%q", msg)
		if !reflect.DeepEqual(normal(want), normal(numbered(t, got))) {
			t.Fatalf("%q\nis  %q\nnot %v", msg, got, want)
		}
	}
}

// FuzzSplit compares the envelope with that of the whole message.
func FuzzSplit(f *testing.F) {
	seedTerms(f)
	f.Fuzz(func(t *testing.T, msg []byte) {
		msg = append(make([]byte, 0, len(msg)), msg...)
		op, seq, event, data, err := Codec{}.Split(msg)
		whole, wholeErr := Codec{}.AppendJSON(nil, msg, math.MaxInt)
		if err != nil || wholeErr != nil {
			return // d is not looked into, op and s may be anything in JSON
		}
		var envelope struct {
			Op json.Number
			S  json.Number
			T  string
		}
		var pairs map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(whole, &pairs))
		require.NoError(t, json.Unmarshal(pairs["op"], &envelope.Op))
		require.Equal(t, strconv.FormatUint(uint64(op), 10), envelope.Op.String())
		if s, ok := pairs["s"]; ok && string(s) != "null" {
			require.Equal(t, strconv.FormatInt(seq, 10), strings.Trim(string(s), `"`))
		} else {
			require.Zero(t, seq)
		}
		if name, ok := pairs["t"]; ok {
			require.NoError(t, json.Unmarshal(name, &envelope.T))
		}
		if strings.Contains(envelope.T, "op") {
			return // may mislead endOfData
		}
		require.Equal(t, envelope.T, string(perByte(event)))
		d, ok := pairs["d"]
		require.Equal(t, ok, data != nil)
		if ok {
			text, err := Codec{}.AppendJSON(nil, data, math.MaxInt)
			require.NoError(t, err)
			require.Equal(t, string(d), string(text))
		}
	})
}

// FuzzAppendWire compares the encoder with encoding/json: both accept the same,
// and the terms say what the text says.
func FuzzAppendWire(f *testing.F) {
	for _, text := range []string{
		messageCreate, ``, `null`, ` [1,2.5,-0,1e3,"x",true,false,null,{}] `, `{"op":1,"d":251}`, `{"a":[{"b":[]}]}`,
		`"\ud83d\ude00\ud83d\u00e9\/\b"`, `"\ud800\ud800"`, "\"\xff\xc3\x28\"", `1e999`, `1e-999`, `18446744073709551616`, `01`, `[1,]`,
		`{"id":"1180000000000000000","user_ids":["9007199254740993","1"],"nil":null}`, `"` + strings.Repeat("x", 50) + "\\n\"",
		strings.Repeat("[", 600) + strings.Repeat("]", 600),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		text = append(make([]byte, 0, len(text)), text...)
		var want any
		wantErr := json.Unmarshal(text, &want)
		for _, c := range []Codec{{MaxDepth: 10000}, {MaxDepth: 10000, AtomKeys: true, IntegerIDs: true}} {
			msg, err := c.AppendWire(nil, text)
			require.Equal(t, wantErr == nil, err == nil, "%v, %v", wantErr, err)
			if err != nil {
				return
			}
			require.LessOrEqual(t, len(msg), 3*len(text)+1)
			back, err := c.AppendJSON(nil, msg, math.MaxInt)
			require.NoError(t, err)
			// Integers beyond 2^53 come back as strings, so compare through the reference.
			reference, err := referenceJSON(msg, 10000)
			require.NoError(t, err)
			require.Equal(t, normal(reference), normal(numbered(t, back)))
			var got any
			require.NoError(t, json.Unmarshal(back, &got))
			require.Equal(t, unquoted(want), unquoted(got))
		}
	})
}

// unquoted makes numbers of strings that are integers, as of those that come
// from beyond 2^53.
func unquoted(v any) any {
	switch v := v.(type) {
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil && !strings.ContainsAny(v, ".eExX_nN+") {
			return f
		}
	case []any:
		for i := range v {
			v[i] = unquoted(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = unquoted(v[key])
		}
	}
	return v
}

// Random values survive the way to terms and back, in either form.
func TestRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		text, err := json.Marshal(randomValue(random, 5))
		require.NoError(t, err)
		for _, c := range []Codec{{}, {AtomKeys: true}, {AtomKeys: true, IntegerIDs: true}} {
			msg, err := c.AppendWire(nil, text)
			require.NoError(t, err)
			back, err := c.AppendJSON(nil, msg, math.MaxInt)
			require.NoError(t, err)
			require.JSONEq(t, string(text), string(back))
			again, err := c.AppendWire(nil, back)
			require.NoError(t, err)
			require.Equal(t, msg, again, "%s", text)
		}
	}
}

func randomValue(random *rand.Rand, depth int) any {
	kinds := 8
	if depth == 0 {
		kinds = 6
	}
	switch random.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return random.IntN(2) == 0
	case 2:
		return (random.Int64N(1<<54) - 1<<53) >> random.IntN(53)
	case 3:
		return random.NormFloat64()
	case 4:
		return strconv.FormatUint(random.Uint64(), 10)
	case 5:
		return randomText(random)
	case 6:
		list := make([]any, random.IntN(5))
		for i := range list {
			list[i] = randomValue(random, depth-1)
		}
		return list
	}
	pairs := map[string]any{}
	for range random.IntN(5) {
		pairs[randomText(random)] = randomValue(random, depth-1)
		pairs["id"] = randomValue(random, 0)
	}
	return pairs
}

func randomText(random *rand.Rand) string {
	letters := []rune("abcdefghijklmnopqrstuvwxyz_ABC \"\\\n\x00é€😀")
	text := make([]rune, random.IntN(24))
	for i := range text {
		text[i] = letters[random.IntN(len(letters))]
	}
	return string(text)
}
