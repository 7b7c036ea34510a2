package voiceshard

import (
	"time"

	"github.com/discordpkg/gateway/snowflake"
)

// settle is how long a VOICE_SERVER_UPDATE that nobody asked for waits for the
// VOICE_STATE_UPDATE that a move brings with it, in either order. A change of
// servers brings none.
const settle = 250 * time.Millisecond

// leaveTime is how long the answer to leaving may take. Later it is somebody
// else who has thrown the bot out.
const leaveTime = 15 * time.Second

// An introduction is what the main gateway says about one membership. Two
// events make it complete, in either order, and neither is good for a second
// connection.
type introduction struct {
	channel   snowflake.ID // where the bot is, zero: nowhere
	sessionID string
	token     string
	endpoint  string // empty: there is no voice server for now

	asks   uint64    // commands so far
	asked  bool      // a command is out, both events must follow
	leaves int       // commands to leave that are not answered
	leftAt time.Time // the last of them
	state  bool      // VOICE_STATE_UPDATE said something new
	server bool      // VOICE_SERVER_UPDATE said something new
	at     time.Time

	used struct { // by the last connection
		channel                    snowflake.ID
		sessionID, token, endpoint string
	}
}

// A voiceState is what matters in VOICE_STATE_UPDATE.
//
// https://discord.com/developers/docs/resources/voice#voice-state-object
type voiceState struct {
	GuildID   snowflake.ID `json:"guild_id"`
	ChannelID snowflake.ID `json:"channel_id"`
	UserID    snowflake.ID `json:"user_id"`
	SessionID string       `json:"session_id"`
}

// A voiceServer is what matters in VOICE_SERVER_UPDATE.
//
// https://discord.com/developers/docs/events/gateway-events#voice-server-update
type voiceServer struct {
	GuildID  snowflake.ID `json:"guild_id"`
	Token    string       `json:"token"`
	Endpoint string       `json:"endpoint"`
}

// ask makes what was said before worthless: a command is about to be sent, or
// two, to leave and to join again. It returns the number of the command.
func (i *introduction) ask(now time.Time, leave bool) uint64 {
	i.asks++
	i.asked, i.state, i.server = true, false, false
	if leave {
		i.leaves++
		i.leftAt = now
	}
	return i.asks
}

// handleState takes a VOICE_STATE_UPDATE about the bot. It reports whether the
// bot is not in a channel any more, against its will.
func (i *introduction) handleState(now time.Time, v voiceState) (gone bool) {
	switch {
	case v.ChannelID != 0:
	case i.leaves > 0 && now.Sub(i.leftAt) < leaveTime:
		i.leaves--
		i.state = false
		return false
	case i.asked && !i.state:
		return false // about an earlier session
	default:
		i.channel = 0
		return true
	}
	i.channel, i.sessionID = v.ChannelID, v.SessionID
	// A change of mute says nothing new.
	if i.asked || v.ChannelID != i.used.channel || v.SessionID != i.used.sessionID {
		i.state = true
	}
	return false
}

// handleServer takes a VOICE_SERVER_UPDATE. Live says that the last connection
// is still good.
func (i *introduction) handleServer(now time.Time, v voiceServer, live bool) {
	if live && !i.asked && v.Token == i.used.token && v.Endpoint == i.used.endpoint {
		return
	}
	i.token, i.endpoint, i.server, i.at = v.Token, v.Endpoint, true, now
}

// unallocated reports whether the last word was that there is no voice server.
func (i *introduction) unallocated() bool { return i.server && i.endpoint == "" }

// ready reports whether there is a new voice server to connect to, or when to
// ask again, zero if only an event can change that.
func (i *introduction) ready(now time.Time) (ok bool, at time.Time) {
	switch {
	case !i.server, i.endpoint == "", i.token == "", i.channel == 0, i.sessionID == "", i.asked && !i.state:
		return false, time.Time{}
	case i.state:
		return true, time.Time{}
	}
	at = i.at.Add(settle)
	return !now.Before(at), at
}

// take uses the introduction up.
func (i *introduction) take() {
	i.asked, i.state, i.server = false, false, false
	i.used.channel, i.used.sessionID, i.used.token, i.used.endpoint = i.channel, i.sessionID, i.token, i.endpoint
}

// dismiss ends the wait for the events of a command, if it was the last one:
// the old voice server stays.
func (i *introduction) dismiss(command uint64) {
	if i.asks == command {
		i.asked = false
	}
}
