package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHeadStopsAtTheData(t *testing.T) {
	b := []byte(`{"t":"TYPING_START","s":7,"op":0,"d":!}`)
	for _, msg := range [][]byte{b, append([]byte("\n"), b...)} {
		var e Envelope
		require.NoError(t, e.Head(msg), "the data is none of Head's business")
		require.Equal(t, "TYPING_START", string(e.Event))
		require.EqualValues(t, 7, e.Seq)
		require.True(t, e.HasSeq && e.HasOp)
		require.Nil(t, e.Data)
		require.ErrorIs(t, e.Body(), ErrSyntax, "but of Body's")
	}
}

func TestHeadLooksBehindTheData(t *testing.T) {
	var e Envelope
	require.NoError(t, e.Head([]byte(`{"op":0,"d":{"a":1},"t":"A","s":7}`)))
	require.Equal(t, "A", string(e.Event))
	require.EqualValues(t, 7, e.Seq)
	require.NoError(t, e.Body())
	require.Equal(t, `{"a":1}`, string(e.Data))

	require.ErrorIs(t, e.Head([]byte(`{"op":0,"d":!,"t":"A","s":7}`)), ErrSyntax)
}

func TestEnvelopeIsReusable(t *testing.T) {
	var e Envelope
	require.NoError(t, e.Unmarshal([]byte(`{"t":"A","s":1,"op":2,"d":3}`)))
	require.NoError(t, e.Unmarshal([]byte(`{}`)))
	require.False(t, e.HasOp || e.HasSeq)
	require.Zero(t, e.Op)
	require.Zero(t, e.Seq)
	require.Nil(t, e.Event)
	require.Nil(t, e.Data)
}

func TestZeroEnvelopeHasAnEmptyBody(t *testing.T) {
	var e Envelope
	require.NoError(t, e.Body())
}

// TestAppendDoesNotReachTheMessage guards the bytes behind Event and Data.
func TestAppendDoesNotReachTheMessage(t *testing.T) {
	for _, msg := range []string{`{"t":"A","s":1,"op":2,"d":3}`, ` {"t":"A","s":1,"op":2,"d":3}`} {
		b := []byte(msg)
		var e Envelope
		require.NoError(t, e.Unmarshal(b))
		_ = append(e.Event, "xxx"...)
		_ = append(e.Data, "xxx"...)
		require.Equal(t, msg, string(b))
	}
}

func TestDepth(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`[{"a":`, n/2) + `1` + strings.Repeat(`}]`, n/2) }
	for _, prefix := range []string{`{"d":`, `{"unknown":`} {
		var e Envelope
		require.NoError(t, e.Unmarshal([]byte(prefix+nested(MaxDepth)+`}`)))
		err := e.Unmarshal([]byte(prefix + nested(MaxDepth+2) + `}`))
		require.ErrorIs(t, err, ErrSyntax)
		require.ErrorContains(t, err, "nested too deeply")
	}
	require.True(t, Valid([]byte(nested(MaxDepth))))
	require.False(t, Valid([]byte(nested(MaxDepth+2))))
}

func TestSyntaxErrorTellsWhereAndWhyOnly(t *testing.T) {
	const secret = "MTk4NjIyNDgzNDcxOTI1MjQ4"
	for _, tt := range []struct{ msg, want string }{
		{``, "no object at byte 0"},
		{`[]`, "no object at byte 0"},
		{`{`, "unexpected end at byte 1"},
		{`{"` + secret + `"`, "unexpected end at byte 27"},
		{`{` + secret + `}`, "no key at byte 1"},
		{`{"op" ` + secret, "no colon after a key at byte 6"},
		{`{"d":` + secret + `}`, "no value at byte 5"},
		{`{"d":["` + secret + `"}`, "neither comma nor end after a value at byte 32"},
		{`{"d":"` + secret + `\x"}`, "invalid character or escape in a string at byte 30"},
		{`{"t":12}`, "event name is not a string at byte 5"},
		{`{"s":"` + secret + `"}`, "sequence number is not a 64 bit integer at byte 5"},
		{`{"op":"` + secret + `"}`, "opcode is not an unsigned integer at byte 6"},
		{`{}` + secret, "something after the object at byte 2"},
	} {
		var e Envelope
		err := e.Unmarshal([]byte(tt.msg))
		require.EqualError(t, err, "wire: malformed message: "+tt.want, tt.msg)
		require.True(t, errors.Is(err, ErrSyntax))
	}
}

func TestNoAllocation(t *testing.T) {
	var e Envelope
	for name, msgs := range samples() {
		general := append([]byte(" "), msgs[0]...)
		require.Zero(t, testing.AllocsPerRun(10, func() {
			_ = e.Head(msgs[0])
			_ = e.Body()
			_ = e.Unmarshal(general)
		}), name)
	}
	long := []byte(`{"s":-9223372036854775808,"op":4294967295,"t":"READY","d":-1}`)
	require.Zero(t, testing.AllocsPerRun(10, func() { _ = e.Unmarshal(long) }))
}

// TestLinear has what would make a scanner look at the same bytes again and
// again: many members, each of which is a fresh start. With any of them it
// would take minutes.
func TestLinear(t *testing.T) {
	for _, member := range []string{`"x":[],`, `"x":["\n"],`, `"\u0000":"\u0000",`, `"x":[[[[{"\n":1}]]]],`} {
		b := append([]byte(`{`), bytes.Repeat([]byte(member), 100_000)...)
		b = append(b, `"op":1}`...)
		var e Envelope
		require.NoError(t, e.Unmarshal(b))
		require.EqualValues(t, 1, e.Op)
	}
}
