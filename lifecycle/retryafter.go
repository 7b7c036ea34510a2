package lifecycle

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// MaxRetryAfter is the longest wait that a server can ask for with Retry-After.
// A longer one is cut to it.
const MaxRetryAfter = 15 * time.Minute

// RetryAfter reads the value of an HTTP header Retry-After: seconds, with a
// fraction or without, or an HTTP date. It returns a time between zero and
// [MaxRetryAfter], and false for anything else.
//
// RFC 9110, sections 10.2.3 and 5.6.7.
func RetryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" || len(value) > 64 {
		return 0, false
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if math.IsNaN(seconds) || seconds < 0 {
			return 0, false
		}
		if seconds >= MaxRetryAfter.Seconds() {
			return MaxRetryAfter, true
		}
		return time.Duration(seconds * float64(time.Second)), true
	}
	for _, layout := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if at, err := time.Parse(layout, value); err == nil {
			return min(max(at.Sub(now), 0), MaxRetryAfter), true
		}
	}
	return 0, false
}
