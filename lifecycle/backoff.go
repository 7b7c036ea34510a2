package lifecycle

import (
	"errors"
	"time"
)

// A Backoff is the wait before a new connection. It doubles from Min to Max
// with each connection in a row that came to nothing. Each wait is shortened by
// a random part, at most a half. The first one, after a connection that worked,
// is a random time below Min.
type Backoff struct {
	Min time.Duration // zero: 1 s
	Max time.Duration // zero: 2 min, or Min if that is longer
}

const (
	defaultBackoffMin = time.Second
	defaultBackoffMax = 2 * time.Minute
)

// WithDefaults returns b with its defaults in the place of zeros. A negative
// time and a Min above Max are errors.
func (b Backoff) WithDefaults() (Backoff, error) {
	if b.Min < 0 || b.Max < 0 {
		return b, errors.New("lifecycle: backoff is negative")
	}
	if b.Min == 0 {
		b.Min = defaultBackoffMin
		if b.Max > 0 {
			b.Min = min(b.Min, b.Max)
		}
	}
	if b.Max == 0 {
		b.Max = max(defaultBackoffMax, b.Min)
	}
	if b.Min > b.Max {
		return b, errors.New("lifecycle: minimal backoff is above the maximal one")
	}
	return b, nil
}

// Wait returns how long to wait after a number of failures in a row. Random is
// a random number in [0, 1). Neither Min nor Max may be zero, see [Backoff.WithDefaults].
func (b Backoff) Wait(failures int, random float64) time.Duration {
	if failures <= 0 {
		return time.Duration(random * float64(b.Min))
	}
	wait := b.Min
	for i := 1; i < failures && wait < b.Max; i++ {
		wait += min(wait, b.Max-wait)
	}
	return wait - time.Duration(random*float64(wait/2))
}
