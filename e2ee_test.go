package gateway

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/opcode"
)

// A recorder is an E2EE that remembers what it heard and answers by rote.
type recorder struct {
	version uint16
	replies map[opcode.Voice][]VoiceMessage
	fail    error

	heard []opcode.Voice
	data  []string
	now   time.Time
}

func (r *recorder) MaxProtocolVersion() uint16 { return r.version }

func (r *recorder) HandleVoice(now time.Time, m VoiceMessage) ([]VoiceMessage, error) {
	r.heard, r.data, r.now = append(r.heard, m.Op), append(r.data, string(m.Data)), now
	return r.replies[m.Op], r.fail
}

func TestE2EEHearsEverythingInOrder(t *testing.T) {
	e := &recorder{version: 1}
	p := newVoicePeer(t, voiceJoin, WithE2EE(e))
	p.mustReceive(voiceHello,
		binaryMessage(0, opcode.DAVEExternalSender, "sender"),
		`{"op":11,"d":{"user_ids":["3"]}}`,
		`{"op":5,"d":{"user_id":"3","ssrc":1,"speaking":1}}`,
		voiceReady, voiceDescription,
		`{"op":24,"d":{"protocol_version":1,"epoch":1}}`,
		binaryMessage(2, opcode.DAVEProposals, "proposals"),
		binaryMessage(3, opcode.DAVEAnnounceCommit, "commit"),
		binaryMessage(4, opcode.DAVEWelcome, ""),
		`{"op":21,"d":{}}`, `{"op":22,"d":{}}`, `{"op":13,"d":{"user_id":"3"}}`, `{"op":18,"d":{}}`)
	require.Equal(t, []opcode.Voice{
		opcode.DAVEExternalSender, opcode.VoiceClientsConnect, opcode.VoiceSessionDescription, opcode.DAVEPrepareEpoch,
		opcode.DAVEProposals, opcode.DAVEAnnounceCommit, opcode.DAVEWelcome,
		opcode.DAVEPrepareTransition, opcode.DAVEExecuteTransition, opcode.VoiceClientDisconnect,
	}, e.heard)
	require.Equal(t, "sender", e.data[0], "without sequence number and opcode")
	require.Equal(t, `{"user_ids":["3"]}`, e.data[1])
	require.Equal(t, epoch, e.now)
}

func TestE2EEReplies(t *testing.T) {
	e := &recorder{replies: map[opcode.Voice][]VoiceMessage{
		opcode.VoiceSessionDescription: {{Op: opcode.DAVEKeyPackage, Data: []byte("kp")}},
		opcode.DAVEWelcome: {
			{Op: opcode.DAVEInvalidCommit, Data: []byte(`{"transition_id":7}`)},
			{Op: opcode.DAVEKeyPackage, Data: []byte("kp2")},
		},
	}}
	p := activeVoicePeer(t, WithE2EE(e))
	require.Equal(t, "\x1akp", p.wroteBinary())
	p.mustReceive(binaryMessage(2, opcode.DAVEWelcome, "w"))
	require.Equal(t, `{"op":31,"d":{"transition_id":7}}`, p.wrote())
	require.Equal(t, "\x1akp2", p.wroteBinary())
}

func TestE2EEFails(t *testing.T) {
	boom := errors.New("no group")
	for name, e := range map[string]*recorder{
		"error":             {fail: boom},
		"reply of a server": {replies: map[opcode.Voice][]VoiceMessage{opcode.DAVEProposals: {{Op: opcode.DAVEWelcome}}}},
		"reply not JSON":    {replies: map[opcode.Voice][]VoiceMessage{opcode.DAVEProposals: {{Op: opcode.DAVETransitionReady, Data: []byte("{")}}}},
	} {
		t.Run(name, func(t *testing.T) {
			fail := e.fail
			e.fail = nil
			p := activeVoicePeer(t, WithE2EE(e))
			e.fail = fail
			_, _, err := p.receive(binaryMessage(2, opcode.DAVEProposals, "p"))
			require.ErrorIs(t, err, ErrE2EE)
			if fail != nil {
				require.ErrorIs(t, err, fail)
			}
			require.Contains(t, err.Error(), "DAVE MLS Proposals: ")
			var ve *VoiceError
			require.ErrorAs(t, err, &ve)
			require.Equal(t, closecode.NewSession, ve.Decision)
			require.True(t, ve.CanReconnect() && !ve.CanResume())
			require.Equal(t, 1000, p.closedWith())
			_, ok := p.Session()
			require.False(t, ok)
		})
	}
}

func TestE2EEReplyIsLost(t *testing.T) {
	boom := errors.New("boom")
	e := &recorder{replies: map[opcode.Voice][]VoiceMessage{opcode.DAVEProposals: {{Op: opcode.DAVECommitWelcome}}}}
	p := activeVoicePeer(t, WithE2EE(e))
	_, _, err := p.ProcessBinary([]byte(binaryMessage(2, opcode.DAVEProposals, "p")), VoiceWriters{io.Discard, &failingReader{boom}, &p.close})
	require.ErrorIs(t, err, boom)
	require.NotErrorIs(t, err, ErrE2EE, "the connection broke, not the encryption")
	v, _ := p.Session()

	p = newVoicePeer(t, v, WithE2EE(e))
	p.mustReceive(voiceHello, `{"op":9,"d":null}`)
	require.Equal(t, opcode.VoiceResumed, e.heard[len(e.heard)-1], "it is told to send again what may be lost")
}
