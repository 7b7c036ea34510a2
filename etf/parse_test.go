package etf

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJSONToTerms(t *testing.T) {
	for text, want := range map[string]string{
		`null`:                               "s\x03nil",
		` true `:                             "s\x04true",
		"\t\r\n false":                       "s\x05false",
		`0`:                                  "a\x00",
		`-0`:                                 "a\x00",
		`255`:                                "a\xff",
		`256`:                                "b\x00\x00\x01\x00",
		`-1`:                                 "b\xff\xff\xff\xff",
		`2147483647`:                         "b\x7f\xff\xff\xff",
		`2147483648`:                         "n\x04\x00\x00\x00\x00\x80",
		`-2147483648`:                        "b\x80\x00\x00\x00",
		`-2147483649`:                        "n\x04\x01\x01\x00\x00\x80",
		`1795246000000`:                      "n\x06\x00\x80\x07\x00\xfd\xa1\x01",
		`18446744073709551615`:               "n\x08\x00\xff\xff\xff\xff\xff\xff\xff\xff",
		`18446744073709551616`:               floatTerm(1 << 64),
		`-9223372036854775808`:               "n\x08\x01\x00\x00\x00\x00\x00\x00\x00\x80",
		`-9223372036854775809`:               floatTerm(-1 << 63),
		`1.0`:                                floatTerm(1),
		`1e2`:                                floatTerm(100),
		`-2.5E-1`:                            floatTerm(-0.25),
		`1e-999`:                             floatTerm(0),
		`1.` + strings.Repeat("0", 40) + `1`: floatTerm(1),
		`""`:                                 binaryTerm(""),
		`"a\"\\\/\b\f\n\r\tz"`:               binaryTerm("a\"\\/\b\f\n\r\tz"),
		`"\u0000\u00e9\uD83D\uDE00"`:         binaryTerm("\x00é😀"),
		`"\ud83dx"`:                          binaryTerm("\ufffdx"),
		`"\ud83d\n\ude00"`:                   binaryTerm("\ufffd\n\ufffd"),
		`"\ud83d\ud83d\ude00"`:               binaryTerm("\ufffd😀"),
		`"\ud83d\u0041"`:                     binaryTerm("\ufffdA"),
		"\"é\xff\xc3😀\"":                     binaryTerm("é\ufffd\ufffd😀"),
		`[]`:                                 "j",
		`[ ]`:                                "j",
		`[1 , [ ] ]`:                         "l\x00\x00\x00\x02a\x01jj",
		`{ }`:                                "t\x00\x00\x00\x00",
		`{ "a" : 1 , "b" : {} }`:             "t\x00\x00\x00\x02" + binaryTerm("a") + "a\x01" + binaryTerm("b") + "t\x00\x00\x00\x00",
	} {
		got, err := Codec{}.AppendWire([]byte("before"), []byte(text))
		require.NoError(t, err, text)
		require.Equal(t, "before\x83"+want, string(got), text)
	}
}

func TestJSONRefused(t *testing.T) {
	for text, want := range map[string]struct {
		err    error
		offset int
	}{
		``:               {ErrTruncated, 0},
		` `:              {ErrTruncated, 1},
		`nul`:            {ErrTruncated, 3},
		`nulL`:           {ErrJSON, 3},
		`tru e`:          {ErrJSON, 3},
		`fals`:           {ErrTruncated, 4},
		`-`:              {ErrTruncated, 1},
		`+1`:             {ErrJSON, 0},
		`-x`:             {ErrJSON, 1},
		`01`:             {ErrJSON, 1},
		`-00`:            {ErrJSON, 2},
		`1.`:             {ErrTruncated, 2},
		`1.x`:            {ErrJSON, 2},
		`1e`:             {ErrTruncated, 2},
		`1e+`:            {ErrTruncated, 3},
		`1e-x`:           {ErrJSON, 3},
		`[1e999]`:        {ErrRange, 1},
		`1 2`:            {ErrTrailing, 2},
		"\x00":           {ErrJSON, 0},
		`"`:              {ErrTruncated, 1},
		"\"a\nb\"":       {ErrJSON, 2},
		`"\`:             {ErrTruncated, 2},
		`"\x"`:           {ErrJSON, 2},
		`"\u12`:          {ErrTruncated, 5},
		`"\u12g4"`:       {ErrJSON, 5},
		`"\ud83d\u12g4"`: {ErrJSON, 11},
		`[`:              {ErrTruncated, 1},
		`[1`:             {ErrTruncated, 2},
		`[1,`:            {ErrTruncated, 3},
		`[1,]`:           {ErrJSON, 3},
		`[1 2]`:          {ErrJSON, 3},
		`[}`:             {ErrJSON, 1},
		`{`:              {ErrTruncated, 1},
		`{1`:             {ErrJSON, 1},
		`{"a`:            {ErrTruncated, 3},
		`{"a"`:           {ErrTruncated, 4},
		`{"\x":1}`:       {ErrJSON, 3},
		`{"a" 1}`:        {ErrJSON, 5},
		`{"a":}`:         {ErrJSON, 5},
		`{"a":1`:         {ErrTruncated, 6},
		`{"a":1]`:        {ErrJSON, 6},
		`{"a":1,}`:       {ErrJSON, 7},
	} {
		got, err := Codec{}.AppendWire([]byte("before"), []byte(text))
		require.ErrorIs(t, err, want.err, text)
		require.Equal(t, "before", string(got))
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax)
		require.Equal(t, want.offset, syntax.Offset, "%s: %v", text, err)
	}
}

func TestAtomKeys(t *testing.T) {
	long := strings.Repeat("k", 256)
	for name, want := range map[string]string{
		"op":      "s\x02op",
		"":        "s\x00",
		`\n`:      "s\x01\n",
		long[1:]:  "s\xff" + long[1:],
		long:      binaryTerm(long),
		"é":       binaryTerm("é"),
		"nil":     binaryTerm("nil"),
		"null":    binaryTerm("null"),
		"true":    binaryTerm("true"),
		"false":   binaryTerm("false"),
		"falsely": "s\x07falsely",
	} {
		got, err := Codec{AtomKeys: true}.AppendWire(nil, []byte(`{"`+name+`":1}`))
		require.NoError(t, err)
		require.Equal(t, "\x83t\x00\x00\x00\x01"+want+"a\x01", string(got), name)
	}
}

func TestIntegerIDs(t *testing.T) {
	id, term := "1180000000000000000", "n\x08\x00\x00\x00\xf6\x82\xbf\x33\x60\x10"
	number, err := Codec{}.AppendWire(nil, []byte(id))
	require.NoError(t, err)
	require.Equal(t, "\x83"+term, string(number))

	for text, integer := range map[string]bool{
		`{"id":"` + id + `"}`:               true,
		`{"user_id": "` + id + `"}`:         true,
		`{"ids":"` + id + `"}`:              false,
		`{"_id":"` + id + `"}`:              false,
		`{"guild_ids":["` + id + `"]}`:      true,
		`{"roles":["` + id + `"]}`:          true,
		`{"mention_roles":["` + id + `"]}`:  true,
		`{"roles":[{"name":"` + id + `"}]}`: false,
		`{"nonce":"` + id + `"}`:            false,
		`["` + id + `"]`:                    false,
		`{"id":"` + id + `x"}`:              false,
		`{"id":"0` + id + `"}`:              false,
		`{"id":"-` + id + `"}`:              false,
		`{"id":""}`:                         false,
		`{"id":"9007199254740992"}`:         false,
		`{"id":"9007199254740993"}`:         true,
		`{"id":"18446744073709551615"}`:     true,
		`{"id":"18446744073709551616"}`:     false,
		`{"id":null}`:                       false,
		`{"id":"\u0031180000000000000000"}`: false,
	} {
		got, err := Codec{IntegerIDs: true}.AppendWire(nil, []byte(text))
		require.NoError(t, err, text)
		require.Equal(t, integer, strings.Contains(string(got), "n\x08\x00") || strings.Contains(string(got), "n\x07\x00"), text)
		plain, err := Codec{}.AppendWire(nil, []byte(text))
		require.NoError(t, err)
		require.NotContains(t, string(plain), "n\x08\x00")

		back, err := Codec{}.AppendJSON(nil, got, math.MaxInt)
		require.NoError(t, err)
		require.JSONEq(t, text, string(back), "the same JSON either way")
	}
	for _, text := range []string{`{"id":"1`, `{"id":"`, `{"id":"118000000000000000`} {
		_, err := Codec{IntegerIDs: true}.AppendWire(nil, []byte(text))
		require.ErrorIs(t, err, ErrTruncated)
	}
}
