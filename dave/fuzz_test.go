package dave

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// FuzzSession gives any message to a session that is in a group and to one that
// is not. It may refuse, recover or end, and nothing else.
func FuzzSession(f *testing.F) {
	s, signer := local(f)
	f.Add(byte(opcode.VoiceSessionDescription), description(1).Data)
	f.Add(byte(opcode.VoiceClientsConnect), connect(2, 3).Data)
	f.Add(byte(opcode.VoiceClientDisconnect), []byte(`{"user_id":"2"}`))
	f.Add(byte(opcode.VoiceResumed), []byte(nil))
	f.Add(byte(opcode.DAVEPrepareTransition), []byte(`{"transition_id":3,"protocol_version":0}`))
	f.Add(byte(opcode.DAVEExecuteTransition), []byte(`{"transition_id":1}`))
	f.Add(byte(opcode.DAVEPrepareEpoch), []byte(`{"transition_id":3,"protocol_version":1,"epoch":1}`))
	f.Add(byte(opcode.DAVEExternalSender), signer.Sender().Append(nil))
	f.Add(byte(opcode.DAVEProposals), proposals(appendProposals, addMessage(f, s, signer, 2)).Data)
	f.Add(byte(opcode.DAVEProposals), proposals(revokeProposals, appendVector(nil, make([]byte, 32))).Data)
	f.Add(byte(opcode.DAVEAnnounceCommit), prefixed(1, make([]byte, 200)))
	f.Add(byte(opcode.DAVEWelcome), prefixed(0, make([]byte, 200)))
	f.Fuzz(func(t *testing.T, op byte, data []byte) {
		pending, _ := local(t)
		member, signer := local(t)
		require.NoError(t, addProposal(t, member, signer, 2))
		handle(t, member, voice(opcode.DAVEAnnounceCommit, prefixed(1, member.staged[0].Commit)))
		for _, s := range []*Session{pending, member, newSession(t)} {
			for range 2 {
				replies, err := s.HandleVoice(epoch, gateway.VoiceMessage{Op: opcode.Voice(op), Data: data})
				require.LessOrEqual(t, len(replies), 3)
				for _, r := range replies {
					require.True(t, r.Op.Sendable())
				}
				if err != nil {
					require.Empty(t, replies)
				}
			}
			s.HandleTimeout(epoch.Add(time.Hour))
			frame, err := s.EncryptFrame(epoch, nil, []byte("frame"), Opus)
			require.True(t, err == nil || s.Version() > 0 || !s.begun)
			require.True(t, s.Version() == 0 || string(frame) != "frame", "nothing in clear")
		}
	})
}

// FuzzDelivery gives any message to a delivery with a group and to one without.
func FuzzDelivery(f *testing.F) {
	d, g, list := scene(f)
	f.Add(byte(opcode.DAVEKeyPackage), keyPackage(f, 1).Data)
	f.Add(byte(opcode.DAVECommitWelcome), both(stage(f, g, list...)))
	f.Add(byte(opcode.DAVETransitionReady), []byte(`{"transition_id":1}`))
	f.Add(byte(opcode.DAVEInvalidCommit), []byte(`{"transition_id":1}`))
	require.NotNil(f, d)
	f.Fuzz(func(t *testing.T, op byte, data []byte) {
		d, g, list := scene(t)
		for range 2 {
			for user := range snowflake.ID(4) {
				out, err := d.HandleVoice(epoch, user+1, gateway.VoiceMessage{Op: opcode.Voice(op), Data: data})
				if err != nil {
					require.Empty(t, out)
				}
				for _, o := range out {
					require.NotNil(t, d.members[o.To])
					require.True(t, o.Message.Op.Receivable())
				}
			}
			_, _ = d.HandleVoice(epoch, 1, voice(opcode.DAVECommitWelcome, both(stage(t, g, list...))))
		}
		for range 10 {
			at := d.NextDeadline()
			if at.IsZero() {
				break
			}
			d.HandleTimeout(at)
		}
	})
}
