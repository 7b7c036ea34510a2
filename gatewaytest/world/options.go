package world

import (
	"fmt"
	"time"

	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/ratelimit"
)

// An Option configures a [World]. The error of a value that makes no sense
// names the option.
type Option func(*settings) error

type settings struct {
	seed        uint64
	tokens      []string // empty: any
	guilds      int
	members     int
	shards      int // recommended
	perShard    int // guilds
	intents     intent.Type
	interval    time.Duration
	grace       time.Duration
	buckets     int // max_concurrency
	identify    time.Duration
	starts      int
	replay      replayLimits
	ttl         time.Duration // of a session without connection
	commands    int           // per minute
	wholes      time.Duration // between requests for all members of a guild
	pending     int           // bytes a connection may be behind
	records     int
	voice       VoiceServer // for all bots
	resumeURLs  []string
	timeoutEnds bool // 4009 ends the session

	voiceRequests bool // else voice is the answer
}

func newSettings(options []Option) (settings, error) {
	s := settings{
		guilds:   3,
		members:  50,
		shards:   1,
		perShard: 2500,
		intents:  intent.All,
		interval: 41250 * time.Millisecond,
		grace:    20 * time.Second,
		buckets:  1,
		identify: ratelimit.IdentifyPeriod,
		starts:   1000,
		replay:   replayLimits{events: 10_000, bytes: 16 << 20, age: 10 * time.Minute},
		ttl:      5 * time.Minute,
		commands: ratelimit.CommandLimit,
		wholes:   30 * time.Second,
		pending:  64 << 20,
		records:  10_000,
		voice:    VoiceServer{Endpoint: "voice.invalid:443", Token: "voice-token"},
	}
	for _, o := range options {
		if err := o(&s); err != nil {
			return settings{}, err
		}
	}
	return s, nil
}

// Check returns the error that [New] would return.
func Check(options ...Option) error {
	_, err := newSettings(options)
	return err
}

// atLeast is an option that sets a number, which must not be less than least.
func atLeast[T ~int | ~int64](name string, n, least T, set func(*settings)) Option {
	return func(s *settings) error {
		if n < least {
			return fmt.Errorf("world: %s: %v, must be %v at least", name, n, least)
		}
		set(s)
		return nil
	}
}

// WithSeed makes another world: other names, other session ids, other
// traffic. Worlds of equal seeds and equal input are equal.
func WithSeed(seed uint64) Option { return func(s *settings) error { s.seed = seed; return nil } }

// WithToken lists the tokens of bots, without the prefix "Bot ". Each is a bot
// of its own, see [BotID]. Any other earns close code 4004 and HTTP status
// 401. By default every token is good that is not empty, and all are those of
// one bot.
func WithToken(tokens ...string) Option {
	return func(s *settings) error {
		for n, token := range tokens {
			if token == "" {
				return fmt.Errorf("world: WithToken: token %d is empty", n)
			}
		}
		s.tokens = append([]string(nil), tokens...)
		return nil
	}
}

// WithGuilds sets how many guilds there are, 3 by default, and how many
// members each has, 50 by default, 1 to [MaxMembers].
func WithGuilds(guilds, members int) Option {
	return func(s *settings) error {
		if guilds < 0 || members < 1 || members > MaxMembers {
			return fmt.Errorf("world: WithGuilds: %d guilds of %d members, must be 1 to %d members", guilds, members, MaxMembers)
		}
		s.guilds, s.members = guilds, members
		return nil
	}
}

// WithShards sets the number of shards that GET /gateway/bot recommends, 1 by
// default. Clients may use another.
func WithShards(n int) Option {
	return atLeast("WithShards", n, 1, func(s *settings) { s.shards = n })
}

// WithGuildsPerShard sets how many guilds a shard may have before it is
// closed with 4011, 2500 by default.
func WithGuildsPerShard(n int) Option {
	return atLeast("WithGuildsPerShard", n, 0, func(s *settings) { s.perShard = n })
}

// WithPrivilegedIntents sets which privileged intents the bot may use, all of
// them by default. Others earn close code 4014. Intents that are not
// privileged are always allowed.
func WithPrivilegedIntents(allowed intent.Type) Option {
	return func(s *settings) error {
		s.intents = intent.Unprivileged | allowed&intent.Privileged
		return nil
	}
}

// WithHeartbeat sets the interval that Hello asks for, 41.25 s by default and
// 1 ms at least, and how long a beat may be late before the connection is
// closed with 4009, 20 s by default.
func WithHeartbeat(interval, grace time.Duration) Option {
	return func(s *settings) error {
		if interval < time.Millisecond || grace < 0 {
			return fmt.Errorf("world: WithHeartbeat: interval %v must be 1 ms at least, grace %v must not be negative", interval, grace)
		}
		s.interval, s.grace = interval, grace
		return nil
	}
}

// WithMaxConcurrency sets the number of identify buckets, 1 by default. A
// shard belongs to the bucket of its id modulo that number.
func WithMaxConcurrency(n int) Option {
	return atLeast("WithMaxConcurrency", n, 1, func(s *settings) { s.buckets = n })
}

// WithIdentifyInterval sets the time between two identifies of one bucket, 5 s
// by default. An earlier one is answered with an invalid session. Zero lifts
// the limit.
func WithIdentifyInterval(d time.Duration) Option {
	return atLeast("WithIdentifyInterval", d, 0, func(s *settings) { s.identify = d })
}

// WithSessionStarts sets how many sessions may be started in 24 hours, 1000 by
// default.
func WithSessionStarts(total int) Option {
	return atLeast("WithSessionStarts", total, 0, func(s *settings) { s.starts = total })
}

// WithReplay bounds what a session keeps for a resume, by default the last
// 10,000 events, 16 MiB and 10 minutes. A resume that needs more is answered
// with an invalid session.
func WithReplay(events, bytes int, age time.Duration) Option {
	return func(s *settings) error {
		if events < 0 || bytes < 0 || age < 0 {
			return fmt.Errorf("world: WithReplay: %d events, %d bytes, %v: one is negative", events, bytes, age)
		}
		s.replay = replayLimits{events, bytes, age}
		return nil
	}
}

// WithSessionLife sets how long a session without a connection can be
// resumed, 5 minutes by default.
func WithSessionLife(d time.Duration) Option {
	return atLeast("WithSessionLife", d, 0, func(s *settings) { s.ttl = d })
}

// WithCommandLimit sets how many messages a connection may send in any 60
// seconds, 120 by default. One more earns close code 4008.
func WithCommandLimit(perMinute int) Option {
	return atLeast("WithCommandLimit", perMinute, 1, func(s *settings) { s.commands = perMinute })
}

// WithMemberRequestInterval sets how often all members of a guild may be
// requested, once in 30 s by default. An earlier request is answered with
// RATE_LIMITED. Zero lifts the limit.
func WithMemberRequestInterval(d time.Duration) Option {
	return atLeast("WithMemberRequestInterval", d, 0, func(s *settings) { s.wholes = d })
}

// WithVoiceServer sets where all voice connections go, to an endpoint that does
// not exist by default.
func WithVoiceServer(v VoiceServer) Option {
	return func(s *settings) error { s.voice, s.voiceRequests = v, false; return nil }
}

// WithVoiceRequests makes the owner of the world answer bots that join voice
// channels, see [World.NextVoiceRequest].
func WithVoiceRequests() Option {
	return func(s *settings) error { s.voiceRequests = true; return nil }
}

// WithRecord sets how many of the last commands and violations are kept,
// 10,000 of each by default. Zero keeps none; they are counted all the same.
func WithRecord(n int) Option {
	return atLeast("WithRecord", n, 0, func(s *settings) { s.records = n })
}

// WithResumeURL sets the resume_gateway_url of READY, empty by default. With
// several the sessions get them in turn.
func WithResumeURL(urls ...string) Option {
	return func(s *settings) error { s.resumeURLs = append([]string(nil), urls...); return nil }
}

// WithTimeoutEndsSession makes close code 4009 (session timed out) end the
// session, as Discord documents it. By default a session outlives it for its
// usual life, as Discord's mostly do: see [WithSessionLife].
func WithTimeoutEndsSession() Option {
	return func(s *settings) error { s.timeoutEnds = true; return nil }
}
