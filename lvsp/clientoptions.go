package lvsp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// A ClientOption configures a [Client].
type ClientOption func(*Client) error

// WithDialect sets the dialect. By default it follows from HELLO: Extended if
// the voice server offers it, Final if there is a nonce, and Seed, if
// [WithPlainSecret] allows that, otherwise.
func WithDialect(d Dialect) ClientOption {
	return func(c *Client) error {
		if d > Extended {
			return fmt.Errorf("lvsp: %v is none", d)
		}
		c.wish = d
		return nil
	}
}

// WithPlainSecret lets the client send the secret itself where the dialect is
// Seed and HELLO has no nonce. The operator of the other end learns it.
func WithPlainSecret() ClientOption {
	return func(c *Client) error { c.allowPlain = true; return nil }
}

// WithBackoff sets how long to wait before dialing again, 250 ms at first and
// at most 2 s by default. Half of it is random.
func WithBackoff(first, most time.Duration) ClientOption {
	return func(c *Client) error {
		if first <= 0 || most < first {
			return errors.New("lvsp: backoff must be positive, and must not shrink")
		}
		c.backoff, c.backoffMost = first, most
		return nil
	}
}

// WithJitter replaces the source of randomness in [0, 1).
func WithJitter(random func() float64) ClientOption {
	return func(c *Client) error {
		if random == nil {
			return errors.New("lvsp: jitter is nil")
		}
		c.jitter = random
		return nil
	}
}

func (c *Client) defaults() {
	c.backoff, c.backoffMost, c.jitter = 250*time.Millisecond, 2*time.Second, rand.Float64
}
