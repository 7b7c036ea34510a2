package world

import (
	"time"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/snowflake"
)

// A Session is what the world knows of one shard of a bot: it outlives
// connections, and remembers what it sent so that it can send it again. It
// shares the [World] it comes from.
type Session struct {
	id      string
	token   func() string // a function, so that no string form shows it
	bot     int           // whose it is
	shard   shardKey
	intents intent.Type
	seq     int64 // of the last dispatch, sent or to be replayed

	buffer     replayBuffer
	conn       *Conn     // nil while the client is not connected
	detachedAt time.Time // if conn is nil
	ended      Ending    // why it can no longer be resumed, empty while it can
}

// An Ending is why a session is over.
type Ending string

const (
	endedByClient Ending = "closed by the client"
	endedByClose  Ending = "closed with a code that ends the session"
	endedBySeq    Ending = "resumed with an invalid sequence number"
	endedByFault  Ending = "invalidated"
	endedByAge    Ending = "expired"
	endedByReplay Ending = "too much to replay"
)

// ByServer reports whether the client had no part in the ending.
func (e Ending) ByServer() bool { return e == endedByClose || e == endedByFault }

// ByForgetting reports whether a client that came back earlier would have
// found the session, and all of its events.
func (e Ending) ByForgetting() bool { return e == endedByAge || e == endedByReplay }

// ID returns the session id.
func (s *Session) ID() string { return s.id }

// Seq returns the sequence number of the last dispatch, zero before the first.
func (s *Session) Seq() int64 { return s.seq }

// Ended returns why the session can no longer be resumed, empty while it can.
func (s *Session) Ended() Ending { return s.ended }

// DetachedAt returns when the session lost its last connection, zero if it
// never did.
func (s *Session) DetachedAt() time.Time { return s.detachedAt }

// user returns the user id of the bot.
func (s *Session) user() snowflake.ID { return BotID(s.bot) }

// A shardKey is the shard array of identify.
type shardKey struct{ id, count uint }

// owns reports whether events of the guild go to this shard.
//
// https://discord.com/developers/docs/events/gateway#sharding
func (k shardKey) owns(guild uint64) bool { return guild>>22%uint64(k.count) == uint64(k.id) }

// expired reports whether a session without a connection is past resuming.
func (s *Session) expired(now time.Time, ttl time.Duration) bool {
	return s.conn == nil && now.Sub(s.detachedAt) > ttl
}

// dispatch numbers an event, keeps it, and sends it if there is a connection.
func (s *Session) dispatch(now time.Time, limits replayLimits, name event.Type, data []byte) {
	s.seq++
	s.buffer.push(replayEntry{seq: s.seq, at: now, name: name, data: data}, limits)
	if s.conn != nil {
		s.conn.dispatch(now, s.seq, name, data)
	}
}

// replayLimits bound what a session remembers.
type replayLimits struct {
	events int
	bytes  int
	age    time.Duration
}

type replayEntry struct {
	seq  int64
	at   time.Time
	name event.Type
	data []byte // shared with other sessions, never changed
}

// A replayBuffer holds the latest dispatches of a session, without gaps.
type replayBuffer struct {
	entries []replayEntry // from first on
	first   int
	bytes   int
}

func (b *replayBuffer) push(e replayEntry, limits replayLimits) {
	b.entries = append(b.entries, e)
	b.bytes += len(e.data)
	for b.first < len(b.entries) && b.over(e.at, limits) {
		b.bytes -= len(b.entries[b.first].data)
		b.entries[b.first] = replayEntry{}
		b.first++
	}
	// Moving a half that is as large as what is thrown away costs each entry
	// one copy at most.
	if b.first > len(b.entries)/2 {
		n := copy(b.entries, b.entries[b.first:])
		clear(b.entries[n:])
		b.entries, b.first = b.entries[:n], 0
	}
}

func (b *replayBuffer) over(now time.Time, limits replayLimits) bool {
	return len(b.entries)-b.first > limits.events || b.bytes > limits.bytes || now.Sub(b.entries[b.first].at) > limits.age
}

// after returns what was dispatched after seq, and false if some of it is
// forgotten. Last is the number of the session's last dispatch.
func (b *replayBuffer) after(seq, last int64) (entries []replayEntry, ok bool) {
	kept := b.entries[b.first:]
	missing := last - seq
	if missing > int64(len(kept)) {
		return nil, false
	}
	return kept[int64(len(kept))-missing:], true
}

// held returns a function that returns the token.
func held(token string) func() string { return func() string { return token } }
