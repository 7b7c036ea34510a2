package signaling_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

// encrypted returns a harness whose calls are encrypted end to end.
func encrypted(t *testing.T, options ...any) *harness {
	deliveries := signaling.WithDelivery(func(channel snowflake.ID) (signaling.Delivery, error) { return dave.NewDelivery(channel) })
	return newHarness(t, append([]any{deliveries}, options...)...)
}

// secret makes a user a member who talks, end to end encrypted.
func (s *harness) secret(user snowflake.ID) *client {
	c := s.join(user)
	c.enter()
	return c
}

func (c *client) enter() {
	if !c.plain {
		var err error
		c.dave, err = dave.NewSession(c.member.User, c.member.Channel)
		require.NoError(c.t, err)
	}
	c.connect()
	c.identify()
	c.discover()
	c.selectProtocol(rtp.AES256GCM)
	c.speak(1)
}

var opus = []byte("an Opus frame that nobody but the members of the call may read")

// tell sends the frame, and requires that the others hear it.
func (c *client) tell(encrypted bool, others ...*client) {
	c.t.Helper()
	frame := opus
	if c.dave != nil {
		var err error
		frame, err = c.dave.EncryptFrame(c.now, nil, opus, dave.Opus)
		require.NoError(c.t, err)
	}
	require.Equal(c.t, encrypted, !bytes.Equal(frame, opus))
	c.say(string(frame))
	for _, o := range others {
		require.Len(c.t, o.heard, 1)
		payload := o.heard[0].Payload
		o.heard = nil
		require.Equal(c.t, frame, payload, "the server passes it on as it is")
		if o.dave != nil {
			var err error
			payload, err = o.dave.DecryptFrame(c.now, c.member.User, nil, payload)
			require.NoError(c.t, err)
		}
		require.Equal(c.t, opus, payload)
	}
}

func TestEndToEnd(t *testing.T) {
	s := encrypted(t)
	a := s.secret(1)
	require.EqualValues(t, 1, a.dave.Version())
	b := s.secret(2)
	a.tell(true, b)
	b.tell(true, a)
	c := s.secret(3)
	a.tell(true, b, c)
	c.tell(true, a, b)
	require.NotEmpty(t, a.dave.PrivacyCode())
	require.Equal(t, a.dave.PrivacyCode(), c.dave.PrivacyCode())
	require.Equal(t, a.dave.Epoch(), b.dave.Epoch())

	s.core.Leave(s.now, guild, 1)
	s.settle()
	require.Len(t, b.dave.Members(), 2)
	b.tell(true, c)
	require.NotEqual(t, a.dave.PrivacyCode(), c.dave.PrivacyCode())
}

// One lost connection is not noticed: what it missed is replayed.
func TestEndToEndResume(t *testing.T) {
	s := encrypted(t)
	a, b := s.secret(1), s.secret(2)
	b.lose()
	c := s.secret(3)
	b.connect()
	b.resume()
	s.wait(3 * time.Second)
	require.Equal(t, a.dave.PrivacyCode(), b.dave.PrivacyCode())
	a.tell(true, b, c)
	b.tell(true, a, c)
}

// A client without encryption makes the call go on without, and hears nothing
// that it could not make sense of meanwhile.
func TestDowngrade(t *testing.T) {
	s := encrypted(t)
	a, b := s.secret(1), s.secret(2)
	a.tell(true, b)
	late, err := a.dave.EncryptFrame(s.now, nil, opus, dave.Opus)
	require.NoError(t, err)
	old := s.join(3)
	old.plain = true
	old.enter()
	s.wait(3 * time.Second)
	a.tell(false, b, old)
	old.tell(false, a, b)
	a.say(string(late))
	require.Empty(t, old.heardPayloads())
	require.Len(t, b.heardPayloads(), 1)
	require.EqualValues(t, 1, s.relay.Stats().Encrypted)
	h := a.rtp.Next(960)
	a.datagram(a.addr, a.packet(rtp.Packet{Header: h, Payload: late, PaddingSize: 9}))
	require.Empty(t, old.heardPayloads(), "padding does not hide it")
	b.heard = nil

	s.core.Leave(s.now, guild, 3)
	s.settle()
	s.wait(3 * time.Second)
	a.tell(true, b)
}

// Clients that break the protocol are sent away; the others go on.
func TestBadKeyPackage(t *testing.T) {
	s := encrypted(t)
	a, b, c := s.secret(1), s.secret(2), s.secret(3)
	c.sendBinary(26, "no key package")
	require.EqualValues(t, 4020, c.close)
	s.wait(3 * time.Second)
	a.tell(true, b)
}

func TestRequired(t *testing.T) {
	s := newHarness(t, signaling.WithDelivery(func(channel snowflake.ID) (signaling.Delivery, error) {
		return dave.NewDelivery(channel, dave.WithRequired())
	}))
	old := s.join(3)
	old.plain = true
	old.enter()
	require.EqualValues(t, 4017, old.close)
}
