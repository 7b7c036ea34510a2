package etf

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func be32(n int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }

func binaryTerm(text string) string { return "m" + be32(len(text)) + text }

func floatTerm(f float64) string {
	return "F" + string(binary.BigEndian.AppendUint64(nil, math.Float64bits(f)))
}

func oldFloatTerm(text string) string { return "c" + text + strings.Repeat("\x00", 31-len(text)) }

func nested(depth int) string {
	return strings.Repeat("l\x00\x00\x00\x01", depth) + "j" + strings.Repeat("j", depth)
}

func TestTermsToJSON(t *testing.T) {
	for term, want := range map[string]string{
		"a\x00":                                 `0`,
		"a\x09":                                 `9`,
		"a\x63":                                 `99`,
		"a\x64":                                 `100`,
		"a\xff":                                 `255`,
		"b\xff\xff\xff\xff":                     `-1`,
		"b\x80\x00\x00\x00":                     `-2147483648`,
		"n\x00\x00":                             `0`,
		"n\x01\x01\x00":                         `0`,
		"n\x01\x01\x05":                         `-5`,
		"n\x07\x00\x00\x00\x00\x00\x00\x00\x20": `9007199254740992`,
		"n\x07\x00\x01\x00\x00\x00\x00\x00\x20": `"9007199254740993"`,
		"n\x07\x01\x00\x00\x00\x00\x00\x00\x20": `-9007199254740992`,
		"n\x07\x01\x01\x00\x00\x00\x00\x00\x20": `"-9007199254740993"`,
		"n\x09\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00":      `1`,
		"o\x00\x00\x00\x01\x00\x07":                          `7`,
		"n\x06\x00\x80\x07\x00\xfd\xa1\x01":                  `1795246000000`,
		floatTerm(0):                                         `0`,
		floatTerm(math.Copysign(0, -1)):                      `0`,
		floatTerm(1795246000000):                             `1795246000000`,
		floatTerm(0.25):                                      `0.25`,
		floatTerm(1e-7):                                      `1e-07`,
		floatTerm(1e20):                                      `100000000000000000000`,
		floatTerm(1e21):                                      `1e+21`,
		floatTerm(-1.2345678901234567e-6):                    `-0.0000012345678901234567`,
		oldFloatTerm("2.50000000000000000000e+00"):           `2.5`,
		oldFloatTerm("-1.0e-300"):                            `-1e-300`,
		binaryTerm(""):                                       `""`,
		binaryTerm("sixteen bytes on"):                       `"sixteen bytes on"`,
		binaryTerm("a\"b\\c/d\be\ff\ng\rh\ti\x00j\x1fk\x7f"): `"a\"b\\c/d\be\ff\ng\rh\ti\u0000j\u001fk` + "\x7f\"",
		binaryTerm("é😀\u2028<>&"):                            "\"é😀\u2028<>&\"",
		binaryTerm("a\xffb\xc3\x28\xe2\x82"):                 `"a` + "\ufffdb\ufffd(\ufffd\ufffd" + `"`,
		binaryTerm("\xed\xa0\x80"):                           `"` + "\ufffd\ufffd\ufffd" + `"`,
		"s\x00":                                              `""`,
		"w\x04true":                                          `true`,
		"v\x00\x05false":                                     `false`,
		"d\x00\x09undefined":                                 `"undefined"`,
		"w\x02é":                                             `"é"`,
		"j":                                                  `[]`,
		"k\x00\x00":                                          `[]`,
		"k\x00\x03\x00\x0a\xff":                              `[0,10,255]`,
		"l\x00\x00\x00\x00j":                                 `[]`,
		"l\x00\x00\x00\x02a\x01jj":                           `[1,[]]`,
		"h\x00":                                              `[]`,
		"h\x02a\x01w\x03nil":                                 `[1,null]`,
		"i\x00\x00\x00\x01a\x01":                             `[1]`,
		"t\x00\x00\x00\x00":                                  `{}`,
		"t\x00\x00\x00\x02s\x03nila\x01d\x00\x04truea\x02":                                  `{"nil":1,"true":2}`,
		"t\x00\x00\x00\x02a\x07a\x01b\xff\xff\xff\xffa\x02":                                 `{"7":1,"-1":2}`,
		"t\x00\x00\x00\x02n\x01\x01\x05a\x01n\x08\x00\xff\xff\xff\xff\xff\xff\xff\xffa\x02": `{"-5":1,"18446744073709551615":2}`,
		"t\x00\x00\x00\x01" + binaryTerm("a\nb") + "t\x00\x00\x00\x00":                      `{"a\nb":{}}`,
		"t\x00\x00\x00\x01" + "s\x11seventeen bytes..j":                                     `{"seventeen bytes..":[]}`,
	} {
		for _, prefix := range []string{"", "\x83"} {
			// A capacity of its own for each: growing is tested as well.
			got, err := Codec{}.AppendJSON([]byte("before "), []byte(prefix+term), math.MaxInt)
			require.NoError(t, err, "%q", term)
			require.Equal(t, "before "+want, string(got), "%q", term)
			require.True(t, json.Valid(got[7:]), "%q", got)
		}
	}
}

func TestTermsRefused(t *testing.T) {
	for term, want := range map[string]struct {
		err    error
		offset int
	}{
		"":                              {ErrTruncated, 0},
		"\x83":                          {ErrTruncated, 1},
		"\x83\x83j":                     {ErrUnsupported, 1},
		"P\x00\x00\x00\x01x":            {ErrCompressed, 0},
		"M\x00\x00\x00\x01\x08\x80":     {ErrUnsupported, 0},
		"a\x01\x05":                     {ErrTrailing, 2},
		"a":                             {ErrTruncated, 0},
		"m\xff\xff\xff\xff":             {ErrTruncated, 0},
		"l\xff\xff\xff\xffj":            {ErrTruncated, 0},
		"t\xff\xff\xff\xffj":            {ErrTruncated, 0},
		"l\x00\x00\x00\x01a\x01":        {ErrTruncated, 7},
		"l\x00\x00\x00\x01a\x01a\x02":   {ErrImproper, 7},
		"l\x00\x00\x00\x01ja":           {ErrImproper, 6},
		"h\x02jP":                       {ErrCompressed, 3},
		"h\x02j":                        {ErrTruncated, 0},
		"h\x01" + floatTerm(math.NaN()): {ErrRange, 2},
		floatTerm(math.Inf(-1)):         {ErrRange, 0},
		oldFloatTerm(""):                {ErrRange, 0},
		oldFloatTerm("inf"):             {ErrRange, 0},
		oldFloatTerm(" 1.0"):            {ErrRange, 0},
		oldFloatTerm("0x1p3"):           {ErrRange, 0},
		oldFloatTerm("1e999"):           {ErrRange, 0},
		oldFloatTerm("1.0\x001"):        {ErrRange, 0},
		"n\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01": {ErrRange, 0},
		"t\x00\x00\x00\x01":                             {ErrTruncated, 0},
		"t\x00\x00\x00\x01j":                            {ErrKey, 5},
		"t\x00\x00\x00\x01jj":                           {ErrKey, 5},
		"t\x00\x00\x00\x01h\x00j":                       {ErrKey, 5},
		"t\x00\x00\x00\x01" + floatTerm(1):              {ErrKey, 5},
		"t\x00\x00\x00\x01k\x00\x01aj":                  {ErrKey, 5},
		"t\x00\x00\x00\x01P\x00":                        {ErrCompressed, 5},
		"t\x00\x00\x00\x01s\x05":                        {ErrTruncated, 5},
		"t\x00\x00\x00\x01s\x01a":                       {ErrTruncated, 8},
		"t\x00\x00\x00\x02s\x00j":                       {ErrTruncated, 8},
		"t\x00\x00\x00\x01n\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01j": {ErrRange, 5},
	} {
		dst := []byte("before")
		got, err := Codec{}.AppendJSON(dst, []byte(term), math.MaxInt)
		require.ErrorIs(t, err, want.err, "%q", term)
		require.Equal(t, "before", string(got), "%q", term)
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax)
		require.Equal(t, want.offset, syntax.Offset, "%q: %v", term, err)
		require.Contains(t, err.Error(), "etf: at byte "+strconv.Itoa(want.offset))
	}
}

func TestDepth(t *testing.T) {
	for _, depth := range []int{1, 31, 32, 33, 400} {
		c := Codec{MaxDepth: depth}
		text, err := c.AppendJSON(nil, []byte(nested(depth)), math.MaxInt)
		require.NoError(t, err)
		require.Equal(t, strings.Repeat("[", depth)+"[]"+strings.Repeat("]", depth), string(text))
		_, err = c.AppendJSON(nil, []byte(nested(depth+1)), math.MaxInt)
		require.ErrorIs(t, err, ErrDepth)

		list := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		_, err = c.AppendWire(nil, []byte(list))
		require.NoError(t, err)
		for _, deeper := range []string{"[" + list + "]", `{"a":` + list + "}", strings.Repeat("[", depth) + "{}"} {
			_, err = c.AppendWire(nil, []byte(deeper))
			require.ErrorIs(t, err, ErrDepth)
		}
	}
	_, err := Codec{}.AppendJSON(nil, []byte(nested(DefaultMaxDepth)), math.MaxInt)
	require.NoError(t, err)
	_, err = Codec{}.AppendJSON(nil, []byte(nested(DefaultMaxDepth+1)), math.MaxInt)
	require.ErrorIs(t, err, ErrDepth)
}

// A message that is cut anywhere is refused, and in place.
func TestTruncated(t *testing.T) {
	for _, server := range []Codec{{}, {AtomKeys: true, IntegerIDs: true}} {
		msg, err := server.AppendWire(nil, []byte(messageCreate))
		require.NoError(t, err)
		for cut := range msg {
			// A capacity that ends with the cut: reading on would panic.
			part := append(make([]byte, 0, cut), msg[:cut]...)
			_, err := Codec{}.AppendJSON(nil, part, math.MaxInt)
			require.ErrorIs(t, err, ErrTruncated, "cut at %d", cut)
			_, _, _, data, err := Codec{}.Split(part)
			if err == nil { // d is last, and its end is not looked for
				_, err = Codec{}.AppendJSON(nil, data, math.MaxInt)
			}
			require.ErrorIs(t, err, ErrTruncated, "cut at %d", cut)
		}
		for cut := range messageCreate {
			_, err := server.AppendWire(nil, []byte(messageCreate[:cut]))
			require.ErrorIs(t, err, ErrTruncated, "cut at %d", cut)
		}
	}
}

// Every character, alone and at every offset within the words that text is
// written in, comes out as encoding/json reads it.
func TestTextAtEveryOffset(t *testing.T) {
	for b := range 256 {
		for offset := range 20 {
			text := strings.Repeat("x", offset) + string([]byte{byte(b)}) + "yz"
			for _, behind := range []string{"", strings.Repeat("m", 20)} {
				term := "h\x02" + binaryTerm(text) + binaryTerm(behind)
				got, err := Codec{}.AppendJSON(nil, []byte(term), math.MaxInt)
				require.NoError(t, err)
				var back []string
				require.NoError(t, json.Unmarshal(got, &back), "%q", got)
				require.Equal(t, []string{strings.ToValidUTF8(text, "\ufffd"), behind}, back)
			}
		}
	}
}

func TestDecimals(t *testing.T) {
	check := func(v uint64) {
		var out [room]byte
		if v < 1e16 {
			require.Equal(t, strconv.FormatUint(v, 10)+",", string(out[:writeNatural(&out, v)]))
		} else if v < 1e19 {
			require.Equal(t, `"`+strconv.FormatUint(v, 10)+`",`, string(out[:writeID(&out, v)]))
		}
	}
	for power := uint64(1); power <= 1e19/10; power *= 10 {
		check(power - 1)
		check(power)
		check(power + 1)
	}
	check(1e19 - 1)
	for v := range uint64(2000) {
		check(v)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100000 {
		check(random.Uint64() >> random.IntN(64))
	}
	for v := range uint64(100_000_000 / 997) {
		word := binary.LittleEndian.AppendUint64(nil, eightDigits(v*997))
		digits := strconv.FormatUint(1e8+v*997, 10)[1:]
		if string(word) != digits {
			t.Fatalf("%s, want %s", word, digits)
		}
	}
}

// What is produced is bounded, however little it is made of: control characters
// become six bytes each, the bytes of a STRING up to four, those that are no
// UTF-8 three.
func TestOutputLimit(t *testing.T) {
	const size = 60000
	list := func(element string) string {
		return "l\x00\x00\x00\x40" + strings.Repeat(element, 64) + "j"
	}
	for name, term := range map[string]string{
		"control characters": list("m\x00\x00\xea\x60" + strings.Repeat("\x01", size)),
		"not UTF-8":          list("m\x00\x00\xea\x60" + strings.Repeat("\xff", size)),
		"bytes":              list("k\xea\x60" + strings.Repeat("\xff", size)),
		"keys":               list("t\x00\x00\x00\x01d\xea\x60" + strings.Repeat("\x01", size) + "j"),
		"plain":              list("m\x00\x00\xea\x60" + strings.Repeat("x", size)),
	} {
		const limit = 2 << 20
		data := []byte(term)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Codec{}.AppendJSON(nil, data, limit)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, ErrSize, name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(limit+limit/2), name)
	}
}
