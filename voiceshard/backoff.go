package voiceshard

import (
	"time"

	"github.com/discordpkg/gateway/gatewayshard"
)

// A Backoff is the wait before a new connection. It doubles from Min to Max
// with each connection that fails before audio could flow, or within ten
// seconds after. Each wait is shortened by a random part, at most a half. The
// first one, after a connection that worked, is a random time below Min.
// Zero fields mean the defaults.
type Backoff struct {
	Min      time.Duration // 500 ms by default
	Max      time.Duration // 30 s by default
	Attempts int           // failures in a row that end the session, 10 by default: two minutes or so
}

const (
	defaultBackoffMin      = 500 * time.Millisecond
	defaultBackoffMax      = 30 * time.Second
	defaultBackoffAttempts = 10
)

// stable is how long audio must have flowed for a connection to be a success.
const stable = 10 * time.Second

func (b Backoff) withDefaults() Backoff {
	b.Min = orDefault(b.Min, defaultBackoffMin)
	b.Max = max(orDefault(b.Max, defaultBackoffMax), b.Min)
	if b.Attempts <= 0 {
		b.Attempts = defaultBackoffAttempts
	}
	return b
}

// wait returns how long to wait after a number of failures in a row.
func (b Backoff) wait(failures int) time.Duration {
	return gatewayshard.Backoff{Min: b.Min, Max: b.Max}.Wait(failures)
}
