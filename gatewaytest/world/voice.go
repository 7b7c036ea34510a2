package world

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/snowflake"
)

// A VoiceJoin is a bot in a voice channel.
type VoiceJoin struct {
	Guild     snowflake.ID `json:"guild_id"`
	Channel   snowflake.ID `json:"channel_id"`
	User      snowflake.ID `json:"user_id"`
	SessionID string       `json:"session_id"` // of voice, as in VOICE_STATE_UPDATE
	Mute      bool         `json:"mute"`       // the others are not to hear it, by its own wish or not
	Deaf      bool         `json:"deaf"`       // it is not to hear the others, by its own wish or not
}

// A VoiceServer is where a voice connection goes.
type VoiceServer struct {
	Endpoint string // host and port; empty: no server is available
	Token    string
}

// Format implements [fmt.Formatter] without the token.
func (v VoiceServer) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "voice server %s", v.Endpoint) }

// LogValue implements [slog.LogValuer] without the token.
func (v VoiceServer) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(v)) }

// A VoiceRequest is what the world asks of the voice servers.
type VoiceRequest struct {
	Kind VoiceRequestKind
	VoiceJoin
}

// A VoiceRequestKind is what happened to a bot in voice.
type VoiceRequestKind uint8

// The kinds of requests.
const (
	VoiceAsked   VoiceRequestKind = iota + 1 // it joined or moved, or lost its voice connection; [World.AnswerVoice] tells it where to connect
	VoiceChanged                             // it stays, and changed whether it is mute or deaf
	VoiceLeft                                // it left; its channel and what it may do do not count
)

// NextVoiceRequest returns what a voice server has to be told next, in order,
// false while there is nothing. There are requests only with
// [WithVoiceRequests]; ask after each call to the world or a connection.
func (w *World) NextVoiceRequest() (r VoiceRequest, ok bool) {
	if len(w.voiceRequests) == 0 {
		return r, false
	}
	r = w.voiceRequests[0]
	w.voiceRequests = w.voiceRequests[1:]
	return r, true
}

// askVoice asks the voice servers, or answers itself.
func (w *World) askVoice(now time.Time, kind VoiceRequestKind, p *place) {
	switch {
	case w.cfg.voiceRequests:
		w.voiceRequests = append(w.voiceRequests, VoiceRequest{kind, p.join()})
	case kind == VoiceAsked:
		w.tellServer(now, p, w.cfg.voice)
	}
}

// Errors about voice.
var (
	ErrNotInVoice     = errors.New("world: the user is in no voice channel of the guild")
	ErrNoVoiceChannel = errors.New("world: not a voice channel of the guild")
)

// A placeKey says where a user can be only once.
type placeKey struct{ guild, user snowflake.ID }

// A place is where a bot is in voice.
type place struct {
	guild   *Guild
	session *Session // that took it there
	channel snowflake.ID

	selfMute, selfDeaf bool
	mute, deaf         bool // by a moderator
}

func (p *place) join() VoiceJoin {
	return VoiceJoin{
		Guild: p.guild.ID, Channel: p.channel, User: p.session.user(), SessionID: voiceSession(p.session),
		Mute: p.mute || p.selfMute, Deaf: p.deaf || p.selfDeaf,
	}
}

// voiceSession returns the session id in the voice states of a session.
func voiceSession(s *Session) string { return "voice-" + s.id }

// handleVoiceState lets the bot join, move or leave.
//
// https://discord.com/developers/docs/events/gateway-events#update-voice-state
func (c *Conn) handleVoiceState(now time.Time, data []byte) {
	var v command.VoiceState
	if err := json.Unmarshal(data, &v); err != nil {
		c.fail(now, closecode.DecodeError, "voice state update: "+err.Error())
		return
	}
	g := c.guild(now, v.GuildID)
	if g == nil {
		return
	}
	if voice, ok := g.hasChannel(v.ChannelID); v.ChannelID != 0 && (!ok || !voice) {
		c.w.violation(now, c, 0, "not a voice channel: "+v.ChannelID.String())
		return
	}
	after := place{guild: g, session: c.session, channel: v.ChannelID, selfMute: v.SelfMute, selfDeaf: v.SelfDeaf}
	if before := c.w.places[placeKey{g.ID, c.session.user()}]; before != nil {
		after.mute, after.deaf = before.mute, before.deaf
	}
	c.w.settleIn(now, after)
}

// settleIn changes where a bot is, or how, and tells the sessions that it concerns.
func (w *World) settleIn(now time.Time, p place) {
	key := placeKey{p.guild.ID, p.session.user()}
	before := w.places[key]
	if p.channel == 0 {
		delete(w.places, key)
	} else {
		w.places[key] = &p
	}
	w.tellState(now, &p)
	// Clients whose voice session is over ask for another by saying what they said before.
	asks := before == nil || before.channel != p.channel || before.session != p.session || *before == p
	switch {
	case p.channel == 0:
		w.askVoice(now, VoiceLeft, &p)
	case asks:
		w.askVoice(now, VoiceAsked, &p)
	default:
		w.askVoice(now, VoiceChanged, &p)
	}
}

// tellState sends a voice state: to the bot itself, whatever its intents, and
// to others that ask for it.
func (w *World) tellState(now time.Time, p *place) {
	d := delivery{w: w, now: now, name: event.VoiceStateUpdate, data: append(p.appendState([]byte(`{`), true), '}')}
	if p.session.ended == "" {
		d.to(p.session, d.data)
	}
	for _, count := range w.counts {
		for _, s := range w.byShard[shardKey{uint(uint64(p.guild.ID) >> 22 % uint64(count)), count}] {
			if s != p.session && (s.bot == p.session.bot || s.intents.Delivers(d.name, false)) {
				d.to(s, d.data)
			}
		}
	}
}

func (w *World) tellServer(now time.Time, p *place, server VoiceServer) {
	if p.session.ended == "" {
		w.dispatch(now, p.session, event.VoiceServerUpdate, voiceServerData(p.guild, server))
	}
}

// AnswerVoice tells a bot in voice which server it has: the answer to a
// [VoiceAsked], or another server than before. It
// reports whether the bot is still where it was when it joined; if not,
// nothing happens.
func (w *World) AnswerVoice(now time.Time, j VoiceJoin, server VoiceServer) bool {
	p := w.places[placeKey{j.Guild, j.User}]
	if p == nil || p.channel != j.Channel || voiceSession(p.session) != j.SessionID {
		return false
	}
	w.tellServer(now, p, server)
	return true
}

// Voice returns the bots in voice, in the order of their guilds and ids.
func (w *World) Voice() []VoiceJoin {
	joins := make([]VoiceJoin, 0, len(w.places))
	for _, g := range w.guilds {
		for _, p := range w.placesIn(g) {
			joins = append(joins, p.join())
		}
	}
	return joins
}

func (w *World) placesIn(g *Guild) (in []*place) {
	for n := range w.bots {
		if p := w.places[placeKey{g.ID, BotID(n)}]; p != nil {
			in = append(in, p)
		}
	}
	return in
}

// MoveMember lets a moderator move a bot to another voice channel, or out of
// voice if channel is zero. The error is [ErrNotInVoice] or
// [ErrNoVoiceChannel].
func (w *World) MoveMember(now time.Time, guild, user, channel snowflake.ID) error {
	p := w.places[placeKey{guild, user}]
	if p == nil {
		return ErrNotInVoice
	}
	if voice, ok := p.guild.hasChannel(channel); channel != 0 && (!ok || !voice) {
		return fmt.Errorf("%w: %d", ErrNoVoiceChannel, channel)
	}
	after := *p
	after.channel = channel
	w.settleIn(now, after)
	return nil
}

// MuteMember lets a moderator silence or deafen a bot in voice. The error is
// [ErrNotInVoice].
func (w *World) MuteMember(now time.Time, guild, user snowflake.ID, mute, deaf bool) error {
	p := w.places[placeKey{guild, user}]
	if p == nil {
		return ErrNotInVoice
	}
	after := *p
	after.mute, after.deaf = mute, deaf
	w.settleIn(now, after)
	return nil
}

// vacate takes bots out of voice whose session ended.
func (w *World) vacate(now time.Time) {
	gone := w.abandoned
	w.abandoned = nil
	for _, s := range gone {
		for _, g := range w.guilds {
			if p := w.places[placeKey{g.ID, s.user()}]; p != nil && p.session == s {
				after := *p
				after.channel = 0
				w.settleIn(now, after)
			}
		}
	}
}

// voiceStates returns who is in voice, for GUILD_CREATE.
func (w *World) voiceStates(g *Guild) (b []byte) {
	if len(w.places) == 0 {
		return nil
	}
	for _, p := range w.placesIn(g) {
		b = append(slices.Concat(b, p.appendState([]byte(`{`), false)), `},`...)
	}
	return b[:max(0, len(b)-1)]
}

// appendState appends the members of a voice state object. Within a guild
// object it has neither the guild nor the member.
//
// https://discord.com/developers/docs/resources/voice#voice-state-object
func (p *place) appendState(b []byte, whole bool) []byte {
	if whole {
		b = fmt.Appendf(b, `"guild_id":"%d",`, p.guild.ID)
	}
	channel := []byte("null")
	if p.channel != 0 {
		channel = fmt.Appendf(nil, `"%d"`, p.channel)
	}
	b = fmt.Appendf(b, `"channel_id":%s,"user_id":"%d","session_id":%q,"deaf":%t,"mute":%t,"self_deaf":%t,"self_mute":%t,`+
		`"self_video":false,"suppress":false,"request_to_speak_timestamp":null`,
		channel, p.session.user(), voiceSession(p.session), p.deaf, p.mute, p.selfDeaf, p.selfMute)
	if whole {
		b = p.guild.appendMember(append(b, `,"member":`...), p.session.bot)
	}
	return b
}

func voiceServerData(g *Guild, server VoiceServer) []byte {
	where := []byte("null")
	if server.Endpoint != "" {
		where = jsonString(server.Endpoint)
	}
	return fmt.Appendf(nil, `{"token":%s,"guild_id":"%d","endpoint":%s}`, jsonString(server.Token), g.ID, where)
}
