package gatewaytest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
)

// A VoiceBackend knows the voice servers. Its methods are called while the
// world stands still: they must neither block nor call back.
type VoiceBackend interface {
	// Join is told that a bot joins, moves to or changes its state in a voice
	// channel, and returns where its voice connection goes: a host with a port
	// and the token for it. An empty endpoint says that no server is available.
	Join(VoiceJoin) (endpoint, token string)

	// Leave is told that a bot leaves voice in a guild.
	Leave(guild, user command.Snowflake)
}

// A VoiceJoin is a bot in a voice channel.
type VoiceJoin struct {
	Guild     command.Snowflake
	Channel   command.Snowflake
	User      command.Snowflake
	SessionID string // of voice, as in VOICE_STATE_UPDATE
}

// StaticVoice is a [VoiceBackend] that sends everybody to one server.
type StaticVoice struct {
	Endpoint string
	Token    string // "voice-token" if empty
}

// Join returns the one server.
func (v StaticVoice) Join(VoiceJoin) (endpoint, token string) {
	if v.Token == "" {
		return v.Endpoint, "voice-token"
	}
	return v.Endpoint, v.Token
}

// Leave does nothing.
func (StaticVoice) Leave(command.Snowflake, command.Snowflake) {}

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
	s, before := c.session, c.w.places[g.ID]
	voiceSession := "voice-" + s.id
	c.w.dispatch(now, s, event.VoiceStateUpdate, voiceStateData(g, v, voiceSession))
	d := delivery{w: c.w, now: now, name: event.VoiceStateUpdate, data: voiceStateData(g, v, voiceSession)}
	d.deliverOthers(g.ID, s)
	if v.ChannelID == 0 {
		delete(c.w.places, g.ID)
		c.w.cfg.voice.Leave(g.ID, Bot)
		return
	}
	c.w.places[g.ID] = v.ChannelID
	endpoint, token := c.w.cfg.voice.Join(VoiceJoin{Guild: g.ID, Channel: v.ChannelID, User: Bot, SessionID: voiceSession})
	if before != v.ChannelID {
		c.w.dispatch(now, s, event.VoiceServerUpdate, voiceServerData(g, endpoint, token))
	}
}

// deliverOthers delivers to the sessions of the guild that ask for the event, but for one.
func (d *delivery) deliverOthers(guild command.Snowflake, but *session) {
	for _, count := range d.w.counts {
		for _, s := range d.w.byShard[shardKey{uint(uint64(guild) >> 22 % uint64(count)), count}] {
			if s != but && s.intents.Delivers(d.name, false) {
				d.to(s, d.data)
			}
		}
	}
}

func voiceStateData(g *Guild, v command.VoiceState, sessionID string) []byte {
	channel := []byte("null")
	if v.ChannelID != 0 {
		channel = fmt.Appendf(nil, `"%d"`, v.ChannelID)
	}
	b := fmt.Appendf(nil, `{"guild_id":"%d","channel_id":%s,"user_id":"%d","session_id":%q,"deaf":false,"mute":false,"self_deaf":%t,"self_mute":%t,`+
		`"self_video":false,"suppress":false,"request_to_speak_timestamp":null,"member":`,
		g.ID, channel, Bot, sessionID, v.SelfDeaf, v.SelfMute)
	return append(g.appendMember(b, 0), '}')
}

func voiceServerData(g *Guild, endpoint, token string) []byte {
	where := []byte("null")
	if endpoint != "" {
		where = jsonString(endpoint)
	}
	return fmt.Appendf(nil, `{"token":%s,"guild_id":"%d","endpoint":%s}`, jsonString(token), g.ID, where)
}
