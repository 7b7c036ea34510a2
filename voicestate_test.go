package gateway

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/opcode"
)

const (
	voiceHello = `{"op":8,"d":{"v":8,"heartbeat_interval":13750.0}}`
	voiceReady = `{"op":2,"d":{"ssrc":77,"ip":"203.0.113.9","port":50004,"modes":["aead_aes256_gcm_rtpsize","aead_xchacha20_poly1305_rtpsize"],"heartbeat_interval":1},"seq":0}`
	gcm        = "aead_aes256_gcm_rtpsize"
)

var (
	voiceKey         = VoiceKey{0: 251, 1: 100, 31: 7}
	voiceDescription = describe(1)
	voiceJoin        = VoiceSession{ServerID: 1, UserID: 2, SessionID: "abc", Token: "s3cret", Endpoint: "voice.example:2048"}
)

// describe is a session description with a sequence number.
func describe(seq int) string {
	key, _ := json.Marshal(voiceKey)
	return fmt.Sprintf(`{"op":4,"d":{"mode":%q,"secret_key":%s,"dave_protocol_version":1},"seq":%d}`, gcm, key, seq)
}

// A voicePeer is a state with its three writers.
type voicePeer struct {
	*VoiceGatewayState
	t                testing.TB
	text, bin, close bytes.Buffer
}

func newVoicePeer(t testing.TB, v VoiceSession, opts ...VoiceOption) *voicePeer {
	t.Helper()
	st, err := NewVoiceGatewayState(v, append([]VoiceOption{WithVoiceJitter(func() float64 { return 0.5 })}, opts...)...)
	require.NoError(t, err)
	st.Advance(epoch)
	return &voicePeer{VoiceGatewayState: st, t: t}
}

func (p *voicePeer) w() VoiceWriters { return VoiceWriters{&p.text, &p.bin, &p.close} }

// receive gives one message to the state: text if it starts like an object.
func (p *voicePeer) receive(msg string) (*VoiceMessage, bool, error) {
	if strings.HasPrefix(msg, "{") {
		return p.ProcessNextMessage(strings.NewReader(msg), p.w())
	}
	return p.ProcessNextBinary(strings.NewReader(msg), p.w())
}

func (p *voicePeer) mustReceive(msgs ...string) (last *VoiceMessage) {
	p.t.Helper()
	for _, msg := range msgs {
		m, redundant, err := p.receive(msg)
		require.NoError(p.t, err, msg)
		require.False(p.t, redundant, msg)
		last = m
	}
	return last
}

func (p *voicePeer) mustIgnore(msg string) *VoiceMessage {
	p.t.Helper()
	m, redundant, err := p.receive(msg)
	require.NoError(p.t, err, msg)
	require.True(p.t, redundant, msg)
	return m
}

// wait advances time to d after the epoch and does what is due.
func (p *voicePeer) wait(d time.Duration) error { return p.HandleTimeout(epoch.Add(d), p.w()) }

// wrote returns the text that was written since the last call.
func (p *voicePeer) wrote() string {
	defer p.text.Reset()
	return p.text.String()
}

// wroteBinary returns the bytes that were written since the last call.
func (p *voicePeer) wroteBinary() string {
	defer p.bin.Reset()
	return p.bin.String()
}

// closedWith returns the code of the close frame that was written, zero for none.
func (p *voicePeer) closedWith() int {
	if p.close.Len() == 0 {
		return 0
	}
	require.Equal(p.t, 2, p.close.Len(), "one close frame")
	return int(binary.BigEndian.Uint16(p.close.Bytes()))
}

func activeVoicePeer(t testing.TB, opts ...VoiceOption) *voicePeer {
	t.Helper()
	p := newVoicePeer(t, voiceJoin, opts...)
	p.mustReceive(voiceHello, voiceReady)
	require.NoError(t, p.SelectProtocol(&p.text, "198.51.100.1", 1337, gcm))
	p.mustReceive(voiceDescription)
	p.wrote()
	return p
}

func numbered(seq int, op opcode.Voice, data string) string {
	return fmt.Sprintf(`{"op":%d,"d":%s,"seq":%d}`, op, data, seq)
}

func binaryMessage(seq uint16, op opcode.Voice, data string) string {
	return string(binary.BigEndian.AppendUint16(nil, seq)) + string([]byte{byte(op)}) + data
}

func TestVoiceHandshake(t *testing.T) {
	p := newVoicePeer(t, voiceJoin, WithE2EE(&recorder{version: 1}))
	require.Equal(t, "wss://voice.example:2048/?v=8", p.DialURL())
	require.True(t, p.NextDeadline().IsZero(), "nothing to do before hello")
	require.False(t, p.HaveIdentified())

	p.mustReceive(voiceHello)
	require.JSONEq(t, `{"op":0,"d":{"server_id":"1","user_id":"2","session_id":"abc","token":"s3cret","max_dave_protocol_version":1}}`, p.wrote())
	require.True(t, p.HaveIdentified())
	require.Equal(t, 6875*time.Millisecond, p.NextDeadline().Sub(epoch), "the first beat comes after a random share of the interval")
	_, ok := p.Ready()
	require.False(t, ok)
	require.ErrorIs(t, p.Speaking(&p.text, SpeakingMicrophone), ErrNotReady, "no SSRC yet")
	require.ErrorIs(t, p.SelectProtocol(&p.text, "198.51.100.1", 1337, gcm), ErrNotReady)

	p.mustReceive(voiceReady)
	r, ok := p.Ready()
	require.True(t, ok)
	require.Equal(t, VoiceReady{SSRC: 77, IP: "203.0.113.9", Port: 50004, Modes: []string{gcm, "aead_xchacha20_poly1305_rtpsize"}}, r)
	require.False(t, p.Active())

	require.NoError(t, p.SelectProtocol(&p.text, "198.51.100.1", 1337, gcm))
	require.JSONEq(t, `{"op":1,"d":{"protocol":"udp","data":{"address":"198.51.100.1","port":1337,"mode":"`+gcm+`"}}}`, p.wrote())
	_, ok = p.Description()
	require.False(t, ok)

	p.mustReceive(voiceDescription)
	d, ok := p.Description()
	require.True(t, ok)
	require.Equal(t, VoiceSessionDescription{Mode: gcm, SecretKey: voiceKey, DAVEProtocolVersion: 1}, d)
	require.True(t, p.Active())

	require.NoError(t, p.Speaking(&p.text, SpeakingMicrophone|SpeakingPriority))
	require.JSONEq(t, `{"op":5,"d":{"speaking":5,"delay":0,"ssrc":77}}`, p.wrote())
	require.NoError(t, p.SelectProtocol(&p.text, "198.51.100.1", 1338, gcm), "a new address")
	require.Equal(t, 0, p.closedWith())
}

func TestVoiceResume(t *testing.T) {
	old := activeVoicePeer(t)
	old.mustReceive(numbered(2, opcode.VoiceSpeaking, `{}`), binaryMessage(3, opcode.DAVEProposals, "p"))
	require.NoError(t, old.Close())
	v, ok := old.Session()
	require.True(t, ok)
	require.Equal(t, 3, v.SeqAck, "text and binary share the counter")
	stored, err := json.Marshal(v)
	require.NoError(t, err)
	var restored VoiceSession
	require.NoError(t, json.Unmarshal(stored, &restored))
	require.Equal(t, v, restored, "another process takes over")

	e := &recorder{}
	p := newVoicePeer(t, restored, WithE2EE(e))
	p.mustReceive(voiceHello)
	require.JSONEq(t, `{"op":7,"d":{"server_id":"1","session_id":"abc","token":"s3cret","seq_ack":3}}`, p.wrote())
	require.False(t, p.Active())
	require.ErrorIs(t, p.Speaking(&p.text, SpeakingMicrophone), ErrNotReady)

	p.mustReceive(`{"op":9,"d":null}`)
	require.True(t, p.Active(), "the key is still good")
	require.True(t, p.mustIgnore(binaryMessage(3, opcode.DAVEProposals, "p")).Outdated, "a replay may begin early")
	require.True(t, p.mustIgnore(numbered(2, opcode.VoiceSpeaking, `{}`)).Outdated)
	require.False(t, p.mustReceive(numbered(4, opcode.VoiceSpeaking, `{}`)).Outdated)
	p.mustReceive(binaryMessage(5, opcode.DAVEWelcome, "w"))
	require.EqualValues(t, 5, p.SequenceNumber())
	require.Equal(t, []opcode.Voice{opcode.VoiceResumed, opcode.DAVEWelcome}, e.heard, "nothing is heard twice")
	require.NoError(t, p.Speaking(&p.text, SpeakingMicrophone))
	require.JSONEq(t, `{"op":5,"d":{"speaking":1,"delay":0,"ssrc":77}}`, p.wrote(), "the SSRC is still ours")
}

func TestVoiceReplayBeforeResumed(t *testing.T) {
	p := newVoicePeer(t, VoiceSession{ServerID: 1, UserID: 2, SessionID: "abc", Token: "s3cret", Resumable: true, SeqAck: 0},
		WithE2EE(&recorder{replies: map[opcode.Voice][]VoiceMessage{opcode.DAVEProposals: {{Op: opcode.DAVECommitWelcome, Data: []byte("c")}}}}))
	p.mustReceive(voiceHello, describe(1), binaryMessage(2, opcode.DAVEProposals, "p"), `{"op":9,"d":null}`)
	require.Equal(t, "\x1cc", p.wroteBinary())
	require.True(t, p.Active())
	require.EqualValues(t, 2, p.SequenceNumber())
}

func TestVoiceResumedBeforeDescription(t *testing.T) {
	old := newVoicePeer(t, voiceJoin)
	old.mustReceive(voiceHello, voiceReady)
	v, _ := old.Session()
	p := newVoicePeer(t, v)
	p.mustReceive(voiceHello, `{"op":9}`)
	require.False(t, p.Active())
	require.NoError(t, p.SelectProtocol(&p.text, "198.51.100.1", 1337, gcm), "goes on where it was")
}

func TestVoiceSessionBeforeReady(t *testing.T) {
	p := newVoicePeer(t, voiceJoin)
	p.mustReceive(voiceHello)
	v, ok := p.Session()
	require.True(t, ok)
	require.False(t, v.Resumable, "the next connection identifies")
	require.ErrorIs(t, p.Resume(&p.text), ErrNotReady)

	next := newVoicePeer(t, v)
	next.mustReceive(voiceHello)
	require.Contains(t, next.wrote(), `{"op":0,`)
}

func TestVoiceIdentifyInsteadOfResume(t *testing.T) {
	v, _ := activeVoicePeer(t).Session()
	p := newVoicePeer(t, v)
	require.NoError(t, p.Identify(&p.text))
	require.EqualValues(t, -1, p.SequenceNumber())
	_, ok := p.Ready()
	require.False(t, ok, "what the old session knew is void")
	p.mustReceive(voiceHello, voiceReady)
	require.Equal(t, 1, strings.Count(p.wrote(), `"op":`), "it identifies once")
}

func TestVoiceSequenceWraps(t *testing.T) {
	p := activeVoicePeer(t)
	p.mustReceive(numbered(65534, opcode.VoiceSpeaking, `{}`), binaryMessage(65535, opcode.DAVEProposals, ""))
	require.EqualValues(t, 65535, p.SequenceNumber())
	v, _ := p.Session()
	p.mustReceive(numbered(0, opcode.VoiceSpeaking, `{}`))
	require.EqualValues(t, 0, p.SequenceNumber())
	p.mustReceive(binaryMessage(1, opcode.DAVEProposals, ""), `{"op":5,"d":{}}`, `{"op":5,"d":{},"seq":null}`)
	require.EqualValues(t, 1, p.SequenceNumber(), "some messages have no number")

	p = newVoicePeer(t, v)
	p.mustReceive(voiceHello, `{"op":9}`)
	require.Contains(t, p.wrote(), `"seq_ack":65535`)
	require.True(t, p.mustIgnore(binaryMessage(65535, opcode.DAVEProposals, "")).Outdated)
	p.mustReceive(binaryMessage(0, opcode.DAVEProposals, ""), numbered(1, opcode.VoiceSpeaking, `{}`))
	require.EqualValues(t, 1, p.SequenceNumber(), "the replay goes over the edge")
}

func TestVoiceRedundant(t *testing.T) {
	p := activeVoicePeer(t)
	deadline := p.NextDeadline()
	for _, msg := range []string{
		`{"op":8,"d":{"heartbeat_interval":1}}`,
		voiceReady,
		`{"op":9}`,
		`{"op":0,"d":{}}`, `{"op":3,"d":{}}`, `{"op":7,"d":{}}`, `{"op":31,"d":{}}`,
		binaryMessage(9, opcode.DAVEKeyPackage, ""),
		binaryMessage(9, opcode.VoiceSpeaking, "{}"),
		`{"op":27,"d":"text, but it is a binary opcode"}`,
	} {
		p.mustIgnore(msg)
	}
	require.Empty(t, p.wrote())
	require.Equal(t, deadline, p.NextDeadline())
	require.EqualValues(t, 9, p.SequenceNumber(), "what was received was received")
	require.True(t, p.Active())

	p = newVoicePeer(t, voiceJoin)
	for _, msg := range []string{voiceReady, voiceDescription, `{"op":9}`} {
		p.mustIgnore(msg)
	}
	require.False(t, p.HaveIdentified())
	p.mustReceive(voiceHello)
	p.mustIgnore(`{"op":9}`)
	require.False(t, p.Active(), "nothing was to be resumed")
}

func TestVoiceMalformed(t *testing.T) {
	key, _ := json.Marshal(voiceKey)
	for _, msg := range []string{
		``, "\x00\x01", "\x00", `{`, `{}`, `{"op":null}`, `{"op":"a"}`, `{"op":264,"d":{"heartbeat_interval":1000}}`,
		`{"op":5,"d":{},"seq":-1}`, `{"op":5,"d":{},"seq":65536}`, `{"op":5,"d":{},"seq":"1"}`, `{"op":5,"d":{},"seq":1.5}`,
		`{"op":2,"d":{}}`, `{"op":2,"d":{"ip":"203.0.113.9","port":0}}`, `{"op":2,"d":{"ip":"203.0.113.9","port":65536}}`, `{"op":2}`,
		`{"op":4,"d":{}}`, `{"op":4,"d":{"mode":"m"}}`, `{"op":4,"d":{"mode":"m","secret_key":[1,2]}}`, `{"op":4,"d":{"secret_key":` + string(key) + `}}`,
		`{"op":4,"d":{"mode":"m","secret_key":` + strings.Replace(string(key), "251", "256", 1) + `}}`,
		`{"op":4,"d":{"mode":"m","secret_key":"` + strings.Repeat("A", 44) + `"}}`,
	} {
		p := newVoicePeer(t, voiceJoin)
		p.mustReceive(voiceHello)
		_, _, err := p.receive(msg)
		require.ErrorIs(t, err, ErrMalformed, msg)
		require.Equal(t, 1012, p.closedWith(), msg)
		require.EqualValues(t, -1, p.SequenceNumber(), "it will be replayed")
		_, ok := p.Session()
		require.True(t, ok)
	}
}

func TestVoiceBadHello(t *testing.T) {
	for _, d := range []string{`{}`, `null`, `{"heartbeat_interval":0}`, `{"heartbeat_interval":-1}`, `{"heartbeat_interval":"x"}`, `{"heartbeat_interval":1e300}`, `{"heartbeat_interval":0.5}`} {
		p := newVoicePeer(t, voiceJoin)
		_, _, err := p.receive(`{"op":8,"d":` + d + `}`)
		require.ErrorIs(t, err, ErrMalformed, d)
		require.Equal(t, 1012, p.closedWith())
		require.Empty(t, p.wrote())
	}
}

func TestVoiceReadErrorChangesNothing(t *testing.T) {
	p := activeVoicePeer(t)
	before := p.String()
	boom := errors.New("boom")
	r := io.MultiReader(strings.NewReader(`{"op":5`), &failingReader{boom})
	_, _, err := p.ProcessNextMessage(r, p.w())
	require.ErrorIs(t, err, boom)
	require.False(t, p.Closed())
	require.Equal(t, before, p.String())
	p.mustReceive(numbered(2, opcode.VoiceSpeaking, `{}`))
}

func TestVoiceMessageLimit(t *testing.T) {
	large := `{"op":5,"d":"` + strings.Repeat("x", 4096) + `"}`
	for _, process := range []func(*voicePeer) error{
		func(p *voicePeer) error { _, _, err := p.receive(large); return err },
		func(p *voicePeer) error { _, _, err := p.ProcessMessage([]byte(large), p.w()); return err },
		func(p *voicePeer) error { _, _, err := p.ProcessBinary([]byte(large), p.w()); return err },
	} {
		p := activeVoicePeer(t, WithVoiceMessageLimit(4096), WithVoiceBufferPool(nil))
		var tooLarge *MessageTooLargeError
		require.ErrorAs(t, process(p), &tooLarge)
		require.Equal(t, 1012, p.closedWith())
	}
}
