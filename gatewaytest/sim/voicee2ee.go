package sim

import (
	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/snowflake"
)

// options are those of the state of the next connection. The end-to-end
// encryption belongs to the session, and outlives connections.
func (c *voiceCall) options(session gateway.VoiceSession) []gateway.VoiceOption {
	options := []gateway.VoiceOption{gateway.WithVoiceJitter(c.m.rng.Float64)}
	if !c.m.E2EE {
		return options
	}
	if c.e2ee == nil || !session.Resumable {
		var err error
		c.channel = c.life.Channel()
		if c.e2ee, err = dave.NewSession(c.u.id, c.channel); err != nil {
			c.m.problem("user %d: %v", c.u.id, err)
			return options
		}
	}
	return append(options, gateway.WithE2EE(c.e2ee))
}

// encrypt returns a frame as it goes over the wire, false if that must wait.
func (c *voiceCall) encrypt(frame []byte) ([]byte, bool) {
	if c.e2ee == nil {
		return frame, true
	}
	sealed, err := c.e2ee.EncryptFrame(c.m.time(), nil, frame, dave.Opus)
	if err != nil {
		c.m.Held++
	}
	return sealed, err == nil
}

// decrypt returns a frame as it was said, false if it is not for this member:
// keys change while frames are on their way.
func (c *voiceCall) decrypt(speaker snowflake.ID, sealed []byte) ([]byte, bool) {
	if c.e2ee == nil {
		return sealed, true
	}
	frame, err := c.e2ee.DecryptFrame(c.m.time(), speaker, nil, sealed)
	if err != nil {
		c.m.Dark++
	}
	return frame, err == nil
}

// agrees reports whether two members of a channel are in the same group.
func (c *voiceCall) agrees(o *voiceCall) bool {
	if c.e2ee == nil || o.e2ee == nil {
		return c.e2ee == o.e2ee
	}
	return c.e2ee.Ready() && o.e2ee.Ready() && c.e2ee.PrivacyCode() != "" && c.e2ee.PrivacyCode() == o.e2ee.PrivacyCode()
}
