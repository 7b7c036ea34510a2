package lvsp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"
)

// A ServerOption configures a [Server].
type ServerOption func(*Server) error

// IdentifyTimeout is how long a backend may take to identify or resume, and a
// voice server to answer.
const IdentifyTimeout = 10 * time.Second

// A link on which more than MessageLimit messages arrive in any MessagePeriod
// is closed with [RateLimited]. [Client] keeps to it.
const (
	MessageLimit  = 6000
	MessagePeriod = 10 * time.Second
)

type serverSettings struct {
	random       io.Reader
	interval     time.Duration
	helloSeconds bool
	links        int
	rate         int
	ratePeriod   time.Duration
	channels     int
	states       int
	queue        int
	replay       int
	replayBytes  int
	window       time.Duration
	linger       time.Duration
	grace        time.Duration
	undecided    time.Duration
}

func defaultServerSettings() serverSettings {
	return serverSettings{
		random: rand.Reader, interval: 10 * time.Second, links: 1024, rate: MessageLimit, ratePeriod: MessagePeriod,
		channels: 20_000, states: 200_000, queue: 256, replay: 4096, replayBytes: 1 << 20, window: time.Minute,
		linger: 5 * time.Minute, grace: 30 * time.Second, undecided: 500 * time.Millisecond,
	}
}

// A Backend is one that may use the voice server. Every process has its own
// name and secret: those who share one end each other's voice states.
type Backend struct {
	Name   string
	Secret Secret // see NewSecret

	// AllowPlain accepts the secret itself as token, as the seed dialect has it.
	AllowPlain bool

	// Dialect is what the backend speaks, [ByEvidence] by default.
	Dialect Dialect
}

// WithBackend admits a backend. It may be given many times, with different
// names and secrets.
func WithBackend(b Backend) ServerOption {
	return func(s *Server) error {
		sign, err := newSigner(b.Secret.bytes())
		if err != nil {
			return err
		}
		added := &backend{
			label: b.Name, dialect: b.Dialect, sign: sign,
			channels: make(map[Snowflake]*channel), states: make(map[seat]*state), byID: make(map[string][]*state),
		}
		for _, other := range s.backends {
			if other.label == b.Name || other.sign.accepts("", sign("")) {
				return fmt.Errorf("lvsp: backend %q: name or secret is another's too", b.Name)
			}
		}
		if b.Dialect > Extended {
			return fmt.Errorf("lvsp: backend %q: %v is none", b.Name, b.Dialect)
		}
		if b.AllowPlain {
			added.plain = plainSigner(b.Secret.bytes())
		}
		s.backends = append(s.backends, added)
		return nil
	}
}

// WithHeartbeat sets the interval that HELLO asks for, 10 s by default, from
// 1 s to 1 h. A backend is closed with [SessionTimedOut] when none came for one
// and a half of it. Where the dialect is Wire2022, or not known yet, any sign
// of life counts, and silence may last three intervals, at least 330 s.
func WithHeartbeat(interval time.Duration) ServerOption {
	return func(s *Server) error {
		if interval < time.Second || interval > time.Hour {
			return fmt.Errorf("lvsp: heartbeat interval of %v, must be from 1 s to 1 h", interval)
		}
		s.cfg.interval = interval
		return nil
	}
}

// WithHelloSeconds makes HELLO state the interval in seconds, which is what
// backends of the dialect Wire2022 take the number for. Others would beat a
// thousand times as often.
func WithHelloSeconds() ServerOption {
	return func(s *Server) error { s.cfg.helloSeconds = true; return nil }
}

// WithRandom replaces crypto/rand as the source of nonces and session ids.
func WithRandom(random io.Reader) ServerOption {
	return func(s *Server) error {
		if random == nil {
			return errors.New("lvsp: random source is nil")
		}
		s.cfg.random = random
		return nil
	}
}

// WithReplay bounds what a session keeps for a resume: messages and bytes,
// 4096 and 1 MiB by default, and for how long after its link broke, 1 min by
// default.
func WithReplay(messages, bytes int, window time.Duration) ServerOption {
	return func(s *Server) error {
		if messages < 0 || bytes < 0 || window <= 0 {
			return errors.New("lvsp: replay is negative, or has no window")
		}
		s.cfg.replay, s.cfg.replayBytes, s.cfg.window = messages, bytes, window
		return nil
	}
}

// WithGrace sets how long channels and voice states outlive the last link of
// their backend, 5 min by default, and how long a backend that is back, or has
// other links, has to claim them, 30 s by default.
func WithGrace(away, back time.Duration) ServerOption {
	return func(s *Server) error {
		if away <= 0 || back <= 0 {
			return errors.New("lvsp: grace must be positive")
		}
		s.cfg.linger, s.cfg.grace = away, back
		return nil
	}
}

// WithMessageRate replaces [MessageLimit] and [MessagePeriod].
func WithMessageRate(limit int, period time.Duration) ServerOption {
	return func(s *Server) error {
		if limit < 1 || period <= 0 {
			return errors.New("lvsp: message rate must be positive")
		}
		s.cfg.rate, s.cfg.ratePeriod = limit, period
		return nil
	}
}

// WithTable bounds how many channels and voice states one backend may have,
// 20,000 and 200,000 by default, and how many requests may wait for one
// channel, 256 by default.
func WithTable(channels, states, queue int) ServerOption {
	return func(s *Server) error {
		if channels < 1 || states < 1 || queue < 1 {
			return errors.New("lvsp: table must be positive")
		}
		s.cfg.channels, s.cfg.states, s.cfg.queue = channels, states, queue
		return nil
	}
}

// WithLinks bounds how many links there may be at a time, 1024 by default.
func WithLinks(n int) ServerOption {
	return func(s *Server) error {
		if n < 1 {
			return errors.New("lvsp: links must be positive")
		}
		s.cfg.links = n
		return nil
	}
}

// WithUndecided sets how long CHANNEL_ASSIGN is held back from a backend whose
// dialect is not known yet, 500 ms by default. After that it is taken for Final.
func WithUndecided(d time.Duration) ServerOption {
	return func(s *Server) error {
		if d <= 0 {
			return errors.New("lvsp: time without a dialect must be positive")
		}
		s.cfg.undecided = d
		return nil
	}
}
