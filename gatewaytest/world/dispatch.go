package world

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/internal/wire"
	"github.com/discordpkg/gateway/snowflake"
)

// A Target says which sessions an event is for. The zero Target is none.
type Target struct {
	kind    targetKind
	guild   snowflake.ID
	shard   shardKey
	session string
}

type targetKind uint8

const (
	toNone targetKind = iota
	toGuild
	toDirect
	toShard
	toSession
	toEveryone
)

// ToGuild is every session whose shard the guild belongs to and whose intents
// ask for the event.
func ToGuild(id snowflake.ID) Target { return Target{kind: toGuild, guild: id} }

// ToDirect is every session of a shard 0 whose intents ask for the event in
// direct messages.
func ToDirect() Target { return Target{kind: toDirect} }

// ToShard is every session of one shard whose intents ask for the event.
func ToShard(id, count uint) Target { return Target{kind: toShard, shard: shardKey{id, count}} }

// ToSession is one session, whatever its intents.
func ToSession(id string) Target { return Target{kind: toSession, session: id} }

// ToEveryone is every session, whatever its intents.
func ToEveryone() Target { return Target{kind: toEveryone} }

// Dispatch sends an event to the sessions that should get it, and returns them. Sessions without a connection count: they get it when they
// resume. Data is JSON ([]byte, json.RawMessage or string) or marshals to it.
//
// Without a target the data tell: an event with a guild_id goes to the guild,
// one that only direct messages bring besides goes to shard 0, others to
// everyone. Without the intent MESSAGE_CONTENT, messages arrive without their
// content as they do from Discord.
func (w *World) Dispatch(now time.Time, name event.Type, data any, to ...Target) (receivers []*Session, err error) {
	raw, err := marshal(data)
	if err != nil {
		return nil, fmt.Errorf("world: dispatch %s: %w", name, err)
	}
	if len(to) == 0 {
		to = []Target{guess(name, raw)}
	}
	d := delivery{w: w, now: now, name: name, data: raw}
	for _, t := range to {
		d.deliver(t)
	}
	return d.receivers, nil
}

var errNotJSON = errors.New("data is not JSON")

func marshal(data any) ([]byte, error) {
	var raw []byte
	switch v := data.(type) {
	case []byte:
		raw = v
	case json.RawMessage:
		raw = v
	case string:
		raw = []byte(v)
	default:
		return json.Marshal(v)
	}
	if !wire.Valid(raw) {
		return nil, errNotJSON
	}
	return bytes.Clone(raw), nil
}

// guess finds out which sessions an event is for.
func guess(name event.Type, data []byte) Target {
	var ids struct {
		Guild snowflake.ID `json:"guild_id"`
		ID    snowflake.ID `json:"id"`
	}
	_ = json.Unmarshal(data, &ids) // ids of other types are no ids
	switch {
	case ids.Guild != 0:
		return ToGuild(ids.Guild)
	case ids.ID != 0 && (name == event.GuildCreate || name == event.GuildUpdate || name == event.GuildDelete):
		return ToGuild(ids.ID)
	}
	if _, direct := intent.Sources(name); direct != 0 {
		return ToDirect()
	}
	return ToEveryone()
}

// A delivery is one event on its way to several sessions.
type delivery struct {
	w         *World
	now       time.Time
	name      event.Type
	data      []byte
	stripped  []byte                // without content, made when first needed
	shown     map[snowflake.ID]bool // the users who see the content without the intent, made when first needed
	receivers []*Session
}

func (d *delivery) deliver(t Target) {
	switch t.kind {
	case toGuild:
		for _, count := range d.w.counts {
			d.toShard(shardKey{uint(uint64(t.guild) >> 22 % uint64(count)), count}, false)
		}
	case toDirect:
		for _, count := range d.w.counts {
			d.toShard(shardKey{0, count}, true)
		}
	case toShard:
		d.toShard(t.shard, false)
	case toSession:
		if s := d.w.find(d.now, t.session); s != nil {
			d.to(s, d.data)
		}
	case toEveryone:
		for _, s := range d.w.order {
			if s.ended == "" {
				d.to(s, d.data)
			}
		}
	}
}

func (d *delivery) toShard(k shardKey, direct bool) {
	for _, s := range d.w.byShard[k] {
		if s.intents.Delivers(d.name, direct) {
			d.to(s, d.dataFor(s, direct))
		}
	}
}

func (d *delivery) to(s *Session, data []byte) {
	if s.expired(d.now, d.w.cfg.ttl) {
		d.w.drop(s, endedByAge)
		return
	}
	d.receivers = append(d.receivers, s)
	d.w.dispatch(d.now, s, d.name, data)
}

// dispatch is the only way for an event into a session.
func (w *World) dispatch(now time.Time, s *Session, name event.Type, data []byte) {
	w.stats.Dispatches++
	s.dispatch(now, w.cfg.replay, name, data)
}

// dataFor returns what a session may see of the event.
//
// https://discord.com/developers/docs/events/gateway#message-content-intent
func (d *delivery) dataFor(s *Session, direct bool) []byte {
	if direct || s.intents.Has(intent.MessageContent) || d.name != event.MessageCreate && d.name != event.MessageUpdate {
		return d.data
	}
	if d.stripped == nil {
		d.stripped, d.shown = withoutContent(d.data), concerned(d.data)
	}
	if d.shown[s.user()] {
		return d.data
	}
	return d.stripped
}

// concerned returns who wrote a message or is mentioned in it.
func concerned(data []byte) map[snowflake.ID]bool {
	var about struct {
		Author   struct{ ID snowflake.ID }
		Mentions []struct{ ID snowflake.ID }
	}
	_ = json.Unmarshal(data, &about)
	users := map[snowflake.ID]bool{about.Author.ID: true}
	for _, m := range about.Mentions {
		users[m.ID] = true
	}
	return users
}

// withoutContent empties what only the intent shows.
func withoutContent(data []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return data
	}
	for name, empty := range map[string]string{"content": `""`, "embeds": `[]`, "attachments": `[]`, "components": `[]`} {
		if _, ok := fields[name]; ok {
			fields[name] = json.RawMessage(empty)
		}
	}
	delete(fields, "poll")
	out, err := json.Marshal(fields)
	if err != nil || !strings.HasPrefix(string(out), "{") {
		return data
	}
	return out
}
