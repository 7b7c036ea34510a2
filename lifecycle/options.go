package lifecycle

import (
	"errors"
	"time"

	"github.com/discordpkg/gateway"
)

// A ShardOption configures a new [Shard].
type ShardOption func(s *Shard) error

// Limits are the times that a connection may take. A zero field means its default.
type Limits struct {
	// Dial bounds the opening of a connection, 30 s by default.
	Dial time.Duration

	// ResumeDial bounds the opening of a connection to the URL that Discord
	// gave for resuming, 5 s by default. The ordinary URL is tried next.
	ResumeDial time.Duration

	// Handshake is how long Hello may take, and then the answer to identify or
	// resume, 30 s by default. The time moves while Discord sends at least
	// HandshakeRate, and while events of a replay come.
	Handshake time.Duration

	// HandshakeMax is how long each of both may take at most while bytes come,
	// 3 min by default. It is at least Handshake.
	HandshakeMax time.Duration

	// HandshakeRate is how many bytes a second count as progress, 1024 by default.
	HandshakeRate int
}

// WithDefaults returns l with its defaults in the place of zeros. A negative
// field, and a HandshakeMax below Handshake, are errors.
func (l Limits) WithDefaults() (Limits, error) {
	if l.Dial < 0 || l.ResumeDial < 0 || l.Handshake < 0 || l.HandshakeMax < 0 || l.HandshakeRate < 0 {
		return l, errors.New("lifecycle: limit is negative")
	}
	l.Dial = orDefault(l.Dial, 30*time.Second)
	l.ResumeDial = orDefault(l.ResumeDial, min(5*time.Second, l.Dial))
	l.Handshake = orDefault(l.Handshake, 30*time.Second)
	l.HandshakeMax = orDefault(l.HandshakeMax, max(3*time.Minute, l.Handshake))
	l.HandshakeRate = orDefault(l.HandshakeRate, 1024)
	if l.HandshakeMax < l.Handshake {
		return l, errors.New("lifecycle: maximal handshake time is below the handshake time")
	}
	return l, nil
}

func orDefault[T comparable](value, byDefault T) T {
	if value == *new(T) {
		return byDefault
	}
	return value
}

// WithSession makes the shard begin with resuming a session. The zero Session does nothing.
func WithSession(session gateway.Session) ShardOption {
	return func(s *Shard) error {
		if session.Seq < 0 {
			return errors.New("lifecycle: negative sequence number")
		}
		s.session, s.best = session, session.Seq
		return nil
	}
}

// WithShardState makes the shard begin with what a former process knew. What it
// says about another session than that of [WithSession] is ignored, and so are
// times in the future that no machine would have written.
func WithShardState(state ShardState) ShardOption {
	return func(s *Shard) error {
		if err := state.Check(); err != nil {
			return err
		}
		s.stored = state
		return nil
	}
}

// WithBackoff replaces the waits between connections.
func WithBackoff(b Backoff) ShardOption {
	return func(s *Shard) (err error) { s.backoff, err = b.WithDefaults(); return err }
}

// WithLimits replaces the time limits.
func WithLimits(l Limits) ShardOption {
	return func(s *Shard) (err error) { s.limits, err = l.WithDefaults(); return err }
}

// WithRandom replaces the source of random numbers in [0, 1), [math/rand/v2.Float64] by default.
func WithRandom(random func() float64) ShardOption {
	return func(s *Shard) error {
		if random == nil {
			return errors.New("lifecycle: source of random numbers is nil")
		}
		s.random = random
		return nil
	}
}
