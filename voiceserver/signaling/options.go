package signaling

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/ratelimit"
	"github.com/discordpkg/gateway/snowflake"
)

// An Option configures a [Server]. The error of a value that makes no sense
// names the option.
type Option func(*settings) error

type settings struct {
	interval    time.Duration
	grace       time.Duration
	login       time.Duration // to identify or resume
	life        time.Duration // of a session without connection
	messages    int           // per minute
	messageSize int           // bytes
	pending     int           // bytes a connection may be behind
	replay      replayLimits
	firstSeq    uint16
	channelSize int // members
	modes       []rtp.Mode
	requireE2EE bool
	delivery    func(channel snowflake.ID) (Delivery, error)
	tokens      *tokenKey // nil: at random
	random      io.Reader
	records     int
}

func newSettings(options []Option) (settings, error) {
	s := settings{
		interval:    13750 * time.Millisecond,
		grace:       20 * time.Second,
		login:       10 * time.Second,
		life:        time.Minute,
		messages:    ratelimit.CommandLimit,
		messageSize: 256 << 10,
		pending:     4 << 20,
		replay:      replayLimits{messages: 512, bytes: 1 << 20},
		firstSeq:    1,
		channelSize: 500,
		modes:       rtp.Modes(),
		delivery:    newDelivery,
		random:      rand.Reader,
		records:     1000,
	}
	for _, o := range options {
		if err := o(&s); err != nil {
			return settings{}, err
		}
	}
	return s, nil
}

// WithHeartbeat sets the interval that Hello asks for, 13.75 s by default and
// 1 ms at least, and how long a beat may be late before the connection is
// closed with 4009, 20 s by default.
func WithHeartbeat(interval, grace time.Duration) Option {
	return func(s *settings) error {
		if interval < time.Millisecond || grace < 0 {
			return fmt.Errorf("signaling: WithHeartbeat: interval %v must be 1 ms at least, grace %v must not be negative", interval, grace)
		}
		s.interval, s.grace = interval, grace
		return nil
	}
}

// WithLoginTimeout sets how long a connection may take to identify or resume
// before it is closed with 4003, 10 s by default, 1 ms at least. When there are
// more than 256 such connections the oldest is broken.
func WithLoginTimeout(d time.Duration) Option {
	return func(s *settings) error {
		if d < time.Millisecond {
			return fmt.Errorf("signaling: WithLoginTimeout: %v, must be 1 ms at least", d)
		}
		s.login = d
		return nil
	}
}

// WithSessionLife sets how long a session without a connection can be
// resumed, 1 minute by default. Its audio goes on as long.
func WithSessionLife(d time.Duration) Option {
	return func(s *settings) error {
		if d < 0 {
			return fmt.Errorf("signaling: WithSessionLife: %v is negative", d)
		}
		s.life = d
		return nil
	}
}

// WithMessageRate sets how many messages a member may send in any 60 seconds,
// over all of its connections, 120 by default. One more earns close code 4021.
func WithMessageRate(perMinute int) Option {
	return func(s *settings) error {
		if perMinute < 1 {
			return fmt.Errorf("signaling: WithMessageRate: %d messages a minute, must be 1 at least", perMinute)
		}
		s.messages = perMinute
		return nil
	}
}

// WithMessageSize sets the size in bytes of the largest binary message that a
// client may send, 256 KiB by default, 4 KiB at least. A larger one earns close
// code 4002. For text, and before a client has identified, the limit is 4 KiB.
func WithMessageSize(bytes int) Option {
	return func(s *settings) error {
		if bytes < maxText {
			return fmt.Errorf("signaling: WithMessageSize: %d bytes, must be %d at least", bytes, maxText)
		}
		s.messageSize = bytes
		return nil
	}
}

// WithReplay bounds what a session keeps for a resume, by default the last 512
// messages and 1 MiB; 32,768 messages at most. A resume that needs more is
// closed with 4006.
func WithReplay(messages, bytes int) Option {
	return func(s *settings) error {
		if messages < 0 || messages > maxReplay || bytes < 0 {
			return fmt.Errorf("signaling: WithReplay: %d messages and %d bytes, must be 0 to %d messages", messages, bytes, maxReplay)
		}
		s.replay = replayLimits{messages, bytes}
		return nil
	}
}

// WithSequence sets the number of the first message of each session, 1 by
// default. Numbers have 16 bits: from 65535 on they start at 0 again.
func WithSequence(first uint16) Option {
	return func(s *settings) error { s.firstSeq = first; return nil }
}

// WithChannelSize sets how many members a channel may have, 500 by default.
func WithChannelSize(members int) Option {
	return func(s *settings) error {
		if members < 1 {
			return fmt.Errorf("signaling: WithChannelSize: %d members, must be 1 at least", members)
		}
		s.channelSize = members
		return nil
	}
}

// WithModes sets the encryption modes on offer, in the order of the server's
// preference. By default these are aead_aes256_gcm_rtpsize and
// aead_xchacha20_poly1305_rtpsize, which are all that the server knows.
// Discord always offers the latter.
func WithModes(modes ...string) Option {
	return func(s *settings) error {
		var offered []rtp.Mode
		for _, m := range rtp.Modes() {
			if slices.Contains(modes, string(m)) {
				offered = append(offered, m)
			}
		}
		if len(modes) == 0 || len(offered) != len(modes) {
			return fmt.Errorf("signaling: WithModes: %q, must be some of %q, each once", modes, rtp.Modes())
		}
		s.modes = offered
		return nil
	}
}

// WithE2EERequired closes with 4017 on clients that do not offer end-to-end
// encryption, as Discord does outside of stage channels. By default calls go on
// without it as long as there is such a client.
func WithE2EERequired() Option { return func(s *settings) error { s.requireE2EE = true; return nil } }

// WithDelivery makes a delivery service for each channel when its first member
// comes, instead of a [dave.Delivery]. An error keeps the member out; channels
// for which it returns nil are not encrypted end to end.
func WithDelivery(channel func(channel snowflake.ID) (Delivery, error)) Option {
	return func(s *settings) error {
		if channel == nil {
			return errors.New("signaling: WithDelivery: the function is nil, see WithoutE2EE")
		}
		s.delivery = channel
		return nil
	}
}

// WithoutE2EE turns end-to-end encryption off for all channels.
func WithoutE2EE() Option { return func(s *settings) error { s.delivery = nil; return nil } }

// WithRandom sets where tokens, keys and SSRCs come from, [rand.Reader] by
// default. A source that can be predicted is for tests only.
func WithRandom(source io.Reader) Option {
	return func(s *settings) error {
		if source == nil {
			return errors.New("signaling: WithRandom: the source is nil")
		}
		s.random = source
		return nil
	}
}

// WithRecord sets how many of the last violations are kept, 1000 by default.
func WithRecord(n int) Option {
	return func(s *settings) error {
		if n < 0 {
			return fmt.Errorf("signaling: WithRecord: %d is negative", n)
		}
		s.records = n
		return nil
	}
}
