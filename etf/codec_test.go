package etf

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestName(t *testing.T) {
	require.Equal(t, "etf", Codec{}.Name())
}

func TestNoAllocations(t *testing.T) {
	text := []byte(messageCreate)
	numbers := []byte("\x83h\x03" + oldFloatTerm("2.50000000000000000000e+00") + floatTerm(0.1) + "n\x01\x00\x05")
	float := []byte(`[1.25e-3]`)
	msg := fromDiscord(t, messageCreate)
	buf := make([]byte, 0, 4096)
	for name, f := range map[string]func() error{
		"Split":              func() (err error) { _, _, _, _, err = Codec{}.Split(msg); return err },
		"AppendJSON":         func() (err error) { buf, err = Codec{}.AppendJSON(buf[:0], msg, math.MaxInt); return err },
		"AppendJSON numbers": func() (err error) { buf, err = Codec{}.AppendJSON(buf[:0], numbers, math.MaxInt); return err },
		"AppendWire":         func() (err error) { buf, err = Codec{}.AppendWire(buf[:0], text); return err },
		"AppendWire number":  func() (err error) { buf, err = Codec{}.AppendWire(buf[:0], float); return err },
	} {
		require.NoError(t, f())
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = f() }), name)
	}
}

// A length that is only claimed allocates nothing.
func TestClaimedLengths(t *testing.T) {
	buf := make([]byte, 0, 256)
	for _, tag := range "mlitovk" {
		msg := []byte("\x83" + string(tag) + "\xff\xff\xff\xff\xff\xff")
		_, err := Codec{}.AppendJSON(buf, msg, math.MaxInt)
		require.ErrorIs(t, err, ErrTruncated)
		// One allocation: the error.
		require.LessOrEqual(t, testing.AllocsPerRun(10, func() { _, _ = Codec{}.AppendJSON(buf, msg, math.MaxInt) }), 1.0)
	}
}

func TestInputTooLarge(t *testing.T) {
	huge := make([]byte, maxInput+1) // never touched, so never backed by memory
	_, err := Codec{}.AppendJSON(nil, huge, math.MaxInt)
	require.ErrorIs(t, err, ErrSize)
	_, err = Codec{}.AppendWire(nil, huge)
	require.ErrorIs(t, err, ErrSize)
	_, _, _, _, err = Codec{}.Split(huge)
	require.ErrorIs(t, err, ErrSize)
}

func TestMarshal(t *testing.T) {
	type hello struct {
		Op   int `json:"op"`
		Data struct {
			Interval time.Duration `json:"heartbeat_interval"`
			Names    []string      `json:"names,omitempty"`
		} `json:"d"`
		T *string `json:"t"`
	}
	var in, out hello
	in.Op = 10
	in.Data.Interval = 41250
	in.Data.Names = []string{"<a&b>"}
	msg, err := Marshal(in)
	require.NoError(t, err)
	require.EqualValues(t, 131, msg[0])
	require.NoError(t, Unmarshal(msg, &out))
	require.Equal(t, in, out)

	_, _, _, data, err := Codec{}.Split(msg)
	require.NoError(t, err)
	require.NoError(t, Unmarshal(data, &out.Data), "a bare term")

	_, err = Marshal(func() {})
	var unsupported *json.UnsupportedTypeError
	require.ErrorAs(t, err, &unsupported)
	require.ErrorIs(t, Unmarshal(msg[:9], &out), ErrTruncated)
	var mismatch *json.UnmarshalTypeError
	require.ErrorAs(t, Unmarshal(msg, &[]int{}), &mismatch)
}
