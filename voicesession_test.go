package gateway

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/closecode"
)

func TestVoiceURL(t *testing.T) {
	for endpoint, want := range map[string]string{
		"sweetwater-12345.discord.media:2048": "wss://sweetwater-12345.discord.media:2048/?v=8",
		"voice.example":                       "wss://voice.example/?v=8",
		"[2001:db8::1]:443":                   "wss://[2001:db8::1]:443/?v=8",
		"voice.example:80/path":               "wss://voice.example:80/path?v=8",
		"ws://localhost:8080":                 "ws://localhost:8080/?v=8",
		"wss://voice.example/?v=4&x=1#f":      "wss://voice.example/?v=8&x=1",
		"voice.example:2048?v=4":              "wss://voice.example:2048/?v=8",
	} {
		got, err := VoiceURL(endpoint)
		require.NoError(t, err, endpoint)
		require.Equal(t, want, got)
	}
	for _, endpoint := range []string{"", ":443", "wss://", "https://voice.example", "user:pass@voice.example", "voice example", "voice.example:port", "\x00"} {
		got, err := VoiceURL(endpoint)
		require.ErrorIs(t, err, ErrVoiceEndpoint, endpoint)
		require.Empty(t, got)
	}
}

func TestNewVoiceGatewayState(t *testing.T) {
	for name, change := range map[string]func(*VoiceSession){
		"server":   func(v *VoiceSession) { v.ServerID = 0 },
		"user":     func(v *VoiceSession) { v.UserID = 0 },
		"session":  func(v *VoiceSession) { v.SessionID = "" },
		"token":    func(v *VoiceSession) { v.Token = "" },
		"endpoint": func(v *VoiceSession) { v.Endpoint = "https://voice.example" },
		"too low":  func(v *VoiceSession) { v.Resumable, v.SeqAck = true, -2 },
		"too high": func(v *VoiceSession) { v.Resumable, v.SeqAck = true, 65536 },
	} {
		v := voiceJoin
		change(&v)
		_, err := NewVoiceGatewayState(v)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "s3cret")
	}
	for name, o := range map[string]VoiceOption{
		"e2ee":     WithE2EE(nil),
		"decision": WithVoiceDecision(nil),
		"jitter":   WithVoiceJitter(nil),
		"limit":    WithVoiceMessageLimit(4095),
	} {
		_, err := NewVoiceGatewayState(voiceJoin, o)
		require.Error(t, err, name)
	}

	v := voiceJoin
	v.Endpoint, v.SeqAck, v.Ready.SSRC = "", 12, 5
	p := newVoicePeer(t, v)
	require.EqualValues(t, -1, p.SequenceNumber(), "a new session has seen nothing")
	require.Empty(t, p.DialURL())
	_, ok := p.Ready()
	require.False(t, ok)
}

func TestVoiceSessionIsACopy(t *testing.T) {
	p := activeVoicePeer(t)
	v, _ := p.Session()
	v.Ready.Modes[0] = "changed"
	r, _ := p.Ready()
	require.Equal(t, gcm, r.Modes[0])
}

func TestVoiceSessionJSON(t *testing.T) {
	b, err := json.Marshal(voiceJoin)
	require.NoError(t, err)
	require.JSONEq(t, `{"server_id":"1","user_id":"2","session_id":"abc","token":"s3cret","endpoint":"voice.example:2048","seq_ack":0}`, string(b))
}

func TestVoiceSecretsAreInNoString(t *testing.T) {
	p := activeVoicePeer(t)
	v, _ := p.Session()
	d, _ := p.Description()
	end := p.ProcessCloseCode(closecode.VoiceServerCrashed, "", &p.close)
	secrets := []string{"s3cret", "733363726574", "251 100", "251, 100", "251,100", "fb64", "FB64", "0xfb, 0x64"}
	for _, value := range []any{
		p.VoiceGatewayState, *p.VoiceGatewayState, v, &v, d, &d, d.SecretKey, &d.SecretKey, []VoiceKey{d.SecretKey}, end,
		VoiceIdentify{Token: "s3cret"}, &VoiceIdentify{Token: "s3cret"}, VoiceResume{Token: "s3cret"}, &VoiceResume{Token: "s3cret"},
		struct{ S VoiceSession }{v},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			text := fmt.Sprintf(verb, value)
			for _, secret := range secrets {
				require.NotContains(t, text, secret, "%s of %T", verb, value)
			}
		}
	}
	require.Equal(t, `voice session "abc" of user 2 on server 1`, fmt.Sprint(v))
	require.Equal(t, `gateway: voice server 1, active, session "abc", sequence 1`, strings.Replace(fmt.Sprint(p.VoiceGatewayState), "closed", "active", 1))
}
