package gateway

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/opcode"
)

var voiceDefects = []struct {
	name string
	test func(t *testing.T)
}{
	{"speaking before the session description is lost", func(t *testing.T) {
		p := newVoicePeer(t, voiceJoin)
		speaking := `{"op":5,"d":{"user_id":"3","ssrc":55,"speaking":1}}`
		for _, before := range []string{voiceHello, voiceReady, voiceDescription} {
			m := p.mustReceive(speaking)
			require.Equal(t, opcode.VoiceSpeaking, m.Op)
			s, err := Decode[VoiceSpeaking](m.Data)
			require.NoError(t, err)
			require.Equal(t, VoiceSpeaking{Speaking: SpeakingMicrophone, SSRC: 55, UserID: 3}, s)
			p.mustReceive(before)
		}
	}},
	{"clients connect and disconnect before ready are lost", func(t *testing.T) {
		p := newVoicePeer(t, voiceJoin)
		c, err := Decode[VoiceClientsConnect](p.mustReceive(`{"op":11,"d":{"user_ids":["3","4"]}}`).Data)
		require.NoError(t, err)
		require.EqualValues(t, []uint64{3, 4}, []uint64{uint64(c.UserIDs[0]), uint64(c.UserIDs[1])})
		d, err := Decode[VoiceClientDisconnect](p.mustReceive(`{"op":13,"d":{"user_id":"3"}}`).Data)
		require.NoError(t, err)
		require.EqualValues(t, 3, d.UserID)
	}},
	{"ready before hello is lost", func(t *testing.T) {
		p := newVoicePeer(t, voiceJoin)
		require.NoError(t, p.Identify(&p.text))
		p.mustReceive(voiceReady, voiceHello)
		require.Equal(t, 1, strings.Count(p.wrote(), `"op":0`), "identified once")
		require.False(t, p.NextDeadline().IsZero())
		require.NoError(t, p.SelectProtocol(&p.text, "198.51.100.1", 1337, gcm))
	}},
	{"external sender before the session description is dropped", func(t *testing.T) {
		e := &recorder{version: 1}
		p := newVoicePeer(t, voiceJoin, WithE2EE(e))
		p.mustReceive(voiceHello, voiceReady, binaryMessage(1, opcode.DAVEExternalSender, "sender"), describe(2))
		require.Equal(t, []opcode.Voice{opcode.DAVEExternalSender, opcode.VoiceSessionDescription}, e.heard)
	}},
	{"an error of the encryption ends the process", func(t *testing.T) {
		e := &recorder{}
		p := activeVoicePeer(t, WithE2EE(e))
		e.fail = errors.New("no group")
		_, _, err := p.receive(binaryMessage(2, opcode.DAVEProposals, "p"))
		require.ErrorAs(t, err, new(*VoiceError))
	}},
	{"proposals and commits change places", func(t *testing.T) {
		e := &recorder{}
		p := activeVoicePeer(t, WithE2EE(e))
		for seq := range uint16(100) {
			p.mustReceive(binaryMessage(seq+2, opcode.DAVEProposals+opcode.Voice(seq%2*2), fmt.Sprint(seq)))
		}
		for i, data := range e.data[1:] {
			require.Equal(t, fmt.Sprint(i), data)
		}
	}},
	{"identify without a DAVE version earns 4017 in silence", func(t *testing.T) {
		p := newVoicePeer(t, voiceJoin)
		p.mustReceive(voiceHello)
		require.Contains(t, p.wrote(), `"max_dave_protocol_version":0`)
		err := p.ProcessCloseCode(closecode.VoiceE2EERequired, "", &p.close)
		require.ErrorContains(t, err, "WithE2EE")
		var ve *VoiceError
		require.ErrorAs(t, err, &ve)
		require.Equal(t, closecode.Stop, ve.Decision)
	}},
	{"a heartbeat acknowledgement with another nonce starts a second connection", func(t *testing.T) {
		p := activeVoicePeer(t)
		require.NoError(t, p.wait(7*time.Second))
		p.mustIgnore(`{"op":6,"d":{"t":12345}}`)
		require.Zero(t, p.Latency())
		require.NoError(t, p.wait(22*time.Second))
		require.False(t, p.Closed())
	}},
	{"a late heartbeat acknowledgement reconnects a connection that is alive", func(t *testing.T) {
		p := activeVoicePeer(t)
		for i := range 20 {
			require.NoError(t, p.wait(time.Duration(7+14*i)*time.Second))
			p.mustReceive(numbered(i+2, opcode.VoiceSpeaking, `{}`))
		}
	}},
	{"the heartbeat interval of ready is used", func(t *testing.T) {
		p := newVoicePeer(t, voiceJoin)
		p.mustReceive(voiceHello)
		deadline := p.NextDeadline()
		p.mustReceive(voiceReady)
		require.Equal(t, deadline, p.NextDeadline())
	}},
	{"an interval with a fraction is refused", func(t *testing.T) {
		p := newVoicePeer(t, voiceJoin)
		p.mustReceive(`{"op":8,"d":{"heartbeat_interval":13750.5}}`)
		require.Equal(t, 6875250*time.Microsecond, p.NextDeadline().Sub(epoch))
	}},
	{"the number zero is taken for none", func(t *testing.T) {
		p := activeVoicePeer(t)
		p.mustReceive(numbered(0, opcode.VoiceSpeaking, `{}`))
		require.NoError(t, p.Heartbeat(&p.text))
		require.Contains(t, p.wrote(), `"seq_ack":0`)
		v, _ := p.Session()
		p = newVoicePeer(t, v)
		p.mustReceive(voiceHello)
		require.Contains(t, p.wrote(), `"seq_ack":0`)
		require.True(t, p.mustIgnore(numbered(0, opcode.VoiceSpeaking, `{}`)).Outdated)
	}},
	{"numbers of binary messages do not count", func(t *testing.T) {
		p := activeVoicePeer(t)
		p.mustReceive(binaryMessage(300, opcode.DAVEProposals, ""))
		require.NoError(t, p.Heartbeat(&p.text))
		require.Contains(t, p.wrote(), `"seq_ack":300`)
	}},
	{"the number is read from s", func(t *testing.T) {
		p := activeVoicePeer(t)
		p.mustReceive(`{"op":5,"s":40,"d":{"seq":41}}`)
		require.EqualValues(t, 1, p.SequenceNumber())
	}},
	{"the port of the endpoint is stripped", func(t *testing.T) {
		dialURL, err := VoiceURL("voice.example:443")
		require.NoError(t, err)
		require.Equal(t, "wss://voice.example:443/?v=8", dialURL)
	}},
	{"the version is left out of the url", func(t *testing.T) {
		dialURL, err := VoiceURL("voice.example")
		require.NoError(t, err)
		require.Equal(t, "wss://voice.example/?v=8", dialURL)
	}},
	{"the first mode offered is selected, known or not", func(t *testing.T) {
		p := newVoicePeer(t, voiceJoin)
		p.mustReceive(voiceHello, voiceReady)
		p.wrote()
		require.ErrorIs(t, p.SelectProtocol(&p.text, "198.51.100.1", 1337, "xsalsa20_poly1305"), ErrVoiceMode)
		require.Empty(t, p.wrote(), "that would earn 4016")
	}},
	{"video cannot be announced", func(t *testing.T) {
		p := activeVoicePeer(t)
		require.NoError(t, p.Write(p.w(), VoiceMessage{Op: 12, Data: []byte(`{"audio_ssrc":77,"video_ssrc":0,"rtx_ssrc":0}`)}))
		require.Contains(t, p.wrote(), `{"op":12,`)
	}},
	{"new opcodes end the connection", func(t *testing.T) {
		p := activeVoicePeer(t)
		m := p.mustReceive(`{"op":18,"d":{"user_id":"3","flags":2},"seq":2}`)
		require.Equal(t, `{"user_id":"3","flags":2}`, string(m.Data))
		m = p.mustReceive(binaryMessage(3, 200, "new"))
		require.Equal(t, &VoiceMessage{Op: 200, Data: []byte("new"), Seq: 3}, m)
	}},
	{"a disconnect is followed by a reconnect", func(t *testing.T) {
		for _, code := range []closecode.Voice{closecode.VoiceDisconnected, closecode.VoiceCallTerminated} {
			p := activeVoicePeer(t)
			var ve *VoiceError
			require.ErrorAs(t, p.ProcessCloseCode(code, "", &p.close), &ve)
			require.False(t, ve.CanReconnect())
			require.Equal(t, closecode.WaitForMove, ve.Decision)
		}
	}},
	{"an old session is resumed after a move", func(t *testing.T) {
		p := activeVoicePeer(t)
		_ = p.ProcessCloseCode(closecode.VoiceDisconnected, "", &p.close)
		_, ok := p.Session()
		require.False(t, ok)
	}},
	{"a session that timed out is resumed for ever", func(t *testing.T) {
		v, _ := activeVoicePeer(t).Session()
		p := newVoicePeer(t, v)
		p.mustReceive(voiceHello)
		var ve *VoiceError
		require.ErrorAs(t, p.ProcessCloseCode(closecode.VoiceSessionTimedOut, "", &p.close), &ve)
		require.Equal(t, closecode.NewSession, ve.Decision)
	}},
	{"a crash of the server ends the session", func(t *testing.T) {
		p := activeVoicePeer(t)
		var ve *VoiceError
		require.ErrorAs(t, p.ProcessCloseCode(closecode.VoiceServerCrashed, "", &p.close), &ve)
		require.True(t, ve.CanResume())
	}},
	{"the token is logged", func(t *testing.T) {
		p := activeVoicePeer(t)
		require.NotContains(t, fmt.Sprintf("%+v", p.VoiceGatewayState), "s3cret")
	}},
}

// TestVoiceDefects has a case for what other libraries get wrong.
func TestVoiceDefects(t *testing.T) {
	for _, d := range voiceDefects {
		t.Run(d.name, d.test)
	}
}
