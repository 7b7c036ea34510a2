package sim

import (
	"encoding/json"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// handle acts on a message of the voice server.
func (c *voiceCall) handle(m *gateway.VoiceMessage) {
	switch m.Op {
	case opcode.VoiceHello:
		c.link.greeted(m.Data)
	case opcode.VoiceReady:
		c.ready()
	case opcode.VoiceSessionDescription:
		c.described()
	case opcode.VoiceResumed:
		c.resumed()
	case opcode.VoiceSpeaking, opcode.VoiceClientsConnect, opcode.VoiceClientDisconnect:
		if err := c.others.handle(m); err != nil {
			c.m.problem("user %d: %v: %v", c.u.id, m.Op, err)
		}
	}
}

// ready begins a session.
func (c *voiceCall) ready() {
	c.m.Identifies++
	c.closeMedia()
	c.others = newVoiceOthers()
	r, _ := c.link.state.Ready()
	c.media = c.newMedia(r)
}

// selectProtocol names the address, if it is known and there is a connection.
func (c *voiceCall) selectProtocol() {
	l, md := c.link, c.media
	if l == nil || !md.named.IsValid() {
		return
	}
	l.state.Advance(c.m.time())
	err := l.state.SelectProtocol(l.writers().Text, md.named.Addr().String(), md.named.Port(), string(md.mode))
	if err != nil && l.state.Active() {
		c.m.problem("user %d: %v", c.u.id, err)
	}
}

// described lets audio flow.
func (c *voiceCall) described() {
	d, _ := c.link.state.Description()
	if c.media == nil {
		c.m.problem("user %d: a session description before the address is known", c.u.id)
		return
	}
	c.media.rekey(d)
	c.flows()
}

// resumed goes on with a session. Without a key it goes on where it was.
func (c *voiceCall) resumed() {
	c.m.Resumes++
	switch {
	case c.media == nil:
		r, _ := c.link.state.Ready()
		c.media = c.newMedia(r)
	case c.link.state.Active():
		c.flows()
	default:
		c.selectProtocol()
	}
}

func (c *voiceCall) flows() {
	c.by = time.Time{}
	c.link.speak()
	c.input(c.life.Audio)
}

// speaks reports whether audio can flow.
func (c *voiceCall) speaks() bool { return c.media != nil && c.media.sealer != nil }

// voiceOthers are the other members of a channel, as a client has been told.
type voiceOthers struct {
	present map[snowflake.ID]bool
	who     map[uint32]snowflake.ID // by SSRC
}

func newVoiceOthers() voiceOthers {
	return voiceOthers{present: make(map[snowflake.ID]bool), who: make(map[uint32]snowflake.ID)}
}

func (o *voiceOthers) handle(m *gateway.VoiceMessage) error {
	switch m.Op {
	case opcode.VoiceSpeaking:
		var s gateway.VoiceSpeaking
		if err := json.Unmarshal(m.Data, &s); err != nil {
			return err
		}
		o.who[s.SSRC] = s.UserID
	case opcode.VoiceClientsConnect:
		var connect gateway.VoiceClientsConnect
		if err := json.Unmarshal(m.Data, &connect); err != nil {
			return err
		}
		for _, id := range connect.UserIDs {
			o.present[id] = true
		}
	case opcode.VoiceClientDisconnect:
		var gone gateway.VoiceClientDisconnect
		if err := json.Unmarshal(m.Data, &gone); err != nil {
			return err
		}
		o.forget(gone.UserID)
	}
	return nil
}

// forget drops a member and its SSRCs.
func (o *voiceOthers) forget(user snowflake.ID) {
	delete(o.present, user)
	for ssrc, who := range o.who {
		if who == user {
			delete(o.who, ssrc)
		}
	}
}
