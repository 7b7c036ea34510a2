package gatewaytest

import (
	"time"

	"github.com/discordpkg/gateway/gatewaytest/sim"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/snowflake"
)

// What a [Server] shares with the [world.World] that it puts behind sockets.
type (
	// A Guild is made up, see [world.Guild].
	Guild = world.Guild

	// A Target says which sessions an event is for, see [world.Target].
	Target = world.Target

	// A Fault is something to go wrong on one connection, see [world.Fault].
	Fault = world.Fault

	// A FaultKind is a way to go wrong.
	FaultKind = world.FaultKind

	// A SessionInfo describes a session, see [world.SessionInfo].
	SessionInfo = world.SessionInfo

	// A Command is a message that a client sent, see [world.Command].
	Command = world.Command

	// A Violation is a breach of Discord's rules, see [world.Violation].
	Violation = world.Violation

	// Stats count what happened since the start, see [world.Stats].
	Stats = world.Stats

	// A VoiceJoin is a bot in a voice channel, see [world.VoiceJoin].
	VoiceJoin = world.VoiceJoin
)

// The simulations of package sim.
type (
	// A Sim runs gateway clients in virtual time, see [sim.Sim].
	Sim = sim.Sim

	// A VoiceSim runs voice calls in virtual time, see [sim.VoiceSim].
	VoiceSim = sim.VoiceSim
)

// The faults, see [world.Fault].
const (
	Cut            = world.Cut            // the connection breaks, without a close frame
	Stall          = world.Stall          // nothing is sent for a time; what clients send is still read
	Zombie         = world.Zombie         // nothing is sent and nothing is answered ever again
	Reconnect      = world.Reconnect      // op 7
	InvalidSession = world.InvalidSession // op 9; the session is dropped unless Resumable
	Close          = world.Close          // a close frame with Code
	Garbage        = world.Garbage        // a message that makes no sense
	Giant          = world.Giant          // a message of Size bytes
	Drip           = world.Drip           // every byte takes its time
	Refuse         = world.Refuse         // the dial is answered with HTTP Status
	DeadResume     = world.DeadResume     // dials of the resume URL are refused, others are not
)

// Errors of [Server.Inject], [Server.MoveMember] and [Server.MuteMember].
var (
	ErrNoConnection   = world.ErrNoConnection
	ErrNotInVoice     = world.ErrNotInVoice
	ErrNoVoiceChannel = world.ErrNoVoiceChannel
)

// Bot is the user id of the bot with the first token of [WithToken], or with
// any token if there are none.
const Bot = world.Bot

// MaxMembers is the greatest number of members a guild can have.
const MaxMembers = world.MaxMembers

// BotID returns the user id of the bot with the n-th token of [WithToken], from
// 0 on. The bots are the first members of every guild.
func BotID(n int) snowflake.ID { return world.BotID(n) }

// ToGuild is every session whose shard the guild belongs to and whose intents
// ask for the event.
func ToGuild(id snowflake.ID) Target { return world.ToGuild(id) }

// ToDirect is every session of a shard 0 whose intents ask for the event in
// direct messages.
func ToDirect() Target { return world.ToDirect() }

// ToShard is every session of one shard whose intents ask for the event.
func ToShard(id, count uint) Target { return world.ToShard(id, count) }

// ToSession is one session, whatever its intents.
func ToSession(id string) Target { return world.ToSession(id) }

// ToEveryone is every session, whatever its intents.
func ToEveryone() Target { return world.ToEveryone() }

// rule makes an option of the world one of the server.
func rule(o world.Option) Option {
	return func(s *settings) error { s.rules = append(s.rules, o); return nil }
}

// WithSeed makes another world: other names, other session ids, other
// traffic. Worlds of equal seeds and equal input are equal.
func WithSeed(seed uint64) Option { return rule(world.WithSeed(seed)) }

// WithToken lists the tokens of bots, without the prefix "Bot ". Each is a bot
// of its own, see [BotID]. Any other earns close code 4004 and HTTP status
// 401. By default every token is good that is not empty, and all are those of
// one bot.
func WithToken(tokens ...string) Option { return rule(world.WithToken(tokens...)) }

// WithGuilds sets how many guilds there are, 3 by default, and how many
// members each has, 50 by default, 1 to [MaxMembers].
func WithGuilds(guilds, members int) Option { return rule(world.WithGuilds(guilds, members)) }

// WithShards sets the number of shards that GET /gateway/bot recommends, 1 by
// default. Clients may use another.
func WithShards(n int) Option { return rule(world.WithShards(n)) }

// WithGuildsPerShard sets how many guilds a shard may have before it is
// closed with 4011, 2500 by default.
func WithGuildsPerShard(n int) Option { return rule(world.WithGuildsPerShard(n)) }

// WithPrivilegedIntents sets which privileged intents the bot may use, all of
// them by default. Others earn close code 4014.
func WithPrivilegedIntents(allowed intent.Type) Option {
	return rule(world.WithPrivilegedIntents(allowed))
}

// WithHeartbeat sets the interval that Hello asks for, 41.25 s by default and
// 1 ms at least, and how long a beat may be late before the connection is
// closed with 4009, 20 s by default.
func WithHeartbeat(interval, grace time.Duration) Option {
	return rule(world.WithHeartbeat(interval, grace))
}

// WithMaxConcurrency sets the number of identify buckets, 1 by default. A
// shard belongs to the bucket of its id modulo that number.
func WithMaxConcurrency(n int) Option { return rule(world.WithMaxConcurrency(n)) }

// WithIdentifyInterval sets the time between two identifies of one bucket, 5 s
// by default. An earlier one is answered with an invalid session. Zero lifts
// the limit.
func WithIdentifyInterval(d time.Duration) Option { return rule(world.WithIdentifyInterval(d)) }

// WithSessionStarts sets how many sessions may be started in 24 hours, 1000 by
// default.
func WithSessionStarts(total int) Option { return rule(world.WithSessionStarts(total)) }

// WithReplay bounds what a session keeps for a resume, by default the last
// 10,000 events, 16 MiB and 10 minutes. A resume that needs more is answered
// with an invalid session.
func WithReplay(events, bytes int, age time.Duration) Option {
	return rule(world.WithReplay(events, bytes, age))
}

// WithTimeoutEndsSession makes close code 4009 (session timed out) end the
// session, as Discord documents it. By default a session outlives it for its
// usual life, as Discord's mostly do: see [WithSessionLife].
func WithTimeoutEndsSession() Option { return rule(world.WithTimeoutEndsSession()) }

// WithSessionLife sets how long a session without a connection can be
// resumed, 5 minutes by default.
func WithSessionLife(d time.Duration) Option { return rule(world.WithSessionLife(d)) }

// WithCommandLimit sets how many messages a connection may send in any 60
// seconds, 120 by default. One more earns close code 4008.
func WithCommandLimit(perMinute int) Option { return rule(world.WithCommandLimit(perMinute)) }

// WithMemberRequestInterval sets how often all members of a guild may be
// requested, once in 30 s by default. An earlier request is answered with
// RATE_LIMITED. Zero lifts the limit.
func WithMemberRequestInterval(d time.Duration) Option {
	return rule(world.WithMemberRequestInterval(d))
}

// WithRecord sets how many of the last commands and violations are kept,
// 10,000 of each by default. Zero keeps none; they are counted all the same.
func WithRecord(n int) Option { return rule(world.WithRecord(n)) }
