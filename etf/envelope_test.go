package etf

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func mapOf(pairs ...string) string {
	return "\x83t" + be32(len(pairs)/2) + strings.Join(pairs, "")
}

const (
	atomOp = "s\x02op"
	atomS  = "s\x01s"
	atomT  = "s\x01t"
	atomD  = "s\x01d"
	null3  = "s\x03nil"
)

func TestSplit(t *testing.T) {
	name := binaryTerm("MESSAGE_CREATE")
	body := "t\x00\x00\x00\x01s\x02opa\x09"
	type result struct {
		op          uint
		seq         int64
		event, data string
	}
	for msg, want := range map[string]result{
		mapOf(atomOp, "a\x00", atomS, "a\x2a", atomT, name, atomD, body):            {0, 42, "MESSAGE_CREATE", body},
		mapOf(atomD, body, atomOp, "a\x00", atomS, "a\x2a", atomT, name):            {0, 42, "MESSAGE_CREATE", body},
		mapOf("d\x00\x02op", "a\x0a", binaryTerm("d"), body):                        {10, 0, "", body},
		mapOf(binaryTerm("op"), "a\x0b"):                                            {11, 0, "", ""},
		mapOf(atomOp, "a\x0b", atomS, null3, atomT, null3, atomD, null3):            {11, 0, "", null3},
		mapOf(atomOp, "a\x00", atomS, "b\x00\x01\x00\x00"):                          {0, 65536, "", ""},
		mapOf(atomOp, "a\x00", atomS, "b\xff\xff\xff\xff"):                          {0, -1, "", ""},
		mapOf(atomOp, "a\x00", atomS, "n\x05\x00\x00\x00\x00\x00\x01"):              {0, 1 << 32, "", ""},
		mapOf(atomOp, "a\x00", atomS, "n\x05\x01\x00\x00\x00\x00\x01"):              {0, -1 << 32, "", ""},
		mapOf(atomOp, "o\x00\x00\x00\x01\x00\x07"):                                  {7, 0, "", ""},
		mapOf(atomOp, "a\x00", atomT, "s\x05READY"):                                 {0, 0, "READY", ""},
		mapOf(atomOp, "a\x00", atomT, "s\x04null"):                                  {0, 0, "", ""},
		mapOf(atomT, "s\x05READY", atomT, null3, atomOp, "a\x01", atomOp, "a\x02"):  {2, 0, "", ""},
		mapOf("s\x02xx", body, "a\x01", "j", "j", "j", atomOp, "a\x03"):             {3, 0, "", ""},
		mapOf(atomOp, "a\x03", atomD, "j"):                                          {3, 0, "", "j"},
		mapOf(atomD, "j", atomOp, "a\x00", atomS, "a\x2a", atomT, "w\x05READY"):     {0, 42, "READY", "j"},
		mapOf("w\x01d", "j", "w\x02op", "a\x00", "w\x01s", "a\x2a", "w\x01t", name): {0, 42, "MESSAGE_CREATE", "j"},
		mapOf("v\x00\x01d", "j", "v\x00\x02op", "a\x03"):                            {3, 0, "", "j"},
		// The value of d, when it is last, is left to AppendJSON.
		mapOf(atomOp, "a\x03", atomD, "garbage"): {3, 0, "", "garbage"},
	} {
		op, seq, event, data, err := Codec{}.Split([]byte(msg))
		require.NoError(t, err, "%q", msg)
		require.Equal(t, want, result{op, seq, string(event), string(data)}, "%q", msg)
		require.Equal(t, want.event == "", event == nil)
		require.Equal(t, want.data == "", data == nil)
	}
}

func TestSplitRefuses(t *testing.T) {
	for msg, want := range map[string]struct {
		err    error
		offset int
	}{
		"":                                 {ErrTruncated, 0},
		"{\"op\":1}":                       {ErrVersion, 0},
		"\x83":                             {ErrTruncated, 1},
		"\x83t\x00\x00\x00":                {ErrTruncated, 1},
		"\x83l\x00\x00\x00\x00j":           {ErrEnvelope, 1},
		mapOf():                            {ErrEnvelope, 6},
		mapOf(atomS, "a\x01"):              {ErrEnvelope, 11},
		mapOf(atomOp, "a\x01") + "j":       {ErrTrailing, 12},
		mapOf(atomOp, null3):               {ErrEnvelope, 10},
		mapOf(atomOp, "b\xff\xff\xff\xff"): {ErrEnvelope, 10},
		mapOf(atomOp, "n\x04\x00\x00\x00\x00\x80"):                {ErrEnvelope, 10},
		mapOf(atomOp, floatTerm(1)):                               {ErrEnvelope, 10},
		mapOf(atomS, binaryTerm("1")):                             {ErrEnvelope, 9},
		mapOf(atomS, binaryTerm("nil")):                           {ErrEnvelope, 9},
		mapOf(atomS, "n\x08\x00\xff\xff\xff\xff\xff\xff\xff\xff"): {ErrEnvelope, 9},
		mapOf(atomT, "a\x01"):                                     {ErrEnvelope, 9},
		mapOf(atomD, "", atomOp, ""):                              {ErrTruncated, 13},
		mapOf(atomD, ""):                                          {ErrTruncated, 9},
		mapOf(atomD, "l\xff\xff\xff\xff", atomOp, "a\x01"):        {ErrTruncated, 9},
		mapOf(atomD, "h\x05jjj", "", ""):                          {ErrTruncated, 9},
		mapOf(atomD, "P", atomOp, "a\x01"):                        {ErrCompressed, 9},
		mapOf("g", "j"):                                           {ErrUnsupported, 6},
		mapOf("i\x00\x00\x00\x03"+"i\x00\x00\x00\x02"+"jj", ""):   {ErrTruncated, 16},
	} {
		op, seq, event, data, err := Codec{}.Split([]byte(msg))
		require.ErrorIs(t, err, want.err, "%q", msg)
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax)
		require.Equal(t, want.offset, syntax.Offset, "%q: %v", msg, err)
		require.Zero(t, op)
		require.Zero(t, seq)
		require.Nil(t, event)
		require.Nil(t, data)
	}
}

// In the order in which Erlang sorts keys, d is not walked.
func TestSplitFromTheEnd(t *testing.T) {
	name := binaryTerm("GUILD_CREATE")
	long := binaryTerm(strings.Repeat("x", 200))
	inner := "t\x00\x00\x00\x03" + atomOp + "a\x09" + atomS + "a\x09" + atomT + name
	for _, op := range []string{atomOp, "d\x00\x02op", binaryTerm("op")} {
		for _, data := range []string{"j", long, inner, "h\x02" + long + inner, "garbage", "l\x00\x00"} {
			for _, event := range []string{name, null3, "d\x00\x07RESUMED"} {
				msg := mapOf(atomD, data, op, "a\x00", atomS, "b\x00\x01\x00\x00", "d\x00\x01t", event)
				_, seq, got, d, err := Codec{}.Split([]byte(msg))
				require.NoError(t, err)
				require.EqualValues(t, 65536, seq)
				require.Equal(t, data, string(d))
				require.Equal(t, event == null3, got == nil)
			}
		}
	}
	// What it does not take is walked.
	d := atomD + inner
	for _, pairs := range [][]string{
		{d, atomOp + "a\x00", atomT + name, atomS + "a\x07"},
		{d, atomOp + "a\x00", atomS + "a\x07", atomT + binaryTerm("name")},
		{d, atomOp + "a\x00", atomS + "a\x07", atomT + binaryTerm("op")},
		{d, atomOp + "a\x00", atomS + "a\x07", atomT + binaryTerm(strings.Repeat("X", 200))},
		{d, "d\x00\x02op" + "a\x00", atomS + "a\x07", atomT + binaryTerm("opened")},
		{d, "w\x02op" + "a\x00", atomS + "a\x07", atomT + null3},
		{atomOp + "a\x00", d, atomS + "a\x07", atomT + name},
	} {
		msg := "\x83t" + be32(len(pairs)) + strings.Join(pairs, "")
		op, seq, _, data, err := Codec{}.Split([]byte(msg))
		require.NoError(t, err)
		require.Zero(t, op)
		require.EqualValues(t, 7, seq)
		require.Equal(t, inner, string(data))
	}
	for _, msg := range []string{
		mapOf(atomD, "", atomOp, "a\x00", atomS, "a\x07", atomT, name),
		mapOf(atomD, "l\xff\xff\xff\xff", atomOp, "a\x00", atomS, "a\x07", atomT, "s\x05REA"),
		mapOf(atomD, "l\xff\xff\xff\xff", atomOp, null3, atomS, "a\x07", atomT, name),
		mapOf(atomD, "l\xff\xff\xff\xff", atomOp, "a\x00", atomS, "a\x07", atomT, name) + "j",
	} {
		_, _, _, _, err := Codec{}.Split([]byte(msg))
		require.Error(t, err, "%q", msg)
	}
}

// Erlang orders the keys of a map as it likes.
func TestSplitInAnyOrder(t *testing.T) {
	pairs := []string{
		atomOp + "a\x00", atomS + "a\x07", atomT + "s\x05READY",
		atomD + "h\x02a\x01k\x00\x01x",
		"s\x05other" + "t\x00\x00\x00\x01" + atomOp + "a\x63",
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		random.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		msg := "\x83t" + be32(len(pairs)) + strings.Join(pairs, "")
		op, seq, event, data, err := Codec{}.Split([]byte(msg))
		require.NoError(t, err)
		require.Zero(t, op)
		require.EqualValues(t, 7, seq)
		require.Equal(t, "READY", string(event))
		text, err := Codec{}.AppendJSON(nil, data, math.MaxInt)
		require.NoError(t, err)
		require.Equal(t, "[1,[120]]", string(text))
	}
}
