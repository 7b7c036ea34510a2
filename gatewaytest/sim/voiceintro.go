package sim

import (
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/snowflake"
)

// voiceSettle is how long a VOICE_SERVER_UPDATE that nobody asked for waits
// for the VOICE_STATE_UPDATE of a move. A change of servers has none.
const voiceSettle = 250 * time.Millisecond

// A voiceIntroduction is what the main gateway has said about a membership.
type voiceIntroduction struct {
	channel   snowflake.ID
	sessionID string
	token     string
	endpoint  string

	state, server bool          // which of the events are fresh
	settles       time.Duration // when the second one is not waited for any more, zero: not waiting
	leaves        int           // own commands to leave, which are not to be taken for a removal
}

func (i *voiceIntroduction) forget() { i.state, i.server, i.settles = false, false, 0 }

// handleState is a VOICE_STATE_UPDATE about the user.
func (c *voiceCall) handleState(channel snowflake.ID, sessionID string) {
	switch {
	case c.step == voiceOver:
		return
	case channel == 0 && c.intro.leaves > 0:
		c.intro.leaves--
		c.intro.forget() // what came before was about another membership
		return
	case channel == 0:
		c.stop(errVoiceRemoved)
		return
	}
	// One that changes neither, as for a mute, is no sign of a move.
	moved := channel != c.intro.channel || sessionID != c.intro.sessionID
	c.intro.state = c.intro.state || moved || c.step == voiceAsking
	c.intro.channel, c.intro.sessionID = channel, sessionID
	c.u.home = channel
	c.consider()
	c.rearm()
}

// handleServer is a VOICE_SERVER_UPDATE. An endpoint that is empty means that
// the server is gone, and another one not yet known.
//
// https://discord.com/developers/docs/events/gateway-events#voice-server-update
func (c *voiceCall) handleServer(token, endpoint string) {
	if c.step == voiceOver {
		return
	}
	c.intro.token, c.intro.endpoint, c.intro.server = token, endpoint, true
	c.intro.settles = c.m.now + voiceSettle
	c.consider()
	c.rearm()
}

// consider acts on an introduction that is complete, whatever the call is at.
func (c *voiceCall) consider() {
	i := &c.intro
	asking := c.step == voiceAsking || i.sessionID == ""
	if c.step == voiceOver || !i.server || !i.state && (asking || c.m.now < i.settles) {
		return
	}
	if c.step != voiceAsking {
		c.m.Moves++
	}
	if c.link != nil {
		// The session that it ends is over already, or about to be.
		_ = c.link.state.WriteNormalClose(c.link.writers().Close)
		c.link.hangUp()
		c.link = nil
	}
	c.closeMedia()
	i.forget()
	if i.endpoint == "" {
		c.enter(voiceUnallocated, voiceAllocation)
		return
	}
	c.session = gateway.VoiceSession{
		ServerID: c.u.guild.id, UserID: c.u.id, SessionID: i.sessionID, Token: i.token, Endpoint: i.endpoint, SeqAck: -1,
	}
	c.asks, c.resumes = 0, 0
	c.connect()
}
