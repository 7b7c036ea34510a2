package gatewaytest

import (
	"net"
	"time"

	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/ratelimit"
	"github.com/discordpkg/gateway/voiceserver"
)

// An Option configures a [World], a [Server] or a [Sim]. Values out of range
// are taken for the nearest that makes sense.
type Option func(*settings)

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
	voice       VoiceBackend
	voiceServer []voiceserver.Option // not nil: there is one
	lvsp        *LVSP                // nil: voice servers are not driven over it
	resumeURL   string

	// Of the server only.
	listener net.Listener
	secure   bool
}

func newSettings(options []Option) settings {
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
		voice:    StaticVoice{Endpoint: "voice.invalid:443"},
	}
	for _, o := range options {
		o(&s)
	}
	return s
}

// WithSeed makes another world: other names, other session ids, other
// traffic. Worlds of equal seeds and equal input are equal.
func WithSeed(seed uint64) Option { return func(s *settings) { s.seed = seed } }

// WithToken lists the tokens of bots, without the prefix "Bot ". Each is a bot
// of its own, see [BotID]. Any other earns close code 4004 and HTTP status
// 401. By default every token is good that is not empty, and all are those of
// one bot.
func WithToken(tokens ...string) Option {
	return func(s *settings) { s.tokens = append([]string(nil), tokens...) }
}

// WithGuilds sets how many guilds there are, 3 by default, and how many
// members each has, 50 by default, at most [MaxMembers].
func WithGuilds(guilds, members int) Option {
	return func(s *settings) { s.guilds, s.members = max(0, guilds), min(max(1, members), MaxMembers) }
}

// WithShards sets the number of shards that GET /gateway/bot recommends, 1 by
// default. Clients may use another.
func WithShards(n int) Option { return func(s *settings) { s.shards = max(1, n) } }

// WithGuildsPerShard sets how many guilds a shard may have before it is
// closed with 4011, 2500 by default.
func WithGuildsPerShard(n int) Option { return func(s *settings) { s.perShard = max(0, n) } }

// WithPrivilegedIntents sets which privileged intents the bot may use, all of
// them by default. Others earn close code 4014.
func WithPrivilegedIntents(allowed intent.Type) Option {
	return func(s *settings) { s.intents = intent.Unprivileged | allowed&intent.Privileged }
}

// WithHeartbeat sets the interval that Hello asks for, 41.25 s by default,
// and how long a beat may be late before the connection is closed with 4009,
// 20 s by default.
func WithHeartbeat(interval, grace time.Duration) Option {
	return func(s *settings) { s.interval, s.grace = max(time.Millisecond, interval), max(0, grace) }
}

// WithMaxConcurrency sets the number of identify buckets, 1 by default. A
// shard belongs to the bucket of its id modulo that number.
func WithMaxConcurrency(n int) Option { return func(s *settings) { s.buckets = max(1, n) } }

// WithIdentifyInterval sets the time between two identifies of one bucket, 5 s
// by default. An earlier one is answered with an invalid session. Zero lifts
// the limit.
func WithIdentifyInterval(d time.Duration) Option {
	return func(s *settings) { s.identify = max(0, d) }
}

// WithSessionStarts sets how many sessions may be started in 24 hours, 1000 by
// default.
func WithSessionStarts(total int) Option { return func(s *settings) { s.starts = max(0, total) } }

// WithReplay bounds what a session keeps for a resume, by default the last
// 10,000 events, 16 MiB and 10 minutes. A resume that needs more is answered
// with an invalid session.
func WithReplay(events, bytes int, age time.Duration) Option {
	return func(s *settings) { s.replay = replayLimits{max(0, events), max(0, bytes), max(0, age)} }
}

// WithSessionLife sets how long a session without a connection can be
// resumed, 5 minutes by default.
func WithSessionLife(d time.Duration) Option { return func(s *settings) { s.ttl = max(0, d) } }

// WithCommandLimit sets how many messages a connection may send in any 60
// seconds, 120 by default. One more earns close code 4008.
func WithCommandLimit(n int) Option { return func(s *settings) { s.commands = max(1, n) } }

// WithMemberRequestInterval sets how often all members of a guild may be
// requested, once in 30 s by default. An earlier request is answered with
// RATE_LIMITED. Zero lifts the limit.
func WithMemberRequestInterval(d time.Duration) Option {
	return func(s *settings) { s.wholes = max(0, d) }
}

// WithVoice answers who joins a voice channel, see [VoiceBackend].
func WithVoice(v VoiceBackend) Option {
	return func(s *settings) {
		if v != nil {
			s.voice = v
		}
	}
}

// WithVoiceServer makes a server start a real voice server for those who join
// voice channels, see [Server.Voice]. It uses the certificate of the server,
// and takes clients with and without TLS.
func WithVoiceServer(options ...voiceserver.Option) Option {
	return func(s *settings) { s.voiceServer = append([]voiceserver.Option{}, options...) }
}

// WithRecord sets how many of the last commands and violations are kept,
// 10,000 of each by default. Zero keeps none; they are counted all the same.
func WithRecord(n int) Option { return func(s *settings) { s.records = max(0, n) } }

// WithListener makes a server accept connections from l, which it owns from
// then on, instead of from a port of the loopback interface.
func WithListener(l net.Listener) Option { return func(s *settings) { s.listener = l } }

// WithTLS makes a server speak https and wss with a certificate of its own
// making, see [Server.Certificate].
func WithTLS() Option { return func(s *settings) { s.secure = true } }

// withResumeURL sets the resume_gateway_url of READY.
func withResumeURL(u string) Option { return func(s *settings) { s.resumeURL = u } }
