package signaling_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

func closeCode(n int) closecode.Voice { return closecode.Voice(n) }

// A fakeDelivery greets, and passes key packages on to everybody.
type fakeDelivery struct {
	log      []string
	deadline time.Time
}

// everybody addresses a message to all who can be there.
func everybody(op opcode.Voice, data string) (out []dave.Outgoing) {
	for user := range snowflake.ID(3) {
		out = append(out, dave.Outgoing{To: user + 1, Message: gateway.VoiceMessage{Op: op, Data: []byte(data)}})
	}
	return out
}

func (d *fakeDelivery) Join(_ time.Time, user snowflake.ID, version uint16) (uint16, []dave.Outgoing, error) {
	d.log = append(d.log, fmt.Sprint("join ", user, " ", version))
	if user == 4 {
		return 0, nil, dave.ErrRequired
	}
	if user == 5 {
		return 0, nil, dave.ErrFull
	}
	return 1, everybody(opcode.DAVEExternalSender, "sender")[user-1 : user], nil
}

func (d *fakeDelivery) Leave(_ time.Time, user snowflake.ID) []dave.Outgoing {
	d.log = append(d.log, fmt.Sprint("leave ", user))
	return everybody(opcode.DAVEPrepareEpoch, `{"epoch":1}`)
}

func (d *fakeDelivery) HandleVoice(now time.Time, user snowflake.ID, m gateway.VoiceMessage) ([]dave.Outgoing, error) {
	d.log = append(d.log, fmt.Sprintf("%d sends %d %s", user, m.Op, m.Data))
	switch m.Op {
	case opcode.DAVEInvalidCommit:
		return nil, errors.New("no such transition")
	case opcode.DAVETransitionReady:
		d.deadline = now.Add(2 * time.Second)
		return nil, nil
	}
	return everybody(opcode.DAVEProposals, string(m.Data)), nil
}

func (d *fakeDelivery) NextDeadline() time.Time { return d.deadline }

func (d *fakeDelivery) HandleTimeout(time.Time) []dave.Outgoing {
	d.deadline = time.Time{}
	return everybody(opcode.DAVEExecuteTransition, `{"transition_id":1}`)
}

// withFake uses d for every channel, or one for each if d is nil.
func withFake(d *fakeDelivery) signaling.Option {
	return signaling.WithDelivery(func(snowflake.ID) (signaling.Delivery, error) {
		if d != nil {
			return d, nil
		}
		return &fakeDelivery{}, nil
	})
}

func TestDeliveryRefuses(t *testing.T) {
	s := newHarness(t, withFake(nil))
	require.EqualValues(t, 4017, s.call(4).close)
	require.EqualValues(t, 4020, s.call(5).close)
	none := errors.New("none")
	s = newHarness(t, signaling.WithDelivery(func(snowflake.ID) (signaling.Delivery, error) { return nil, none }))
	_, err := s.core.Join(s.now, signaling.Member{Guild: guild, Channel: channel, User: 1, SessionID: "s"})
	require.ErrorIs(t, err, none)
	require.Zero(t, s.core.Stats().Members)
}

func TestDelivery(t *testing.T) {
	made := map[snowflake.ID]*fakeDelivery{}
	s := newHarness(t, signaling.WithDelivery(func(channel snowflake.ID) (signaling.Delivery, error) {
		made[channel] = &fakeDelivery{}
		return made[channel], nil
	}))
	a := s.call(1)
	require.Contains(t, a.take()[2], `"dave_protocol_version":1`)
	b := s.join(2)
	b.connect()
	b.identify()
	b.sendBinary(opcode.DAVEKeyPackage, "too early")
	b.discover()
	b.selectProtocol("aead_aes256_gcm_rtpsize")
	require.Equal(t, []string{`11 {"user_ids":["1"]}`, `25 sender`}, b.take()[3:], "it knows who is there before it hears of encryption")
	require.Equal(t, []string{`11 {"user_ids":["2"]}`}, a.take())

	b.sendBinary(opcode.DAVEKeyPackage, "package")
	require.Equal(t, []string{`27 package`}, a.take())
	require.Equal(t, []string{`27 package`}, b.take())
	b.send(`{"op":23,"d":{"transition_id":1}}`)
	s.advance(2*time.Second - 1)
	require.Empty(t, a.take())
	s.advance(1)
	require.Equal(t, []string{`22 {"transition_id":1}`}, a.take())
	a.send(`{"op":31,"d":{"transition_id":1}}`)
	require.EqualValues(t, 4020, a.close)
	require.Equal(t, []string{`22 {"transition_id":1}`, `13 {"user_id":"1"}`, `24 {"epoch":1}`}, b.take())
	require.Equal(t, []string{"join 1 1", "join 2 1", "2 sends 26 package", `2 sends 23 {"transition_id":1}`, `1 sends 31 {"transition_id":1}`, "leave 1"}, made[channel].log)

	b.send(`{"op":23,"d":{"transition_id":2}}`)
	s.core.Destroy(s.now, guild, channel)
	s.settle()
	require.True(t, s.core.NextDeadline().IsZero(), "its delivery service is gone")
	s.join(3)
	require.Empty(t, made[channel].log, "another one for those who come after")
}

func TestDeliveriesTakeTurns(t *testing.T) {
	s := newHarness(t, withFake(nil))
	a := s.call(1)
	m := a.member
	m.Channel, m.Guild = 300, 101
	b := &client{harness: s, member: m, seq: -1, addr: mustAddr("198.51.100.7:7")}
	var err error
	b.token, err = s.core.Join(s.now, m)
	require.NoError(t, err)
	s.clients = append(s.clients, b)
	b.connect()
	b.identify()
	b.selectProtocol("aead_aes256_gcm_rtpsize")
	for _, c := range []*client{b, a} {
		c.take()
		c.send(`{"op":23,"d":{"transition_id":1}}`)
	}
	s.advance(2 * time.Second)
	require.Len(t, a.take(), 1)
	require.Len(t, b.take(), 1)
}
