package lifecycle

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/discordpkg/gateway/snowflake"
)

const (
	// VoiceServerSettle is how long a VOICE_SERVER_UPDATE that the session did
	// not ask for waits for the VOICE_STATE_UPDATE of a move, which may come
	// behind it. A change of servers within a channel has none.
	VoiceServerSettle = 250 * time.Millisecond

	// VoiceLeaveTime is how long Discord may take to answer a command to leave.
	// A VOICE_STATE_UPDATE without a channel that comes later means that the bot
	// was disconnected by a user.
	VoiceLeaveTime = 15 * time.Second
)

// A VoiceState is what a voice session needs of VOICE_STATE_UPDATE.
//
// https://discord.com/developers/docs/resources/voice#voice-state-object
type VoiceState struct {
	GuildID   snowflake.ID `json:"guild_id"`
	ChannelID snowflake.ID `json:"channel_id"` // zero: in no channel
	UserID    snowflake.ID `json:"user_id"`
	SessionID string       `json:"session_id"`
}

// A VoiceServer is what a voice session needs of VOICE_SERVER_UPDATE.
//
// https://discord.com/developers/docs/events/gateway-events#voice-server-update
type VoiceServer struct {
	GuildID  snowflake.ID `json:"guild_id"`
	Token    string       `json:"token"`
	Endpoint string       `json:"endpoint"` // empty: there is no voice server at the moment
}

// Format implements [fmt.Formatter] without the token.
func (v VoiceServer) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "voice server %s of guild %d", v.Endpoint, v.GuildID)
}

// LogValue implements [slog.LogValuer] without the token.
func (v VoiceServer) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(v)) }

// credentials are what the main gateway says about a membership. Two events
// make them complete, in either order. They are good for one session of a
// voice server.
type credentials struct {
	channel   snowflake.ID // where the bot is, zero: nowhere
	sessionID string
	token     string
	endpoint  string

	commands uint64    // to join, or to leave and join, so far
	asked    bool      // a command is out, both events must follow
	leaves   int       // commands to leave that are not answered
	leftAt   time.Time // when the last of them was asked for
	state    bool      // VOICE_STATE_UPDATE said something new
	server   bool      // VOICE_SERVER_UPDATE said something new
	serverAt time.Time

	used struct { // by the last session
		channel                    snowflake.ID
		sessionID, token, endpoint string
	}
}

// ask makes what was said before worthless: a command is about to be sent, or
// two, to leave and to join again. It returns the number of the command.
func (c *credentials) ask(now time.Time, leave bool) uint64 {
	c.commands++
	c.asked, c.state, c.server = true, false, false
	if leave {
		c.leaves++
		c.leftAt = now
	}
	return c.commands
}

// dismiss ends the wait for the events of a command, if it was the last one:
// the old voice server stays.
func (c *credentials) dismiss(command uint64) {
	if c.commands == command {
		c.asked = false
	}
}

// handleState takes a VOICE_STATE_UPDATE about the bot. It reports whether the
// bot was disconnected from its channel.
func (c *credentials) handleState(now time.Time, v VoiceState) (removed bool) {
	if v.ChannelID == 0 {
		c.channel = 0
		switch {
		case c.leaves > 0 && now.Sub(c.leftAt) < VoiceLeaveTime:
			c.leaves--
			c.state = false
			return false
		case c.asked && !c.state:
			return false // about an earlier membership
		}
		return true
	}
	c.channel, c.sessionID = v.ChannelID, v.SessionID
	// A change of mute says nothing new.
	if c.asked || v.ChannelID != c.used.channel || v.SessionID != c.used.sessionID {
		c.state = true
	}
	return false
}

// handleServer takes a VOICE_SERVER_UPDATE. Live says that the last connection
// is still good.
func (c *credentials) handleServer(now time.Time, v VoiceServer, live bool) {
	if live && !c.asked && v.Token == c.used.token && v.Endpoint == c.used.endpoint {
		return
	}
	c.token, c.endpoint, c.server, c.serverAt = v.Token, v.Endpoint, true, now
}

// noServer reports whether the last word was that there is no voice server.
func (c *credentials) noServer() bool { return c.server && c.endpoint == "" }

// complete reports whether there is a voice server to connect to, or when to
// ask again, zero if only an event can change that.
func (c *credentials) complete(now time.Time) (ok bool, at time.Time) {
	switch {
	case !c.server, c.endpoint == "", c.token == "", c.channel == 0, c.sessionID == "", c.asked && !c.state:
		return false, time.Time{}
	case c.state:
		return true, time.Time{}
	}
	at = c.serverAt.Add(VoiceServerSettle)
	return !now.Before(at), at
}

// take uses the credentials up.
func (c *credentials) take() {
	c.asked, c.state, c.server = false, false, false
	c.used.channel, c.used.sessionID, c.used.token, c.used.endpoint = c.channel, c.sessionID, c.token, c.endpoint
}
