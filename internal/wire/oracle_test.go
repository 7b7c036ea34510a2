package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// oracle is what encoding/json makes of a message; keys match exactly.
func oracle(b []byte) (e Envelope, ok bool) {
	if !json.Valid(b) || bytes.TrimLeft(b, " \t\r\n")[0] != '{' {
		return e, false
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	_, _ = dec.Token()
	for dec.More() {
		key, _ := dec.Token()
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return e, false
		}
		var err error
		switch key {
		case "op":
			var v *uint
			err = json.Unmarshal(raw, &v)
			if e.Op, e.HasOp = 0, v != nil; v != nil {
				e.Op = *v
			}
		case "s":
			var v *int64
			err = json.Unmarshal(raw, &v)
			if e.Seq, e.HasSeq = 0, v != nil; v != nil {
				e.Seq = *v
			}
		case "t":
			var v *string
			err = json.Unmarshal(raw, &v)
			if e.Event = nil; v != nil {
				e.Event = []byte(*v)
			}
		case "d":
			e.Data = raw
		}
		if err != nil {
			return e, false
		}
	}
	return e, true
}

// depth is how deeply containers are nested in valid JSON.
func depth(b []byte) (deepest int) {
	for i, d := 0, 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			d++
			deepest = max(deepest, d)
		case '}', ']':
			d--
		}
	}
	return deepest
}

// equal compares what a caller can see.
func equal(t *testing.T, want, got Envelope, b []byte) {
	t.Helper()
	same := want.Op == got.Op && want.HasOp == got.HasOp && want.Seq == got.Seq && want.HasSeq == got.HasSeq &&
		bytes.Equal(want.Event, got.Event) && (want.Event == nil) == (got.Event == nil) &&
		bytes.Equal(want.Data, got.Data) && (want.Data == nil) == (got.Data == nil)
	if !same {
		t.Fatalf("%q\nwant %d,%v %d,%v %q %q\n got %d,%v %d,%v %q %q", b,
			want.Op, want.HasOp, want.Seq, want.HasSeq, want.Event, want.Data,
			got.Op, got.HasOp, got.Seq, got.HasSeq, got.Event, got.Data)
	}
}

// compare holds the scanner to the oracle.
func compare(t *testing.T, b []byte) {
	t.Helper()
	var e Envelope
	err := e.Unmarshal(b)
	want, ok := oracle(b)
	// encoding/json puts U+FFFD for what is not UTF-8.
	if errors.Is(err, ErrNotUTF8) {
		if utf8.Valid(b) {
			t.Fatalf("%q is UTF-8", b)
		}
		return
	}
	if err == nil && !utf8.Valid(b) {
		t.Fatalf("%q is not UTF-8", b)
	}
	// The outer object is one level that MaxDepth does not count.
	if ok && depth(b) > MaxDepth+1 {
		ok = false
	}
	if ok != (err == nil) {
		t.Fatalf("%q: error %v, but encoding/json accepts it: %v", b, err, ok)
	}
	if valid := utf8.Valid(b) && json.Valid(b) && depth(b) <= MaxDepth; valid != Valid(b) {
		t.Fatalf("%q: valid is %v, want %v", b, !valid, valid)
	}
	if err != nil {
		var fault *SyntaxError
		require.ErrorAs(t, err, &fault)
		if fault.Offset < 0 || fault.Offset > len(b) || fault.reason == fine {
			t.Fatalf("%q: %+v", b, fault)
		}
		return
	}
	equal(t, want, e, b)

	// White space in front keeps the shortcut away.
	var general Envelope
	spaced := append([]byte(" "), b...)
	require.NoError(t, general.Unmarshal(spaced))
	equal(t, e, general, b)

	// What a caller of Head sees is what Unmarshal finds, unless a key repeats.
	var head Envelope
	require.NoError(t, head.Head(b))
	if head.Data == nil && e.Data != nil {
		require.NoError(t, head.Body())
	}
	equal(t, e, head, b)
}

var seeds = []string{
	`{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{"content":"hi \ud83d\udc4b","n":[1,-0.5e+3,true,false,null]}}`,
	`{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250,"_trace":["[\"gateway\"]"]}}`,
	`{"op":11}`, `{"op":11,"d":null}`, `{}`, ` { } `, `{"d":{}}`, `{"s":0,"op":0}`,
	` { "s" : null , "t" : null , "op" : 9 , "d" : false } `,
	`{"d":[[[]],{"a":{}}],"op":0,"s":1,"t":"X"}`,
	`{"\u006fp":3,"\u0073":4,"\u0074":"\u0041B","\u0064":5}`,
	`{"\u006f\u0070":3}`, `{"o\u0070":3}`, `{"OP":3,"S":4,"T":"x","D":5}`, `{"\ud83d":1,"\\":2,"":3,"\n":4}`,
	`{"op":1,"op":2,"s":1,"s":null,"t":"A","t":null,"d":1,"d":2}`,
	`{"t":"A","s":1,"op":0,"d":1,"t":"B","s":2,"op":1,"d":2}`,
	`{"d":0,"t":"A","s":1,"op":0,"d":1}`,
	`{"t":"` + "\xff" + `é","s":-9223372036854775808,"op":18446744073709551615}`,
	`{"s":9223372036854775808}`, `{"s":-0}`, `{"s":1.0}`, `{"s":1e2}`, `{"s":"1"}`, `{"s":[]}`, `{"s":01}`, `{"s":-}`,
	`{"s":9999999999}`, `{"s":999999999999999999}`, `{"s":1000000000000000000}`,
	`{"op":-1}`, `{"op":-0}`, `{"op":18446744073709551616}`, `{"op":true}`, `{"op":1.5}`, `{"op":12}`,
	`{"t":5}`, `{"t":{}}`, `{"t":""}`, `{"t":"lower"}`, `{"t":"A` + "\x1f" + `"}`, `{"t":"A\u00zz"}`, `{"t":"\`,
	`{"t":"A","s":1,"op":0,"d":`, `{"t":"A","s":1,"op":0,"d":}`, `{"t":"A","s":1,"op":0,"d":1]`, `{"t":"A","s":1,"op":0,"d":1}}`,
	`{"t":"A","s":1,"op":0,"d": {} }`, `{"t":"A","s":01,"op":0,"d":1}`, `{"t":"A","s":1.5,"op":0,"d":1}`, `{"t":"A","s":1,"op":0.5,"d":1}`,
	`{"t":"A","s":12345678901,"op":0,"d":1}`, `{"t":"A","s":1,"op":0,"e":1}`, `{"t":"A","s":1,"op":}`, `{"t":"A","s":}`, `{"t":"A","s":1,"o":}`, `{"t":A}`, `{"t":"A","x":1}`,
	``, ` `, `[]`, `null`, `{`, `{"`, `{"op`, `{"op"`, `{"op" 1}`, `{"op":`, `{"op":1`, `{"op":1,`, `{"op":1,}`, `{,}`, `{1:2}`, `{"op":1 "s":2}`,
	`{"d":[1,]}`, `{"d":[,]}`, `{"d":{"a":1,}}`, `{"d":{"a"}}`, `{"d":{"a" :	1 , "b":
[ ] , "c":{ } }}`, `{"d":[1}}`, `{"d":{"a":1]}`, `{"d":{1:1}}`, `{"d":[1 2]}`, `{"d":{"a":`, `{"d":{"a"`, `{"d":{"a" x}}`, `{"d":["a`, `{"d":[`, `{"d":[1`,
	`{"d":nul}`, `{"d":[nul]}`, `{"d":[true,tru]}`, `{"d":[false,fals]}`, `{"d":tru}`, `{"d":fals}`, `{"d":true}`, `{"d":false}`, `{"d":nulll}`, `{"d":x}`,
	`{"d":[00]}`, `{"d":[-]}`, `{"d":[1.]}`, `{"d":[1e]}`, `{"d":[1e+]}`, `{"d":[1E-9,0,-0,0.0,10.01e10]}`, `{"d":[.5]}`, `{"d":[+1]}`,
	`{"d":["\x"]}`, `{"d":["\u12"]}`, `{"d":["\u12g4"]}`, `{"d":["\"\\\/\b\f\n\r\t\u0aF9"]}`, `{"d":["` + "\x00" + `"]}`, `{"d":["` + "\x7f\x80\xff" + `"]}`,
	`{"d":{"a long key, longer than a word":"a long value, longer than a word","k":"and \"one\" with quotes in \\ it"}}`,
	"\xef\xbb\xbf{}", `{}x`, `{} {}`, "{}\x00", "{\"d\":1\v}",
}

func TestAgainstEncodingJSON(t *testing.T) {
	for _, s := range seeds {
		compare(t, []byte(s))
	}
	for _, msgs := range samples() {
		for _, b := range msgs {
			compare(t, b)
		}
	}
}

// TestPrefixes cuts messages at every byte.
func TestPrefixes(t *testing.T) {
	for _, s := range seeds {
		for n := range len(s) {
			compare(t, []byte(s[:n]))
		}
	}
}

// TestEveryByteAtEveryPlace puts each byte at each offset of a string, with
// more and less behind it than fits into a word.
func TestEveryByteAtEveryPlace(t *testing.T) {
	const text = "0123456789abcdefghijklmnop"
	for _, tail := range []string{``, `,1`, `,"a tail that is long enough"`} {
		for at := range text {
			for c := range 256 {
				b := []byte(`{"d":["` + text + `"` + tail + `]}`)
				b[len(`{"d":["`)+at] = byte(c)
				compare(t, b)
			}
		}
	}
}

// TestEscapesFarApart has backslashes before and behind the stretch that the
// scanner looks over at once, and has it end anywhere in a string.
func TestEscapesFarApart(t *testing.T) {
	filler := strings.Repeat(`"0123456789",`, 100)
	for n := range 40 {
		for _, s := range []string{`"\n"`, `"\n\n\u1234 plain \\"`, `"\x"`, `\`, `"\`, `1`} {
			compare(t, []byte(`{"d":[`+strings.Repeat(" ", n)+filler+s+`,`+filler+`"\t"]}`))
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { compare(t, b) })
}
