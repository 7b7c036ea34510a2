package gateway

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/ratelimit"
)

// An Option configures a new state. It may be applied to many states, one
// after another, and does the same to each.
type Option func(st *GatewayState) error

// A CommandRateLimiter decides when a command may be written. Discord's limit
// is per connection, so is the limiter. If it has the methods of
// [HeartbeatBudget], heartbeats are counted too.
type CommandRateLimiter interface {
	// Take admits one command at now, or returns when to ask again.
	Take(now time.Time) (retryAt time.Time, ok bool)
}

// A HeartbeatBudget is a [CommandRateLimiter] that knows of the messages
// which are never refused: heartbeats, identify and resume.
type HeartbeatBudget interface {
	// Reserve keeps room for n of them in each minute.
	Reserve(n int)
	// Spend records one.
	Spend(now time.Time)
	// Answer admits a heartbeat that the server asked for, if that leaves room
	// for those that are due anyway, or returns when to ask again.
	Answer(now time.Time) (retryAt time.Time, ok bool)
}

// An IdentifyRateLimiter is shared by the shards of a bot: by those of one
// process, or through a service by all. It must be safe for concurrent use.
type IdentifyRateLimiter interface {
	// Take admits one identify of a shard at now, or returns when to ask again.
	Take(shardID uint, now time.Time) (retryAt time.Time, ok bool)
}

// NewCommandRateLimiter returns the limiter that states use by default: no
// 60 s hold more than 120 messages.
func NewCommandRateLimiter() CommandRateLimiter { return ratelimit.NewCommandWindow() }

// NewIdentifyRateLimiter returns the limiter for the shards of a bot whose
// max_concurrency is 1: one identify each 5 s. See [ratelimit.NewIdentify] for others.
func NewIdentifyRateLimiter() IdentifyRateLimiter { return ratelimit.NewIdentify(1) }

// WithShardID sets the shard, 0 by default.
func WithShardID(id ShardID) Option {
	return func(s *GatewayState) error { s.shardID = id; return nil }
}

// WithShardCount sets the number of all shards of the bot, 1 by default.
func WithShardCount(count uint) Option {
	return func(s *GatewayState) error {
		if count == 0 {
			return errors.New("gateway: shard count is zero")
		}
		s.shards = count
		return nil
	}
}

// WithIntents adds intents. Events are not filtered by it.
func WithIntents(intents intent.Type) Option {
	return func(s *GatewayState) error { s.intents |= intents; return nil }
}

// WithGuildEvents keeps only the named events (and those of
// [WithDirectMessageEvents]), and adds the intents that make Discord send
// them for guilds.
func WithGuildEvents(events ...event.Type) Option {
	return func(s *GatewayState) error {
		s.guildEvents = append(s.guildEvents[:len(s.guildEvents):len(s.guildEvents)], events...)
		s.allow(events)
		return nil
	}
}

// WithDirectMessageEvents keeps only the named events (and those of
// [WithGuildEvents]), and adds the intents that make Discord send them for
// direct messages.
func WithDirectMessageEvents(events ...event.Type) Option {
	return func(s *GatewayState) error {
		s.directEvents = append(s.directEvents[:len(s.directEvents):len(s.directEvents)], events...)
		s.allow(events)
		return nil
	}
}

// WithEvents keeps only the named events, whatever the intents are. READY and
// RESUMED are always kept. Without arguments nothing else is.
func WithEvents(events ...event.Type) Option {
	return func(s *GatewayState) error { s.allow(events); return nil }
}

// WithIdentifyConnectionProperties tells Discord what connects.
func WithIdentifyConnectionProperties(properties *IdentifyConnectionProperties) Option {
	return func(s *GatewayState) error {
		if properties == nil {
			return errors.New("gateway: identify connection properties are nil")
		}
		s.properties = *properties
		return nil
	}
}

// WithPresence sets the presence that identify carries: a *command.Presence,
// or anything that marshals to one.
//
// https://discord.com/developers/docs/events/gateway-events#update-presence
func WithPresence(presence any) Option {
	return func(s *GatewayState) error { s.presence = presence; return nil }
}

// WithLargeThreshold sets the number of members, 50 to 250, above which
// offline members are left out of GUILD_CREATE.
func WithLargeThreshold(members uint8) Option {
	return func(s *GatewayState) error {
		if members < 50 || members > 250 {
			return fmt.Errorf("gateway: large threshold %d is not between 50 and 250", members)
		}
		s.largeThreshold = members
		return nil
	}
}

// WithSession makes the state resume a session. The zero Session does nothing.
// Its resume URL is used if [JudgeURL] allows it, whatever the order of options.
func WithSession(old Session) Option {
	return func(s *GatewayState) error {
		if old == (Session{}) {
			return nil
		}
		if old.Seq < 0 {
			return errors.New("gateway: negative sequence number")
		}
		s.sessionID, s.resumeURL, s.seq = old.ID, old.ResumeURL, old.Seq // configure judges the url
		return nil
	}
}

// WithSessionID makes the state resume the session id, see also [WithSession].
func WithSessionID(id string) Option {
	return func(s *GatewayState) error { s.sessionID = id; return nil }
}

// WithSequenceNumber sets the last sequence number that was received.
func WithSequenceNumber(seq int64) Option {
	return func(s *GatewayState) error {
		if seq < 0 {
			return errors.New("gateway: negative sequence number")
		}
		s.seq = seq
		return nil
	}
}

// WithManualAcknowledge makes [GatewayState.Session] name the last sequence
// number given to [GatewayState.Acknowledge] instead of the last one
// received. A process that checkpoints sessions and crashes then has events
// replayed rather than lost.
func WithManualAcknowledge() Option {
	return func(s *GatewayState) error { s.manualAck = true; return nil }
}

// WithAcknowledgedSequence says up to which sequence number the events of the
// session of [WithSession] were handled, if that is less than its own: what
// [GatewayState.Acknowledge] said last to the state of the connection before.
// It must not be above the sequence number of the session. [GatewayState.Session]
// names it with [WithManualAcknowledge]; heartbeats and RESUME too with
// [WithAcknowledgedHeartbeats].
func WithAcknowledgedSequence(seq int64) Option {
	return func(s *GatewayState) error {
		if seq < 0 {
			return errors.New("gateway: negative acknowledged sequence number")
		}
		s.acked = seq
		return nil
	}
}

// WithAcknowledgedHeartbeats makes heartbeats and RESUME carry the last
// acknowledged sequence number instead of the last one received, which Discord
// documents. Discord then keeps what was not acknowledged, and replays it.
func WithAcknowledgedHeartbeats() Option {
	return func(s *GatewayState) error { s.beatAcked, s.manualAck = true, true; return nil }
}

// WithCommandRateLimiter replaces the limiter of [NewCommandRateLimiter].
func WithCommandRateLimiter(l CommandRateLimiter) Option {
	return func(s *GatewayState) error {
		if l == nil {
			return errors.New("gateway: command rate limiter is nil")
		}
		s.commands = l
		return nil
	}
}

// WithIdentifyRateLimiter shares the identify limit between shards. Without
// it the state identifies at once.
func WithIdentifyRateLimiter(l IdentifyRateLimiter) Option {
	return func(s *GatewayState) error { s.identify = l; return nil }
}

// WithDecision replaces the table of what follows each close code of Discord.
// A function that changes one row calls a table for the others. A decision
// other than [closecode.Resume] ends the session: the state answers with 1000
// and forgets it. The decision is in [DiscordError.Decision].
//
// There are two tables ready made: [closecode.Type.Decision], which is
// Discord's to the letter and what a state uses by default, and
// [closecode.ResumeFirst], which package gatewayshard uses by default.
func WithDecision(decide func(code closecode.Type) closecode.Decision) Option {
	return func(s *GatewayState) error {
		if decide == nil {
			return errors.New("gateway: decision is nil")
		}
		s.decide = decide
		return nil
	}
}

// WithJitter replaces the source of randomness in [0, 1): the share of the
// interval before the first heartbeat, and of the wait after an invalid session.
func WithJitter(random func() float64) Option {
	return func(s *GatewayState) error {
		if random == nil {
			return errors.New("gateway: jitter is nil")
		}
		s.jitter = random
		return nil
	}
}

// WithURL sets the URL of the gateway, see [ValidateDialURL], [DefaultURL] by
// default. Its encoding and compression are replaced by those of the state.
func WithURL(dialURL string) Option {
	return func(s *GatewayState) error {
		valid, err := ValidateDialURL(dialURL)
		if err != nil {
			return err
		}
		s.url = valid
		u, err := url.Parse(valid)
		if err != nil {
			return err
		}
		s.version, err = strconv.Atoi(u.Query().Get("v"))
		return err
	}
}

// WithEncoding replaces JSON on the wire: etf.Codec{}. Handlers see JSON all the same.
func WithEncoding(c Codec) Option {
	return func(s *GatewayState) error {
		if c == nil {
			return errors.New("gateway: codec is nil")
		}
		s.codec = c
		return nil
	}
}

// WithEncodedData leaves the data of these events as it is on the wire, not
// translated and not judged: in Encoded of the payload, while Data is nil. It is for those who
// read the encoding themselves, such as with the DecodeETF of the events of package discord,
// and has no effect on JSON. READY, RESUMED, RATE_LIMITED and GUILD_MEMBERS_CHUNK, which
// states and shells read, are translated all the same. It is not for the options of a
// group of shards, which compares events by their JSON.
func WithEncodedData(events ...event.Type) Option {
	return func(s *GatewayState) error {
		for _, name := range events {
			switch name {
			case event.Ready, event.Resumed, event.RateLimited, event.GuildMembersChunk:
			default:
				s.encoded.Add(name)
			}
		}
		return nil
	}
}

// WithTransportCompression makes Discord compress the whole stream. The
// argument makes the decompressor of one connection: compress.NewZlibStream
// or compress.NewZstdStream.
//
// https://discord.com/developers/docs/events/gateway#transport-compression
func WithTransportCompression[D Decompressor](newDecompressor func() D) Option {
	return func(s *GatewayState) error {
		if newDecompressor == nil {
			return errors.New("gateway: decompressor is nil")
		}
		s.inflateWith(newDecompressor())
		if s.compression = s.inflate.Name(); s.compression == "" {
			return fmt.Errorf("gateway: %T is for payload compression", s.inflate)
		}
		return nil
	}
}

// WithPayloadCompression makes Discord compress large messages one by one
// (the compress field of identify): compress.NewPayload. It excludes transport
// compression and other encodings than JSON.
//
// https://discord.com/developers/docs/events/gateway#payload-compression
func WithPayloadCompression[D Decompressor](newDecompressor func() D) Option {
	return func(s *GatewayState) error {
		if newDecompressor == nil {
			return errors.New("gateway: decompressor is nil")
		}
		s.inflateWith(newDecompressor())
		if name := s.inflate.Name(); name != "" {
			return fmt.Errorf("gateway: %s is for transport compression", name)
		}
		s.compressPayloads = true
		return nil
	}
}

// WithBufferPool makes states share the buffers of messages.
func WithBufferPool(p BufferPool) Option {
	return func(s *GatewayState) error { s.pool = p; return nil }
}

// WithMessageLimit sets the size in bytes, inflated and in JSON, from which on
// an inbound message ends the connection, 64 MiB by default.
func WithMessageLimit(bytes int) Option {
	return func(s *GatewayState) error {
		if bytes < 4096 {
			return fmt.Errorf("gateway: message limit of %d bytes is below 4096", bytes)
		}
		s.limit = bytes
		return nil
	}
}

// nothingAcked is an acknowledged sequence number that no option has set.
const nothingAcked = -1

func defaultState(token string) *GatewayState {
	return &GatewayState{
		token:   func() string { return token },
		shards:  1,
		jitter:  rand.Float64,
		decide:  closecode.Type.Decision,
		url:     DefaultURL,
		version: 10,
		acked:   nothingAcked,
		properties: IdentifyConnectionProperties{
			OS: runtime.GOOS, Browser: "github.com/discordpkg/gateway", Device: "github.com/discordpkg/gateway",
		},
		payload: new(GatewayPayload),
		link:    link{limit: 64 << 20},
	}
}

// check judges what no option can judge alone.
func (s *GatewayState) check() error {
	token := s.token()
	switch {
	case token == "":
		return errors.New("gateway: bot token is empty")
	case strings.TrimSpace(token) != token:
		return errors.New("gateway: bot token has white space around it")
	case s.acked > s.seq:
		return fmt.Errorf("gateway: acknowledged sequence number %d is above %d, the last one received", s.acked, s.seq)
	case uint(s.shardID) >= s.shards:
		return fmt.Errorf("gateway: shard id %d is not below the shard count %d", s.shardID, s.shards)
	case s.compressPayloads && (s.codec != nil || s.compression != ""):
		return errors.New("gateway: payload compression works with neither transport compression nor another encoding")
	}
	return nil
}
