package gateway

import (
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/opcode"
)

// TestVoiceCloseCodes writes down what follows each code, a second time.
func TestVoiceCloseCodes(t *testing.T) {
	want := map[closecode.Decision][]closecode.Voice{
		closecode.Resume:      {1000, 1001, 1005, 1006, 1011, 1012, 3000, 3999, 4015},
		closecode.NewSession:  {4001, 4002, 4003, 4005, 4006, 4009, 4011, 4020, 4000, 4999},
		closecode.WaitForMove: {4014, 4022},
		closecode.Stop:        {4004, 4012, 4016, 4017, 4021},
	}
	seen := make(map[closecode.Voice]bool)
	for decision, codes := range want {
		for _, code := range codes {
			seen[code] = true
			t.Run(fmt.Sprint(uint16(code)), func(t *testing.T) {
				p := activeVoicePeer(t)
				err := p.ProcessCloseCode(code, "because", &p.close)
				var ve *VoiceError
				require.ErrorAs(t, err, &ve)
				require.Equal(t, &VoiceError{CloseCode: code, Reason: "because", Decision: decision}, ve)
				require.Contains(t, err.Error(), "because")
				require.Equal(t, decision == closecode.Resume, ve.CanResume())
				require.Equal(t, decision == closecode.Resume || decision == closecode.NewSession, ve.CanReconnect())
				require.Equal(t, decision == closecode.Stop, ve.Hint() != "", "what stops has a cure")

				require.True(t, p.Closed())
				require.True(t, p.NextDeadline().IsZero())
				v, ok := p.Session()
				require.Equal(t, decision == closecode.Resume, ok)
				require.Equal(t, ok, v.Resumable)
				if ok {
					require.Equal(t, 1012, p.closedWith())
				} else {
					require.Equal(t, 1000, p.closedWith())
					require.ErrorIs(t, p.Resume(&p.text), ErrNotReady)
				}
			})
		}
	}
	for _, code := range closecode.AllVoice() {
		require.True(t, seen[code], "%d has no decision here", code)
	}
}

func TestVoiceCloseFrameWithoutCode(t *testing.T) {
	p := activeVoicePeer(t)
	var ve *VoiceError
	require.ErrorAs(t, p.ProcessCloseCode(0, "", &p.close), &ve)
	require.EqualValues(t, 1005, ve.CloseCode)
	require.True(t, ve.CanResume())
}

func TestVoiceDecisionIsTheUsers(t *testing.T) {
	table := func(code closecode.Voice) closecode.Decision {
		switch code {
		case closecode.VoiceSessionInvalid:
			return closecode.Resume
		case closecode.VoiceServerCrashed:
			return closecode.Identify
		}
		return code.Decision()
	}
	for code, want := range map[closecode.Voice]closecode.Decision{
		closecode.VoiceSessionInvalid: closecode.Resume,
		closecode.VoiceServerCrashed:  closecode.NewSession,
		closecode.VoiceE2EERequired:   closecode.Stop,
	} {
		p := activeVoicePeer(t, WithVoiceDecision(table))
		var ve *VoiceError
		require.ErrorAs(t, p.ProcessCloseCode(code, "", &p.close), &ve)
		require.Equal(t, want, ve.Decision, code)
		_, ok := p.Session()
		require.Equal(t, want == closecode.Resume, ok)
	}
}

func TestVoiceErrorText(t *testing.T) {
	for want, err := range map[string]*VoiceError{
		"gateway: voice connection closed with 4014 (disconnected)": {CloseCode: 4014},
		"gateway: voice connection closed with 4017 (end-to-end encryption required): E2EE/DAVE protocol required; " +
			"the channel is end-to-end encrypted: identify with a max_dave_protocol_version of at least 1, see WithE2EE": {CloseCode: 4017, Reason: "E2EE/DAVE protocol required"},
		"gateway: voice connection closed with 4016 (unknown encryption mode); select one of the encryption modes that the ready message offers": {CloseCode: 4016},
		"gateway: voice connection ended by us: gateway: heartbeat not acknowledged":                                                             {Err: ErrZombie},
	} {
		require.EqualError(t, err, want)
	}
}

func TestClosedVoiceState(t *testing.T) {
	p := activeVoicePeer(t)
	require.NoError(t, p.Close())
	require.NoError(t, p.Close(), "closing twice is harmless")
	require.False(t, p.Active())
	_, _, err := p.receive(voiceReady)
	require.ErrorIs(t, err, net.ErrClosed)
	_, _, err = p.ProcessMessage([]byte(voiceReady), p.w())
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, p.Write(p.w(), VoiceMessage{Op: opcode.DAVEKeyPackage}), net.ErrClosed)
	require.ErrorIs(t, p.Heartbeat(&p.text), net.ErrClosed)
	require.ErrorIs(t, p.WriteRestartClose(&p.close), net.ErrClosed)
	require.Equal(t, 0, p.closedWith())
	require.Contains(t, p.String(), "closed")
	v, ok := p.Session()
	require.True(t, ok && v.Resumable, "the session is kept")

	var ve *VoiceError
	require.ErrorAs(t, p.ProcessCloseCode(4006, "", &p.close), &ve)
	_, ok = p.Session()
	require.False(t, ok, "a code that comes late still counts")
}

func TestVoiceNormalCloseEndsTheSession(t *testing.T) {
	p := activeVoicePeer(t)
	require.NoError(t, p.WriteNormalClose(&p.close))
	require.Equal(t, 1000, p.closedWith())
	_, ok := p.Session()
	require.False(t, ok)
}
