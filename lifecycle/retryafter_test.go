package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"0": 0, "1": time.Second, " 30 ": 30 * time.Second, "0.25": 250 * time.Millisecond, "900": MaxRetryAfter,
		"1e300": MaxRetryAfter, "+Inf": MaxRetryAfter, "9223372036854775808": MaxRetryAfter,
		"Mon, 30 Nov 2026 12:00:07 GMT": 7 * time.Second, "Monday, 30-Nov-26 12:00:07 GMT": 7 * time.Second,
		"Mon Nov 30 12:00:07 2026": 7 * time.Second, "Sun, 29 Nov 2026 12:00:07 GMT": 0,
		"Mon, 30 Nov 2999 12:00:07 GMT": MaxRetryAfter,
	} {
		got, ok := RetryAfter(value, epoch)
		require.True(t, ok, value)
		require.Equal(t, want, got, value)
	}
	for _, value := range []string{"", " ", "-1", "-0.1", "NaN", "soon", "12:00", "-Inf", "1 2", "Mon, 30 Nov 2026 12:00:07 CET"} {
		_, ok := RetryAfter(value, epoch)
		require.False(t, ok, value)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"1", "1e300", "-1", "NaN", "Mon, 30 Nov 2026 12:00:07 GMT", "0x1p9"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		d, ok := RetryAfter(value, epoch)
		if d < 0 || d > MaxRetryAfter || !ok && d != 0 {
			t.Fatalf("%q: %v, %v", value, d, ok)
		}
	})
}
