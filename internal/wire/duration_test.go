package wire

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNumber(t *testing.T) {
	for in, want := range map[string]float64{"41250": 41250, "41250.5": 41250.5, `"30"`: 30, `"30.5"`: 30.5, "-1": -1, "1e300": 1e300, "0": 0, "null": 0} {
		var n Number
		require.NoError(t, json.Unmarshal([]byte(in), &n), in)
		require.Equal(t, want, float64(n), in)
	}
	for _, in := range []string{`"NaN"`, `"Inf"`, `"-Infinity"`, `"x"`, `""`, "true", "{}", "[]", "1e999", `"1e999"`} {
		n := Number(7)
		require.Error(t, json.Unmarshal([]byte(in), &n), in)
		require.Equal(t, Number(7), n, in)
	}
}

func TestNumberAsDuration(t *testing.T) {
	for n, want := range map[Number]time.Duration{0: 0, 0.25: 250 * time.Microsecond, 41250.5: 41250500 * time.Microsecond, 3600000: time.Hour} {
		got, ok := n.Duration(time.Millisecond, time.Hour)
		require.True(t, ok, n)
		require.Equal(t, want, got)
	}
	for _, n := range []Number{-1, -1e-9, 3600000.1, 1e300, math.MaxFloat64, Number(math.Inf(1)), Number(math.NaN()), Number(math.Inf(-1))} {
		_, ok := n.Duration(time.Millisecond, time.Hour)
		require.False(t, ok, n)
	}
	got, ok := Number(1e300).Duration(time.Second, math.MaxInt64)
	require.False(t, ok || got < 0)
	got, ok = Number(math.MaxInt64).Duration(1, math.MaxInt64)
	require.True(t, ok && got >= 0, "the bound is a float64 above the greatest Duration")
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"41250.5", "1e300", "-1", `"30"`, `"NaN"`, "null", "9223372036854775807", `"\u0033"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var n Number
		if json.Unmarshal(raw, &n) != nil {
			return
		}
		if d, ok := n.Duration(time.Second, math.MaxInt64); ok {
			require.GreaterOrEqual(t, d, time.Duration(0))
		}
	})
}
