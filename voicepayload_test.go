package gateway

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/opcode"
)

// TestVoicePayloads holds both ends to the same JSON.
func TestVoicePayloads(t *testing.T) {
	for want, v := range map[string]any{
		`{"v":8,"heartbeat_interval":13750.5}`:                                                         &VoiceHello{Version: 8, HeartbeatIntervalMilli: 13750.5},
		`{"server_id":"1","user_id":"2","session_id":"abc","token":"t","max_dave_protocol_version":1}`: &VoiceIdentify{1, 2, "abc", "t", 1},
		`{"server_id":"1","session_id":"abc","token":"t","seq_ack":0}`:                                 &VoiceResume{1, "abc", "t", 0},
		`{"ssrc":1,"ip":"203.0.113.9","port":2,"modes":["m"]}`:                                         &VoiceReady{1, "203.0.113.9", 2, []string{"m"}},
		`{"t":1,"seq_ack":-1}`: &VoiceHeartbeat{1, -1},
		`{"t":1}`:              &VoiceHeartbeatACK{1},
		`{"protocol":"udp","data":{"address":"a","port":1,"mode":"m"}}`: &VoiceSelectProtocol{"udp", VoiceProtocolData{"a", 1, "m"}},
		`{"speaking":5,"delay":0,"ssrc":1,"user_id":"3"}`:               &VoiceSpeaking{SpeakingMicrophone | SpeakingPriority, 0, 1, 3},
		`{"speaking":2,"delay":0,"ssrc":1}`:                             &VoiceSpeaking{Speaking: SpeakingSoundshare, SSRC: 1},
	} {
		got, err := json.Marshal(v)
		require.NoError(t, err)
		require.JSONEq(t, want, string(got))
	}
	d, err := Decode[VoiceSessionDescription]([]byte(describe(0)[len(`{"op":4,"d":`) : len(describe(0))-len(`,"seq":0}`)]))
	require.NoError(t, err)
	require.Equal(t, VoiceSessionDescription{gcm, voiceKey, 1}, d)
}

func TestVoiceSeqAckIsOptional(t *testing.T) {
	for data, want := range map[string]int{`{}`: -1, `{"seq_ack":null}`: -1, `{"seq_ack":-1}`: -1, `{"seq_ack":0}`: 0, `{"seq_ack":9}`: 9} {
		r, err := Decode[VoiceResume]([]byte(data))
		require.NoError(t, err)
		require.Equal(t, want, r.SeqAck, data)
		h, err := Decode[VoiceHeartbeat]([]byte(data))
		require.NoError(t, err)
		require.Equal(t, want, h.SeqAck, data)
	}
	_, err := Decode[VoiceResume]([]byte(`{"seq_ack":"x"}`))
	require.Error(t, err)
	_, err = Decode[VoiceHeartbeat]([]byte(`{"t":"x"}`))
	require.Error(t, err)
}

func TestVoiceKeyErrorsDoNotQuoteIt(t *testing.T) {
	full := strings.Repeat("7,", 31)
	k := VoiceKey{1}
	for _, data := range []string{`[7,"s3cret"]`, `"s3cret"`, `{}`, `[` + full + `-7]`, `[` + full + `256]`, `[` + full + `7,7]`, `[` + full + `65536]`} {
		err := json.Unmarshal([]byte(data), &k)
		require.ErrorIs(t, err, errVoiceKey, data)
		require.Equal(t, VoiceKey{1}, k, "untouched")
	}
	require.NoError(t, json.Unmarshal([]byte(`[`+full+`255]`), &k))
	require.EqualValues(t, 255, k[31])
}

func TestVoiceMessageClone(t *testing.T) {
	p := activeVoicePeer(t)
	m := p.mustReceive(binaryMessage(2, opcode.DAVEWelcome, "welcome"))
	c := m.Clone()
	p.mustReceive(binaryMessage(3, opcode.DAVEWelcome, "another"))
	require.Equal(t, &VoiceMessage{Op: opcode.DAVEWelcome, Data: []byte("welcome"), Seq: 2}, c)
}
