package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"

	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// A VoiceMessage is one message of the voice gateway, in either direction.
type VoiceMessage struct {
	Op opcode.Voice

	// Data is JSON, or what follows the opcode of a binary message, see
	// [opcode.Voice.Binary]. Of a message that was received it aliases the
	// buffers of the state.
	Data []byte

	// Seq is the number of a message that was received, -1 for none. Zero is
	// a number. Of a message to send it is ignored.
	Seq int

	// Outdated reports a message of a replay that was received before.
	Outdated bool
}

// Clone returns a copy of m that shares no memory with the state.
func (m *VoiceMessage) Clone() *VoiceMessage {
	c := *m
	c.Data = append([]byte(nil), m.Data...)
	return &c
}

// VoiceHello is the data of [opcode.VoiceHello].
//
// https://discord.com/developers/docs/topics/voice-connections#heartbeating-example-hello-payload
type VoiceHello struct {
	Version                int     `json:"v,omitempty"`
	HeartbeatIntervalMilli float64 `json:"heartbeat_interval"` // milliseconds, may have a fraction
}

// VoiceIdentify is the data of [opcode.VoiceIdentify]. Its string forms do
// not show the token; its JSON is what goes over the wire and does.
//
// https://discord.com/developers/docs/topics/voice-connections#establishing-a-voice-websocket-connection-example-voice-identify-payload
type VoiceIdentify struct {
	ServerID               snowflake.ID `json:"server_id"` // the guild, or the channel of a direct message
	UserID                 snowflake.ID `json:"user_id"`
	SessionID              string       `json:"session_id"`
	Token                  string       `json:"token"`
	MaxDAVEProtocolVersion uint16       `json:"max_dave_protocol_version"` // zero: no end-to-end encryption
}

// Format implements [fmt.Formatter] without the token.
func (i VoiceIdentify) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "voice identify user %d on server %d session %q", i.UserID, i.ServerID, i.SessionID)
}

// LogValue implements [slog.LogValuer] without the token.
func (i VoiceIdentify) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(i)) }

// VoiceResume is the data of [opcode.VoiceResume]. Its string forms do not
// show the token.
//
// https://discord.com/developers/docs/topics/voice-connections#resuming-voice-connection
type VoiceResume struct {
	ServerID  snowflake.ID `json:"server_id"`
	SessionID string       `json:"session_id"`
	Token     string       `json:"token"`
	SeqAck    int          `json:"seq_ack"` // the last number received, -1 for none
}

// Format implements [fmt.Formatter] without the token.
func (r VoiceResume) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "voice resume on server %d session %q at %d", r.ServerID, r.SessionID, r.SeqAck)
}

// LogValue implements [slog.LogValuer] without the token.
func (r VoiceResume) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// UnmarshalJSON takes an absent seq_ack for -1, as Discord does.
func (r *VoiceResume) UnmarshalJSON(b []byte) error {
	type plain VoiceResume
	p := plain{SeqAck: -1}
	err := json.Unmarshal(b, &p)
	*r = VoiceResume(p)
	return err
}

// VoiceReady is the data of [opcode.VoiceReady]: where audio goes.
//
// https://discord.com/developers/docs/topics/voice-connections#establishing-a-voice-websocket-connection-example-voice-ready-payload
type VoiceReady struct {
	SSRC  uint32   `json:"ssrc"` // of the audio this client sends
	IP    string   `json:"ip"`   // of the UDP endpoint
	Port  uint16   `json:"port"`
	Modes []string `json:"modes"` // encryption modes to choose from
}

// VoiceHeartbeat is the data of [opcode.VoiceHeartbeat].
//
// https://discord.com/developers/docs/topics/voice-connections#heartbeating-example-heartbeat-payload-since-v8
type VoiceHeartbeat struct {
	Nonce  int64 `json:"t"`
	SeqAck int   `json:"seq_ack"` // the last number received, -1 for none
}

// UnmarshalJSON takes an absent seq_ack for -1, as Discord does.
func (h *VoiceHeartbeat) UnmarshalJSON(b []byte) error {
	type plain VoiceHeartbeat
	p := plain{SeqAck: -1}
	err := json.Unmarshal(b, &p)
	*h = VoiceHeartbeat(p)
	return err
}

// VoiceHeartbeatACK is the data of [opcode.VoiceHeartbeatACK]: the nonce of
// the heartbeat that it answers.
//
// https://discord.com/developers/docs/topics/voice-connections#heartbeating-example-heartbeat-ack-payload-since-v8
type VoiceHeartbeatACK struct {
	Nonce int64 `json:"t"`
}

// VoiceSelectProtocol is the data of [opcode.VoiceSelectProtocol].
//
// https://discord.com/developers/docs/topics/voice-connections#establishing-a-voice-udp-connection-example-select-protocol-payload
type VoiceSelectProtocol struct {
	Protocol string            `json:"protocol"` // "udp"
	Data     VoiceProtocolData `json:"data"`
}

// VoiceProtocolData is where the client's audio comes from, as seen from
// outside, and how it is encrypted.
type VoiceProtocolData struct {
	Address string `json:"address"`
	Port    uint16 `json:"port"`
	Mode    string `json:"mode"`
}

// VoiceSessionDescription is the data of [opcode.VoiceSessionDescription].
// Its string forms do not show the key.
//
// https://discord.com/developers/docs/topics/voice-connections#transport-encryption-modes-example-session-description-payload
type VoiceSessionDescription struct {
	Mode                string   `json:"mode"`
	SecretKey           VoiceKey `json:"secret_key"`
	DAVEProtocolVersion uint16   `json:"dave_protocol_version"` // zero: no end-to-end encryption
}

// Format implements [fmt.Formatter] without the key.
func (d VoiceSessionDescription) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "voice session description mode %q dave %d", d.Mode, d.DAVEProtocolVersion)
}

// LogValue implements [slog.LogValuer] without the key.
func (d VoiceSessionDescription) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(d)) }

// A VoiceKey is the key of the transport encryption. Its string forms do not
// show it; its JSON, an array of 32 numbers, does.
type VoiceKey [32]byte

// Format implements [fmt.Formatter] without the key.
func (k VoiceKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "voice key") }

// LogValue implements [slog.LogValuer] without the key.
func (k VoiceKey) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(k)) }

var errVoiceKey = errors.New("secret key is not a list of 32 bytes")

// UnmarshalJSON accepts exactly 32 bytes. Its error does not quote them.
func (k *VoiceKey) UnmarshalJSON(b []byte) error {
	var numbers []uint16 // of bytes, encoding/json would want base64
	if err := json.Unmarshal(b, &numbers); err != nil || len(numbers) != len(k) {
		return errVoiceKey
	}
	var key VoiceKey
	for i, n := range numbers {
		if n > math.MaxUint8 {
			return errVoiceKey
		}
		key[i] = byte(n)
	}
	*k = key
	return nil
}

// SpeakingFlags say how a user speaks. Zero is silence.
//
// https://discord.com/developers/docs/topics/voice-connections#speaking
type SpeakingFlags uint32

// The documented flags.
const (
	SpeakingMicrophone SpeakingFlags = 1 << iota // voice
	SpeakingSoundshare                           // the sound of a video, without an indicator
	SpeakingPriority                             // others become quieter
)

// VoiceSpeaking is the data of [opcode.VoiceSpeaking], in either direction.
//
// https://discord.com/developers/docs/topics/voice-connections#speaking-example-speaking-payload
type VoiceSpeaking struct {
	Speaking SpeakingFlags `json:"speaking"`
	Delay    int           `json:"delay"` // zero for bots
	SSRC     uint32        `json:"ssrc"`
	UserID   snowflake.ID  `json:"user_id,omitzero"` // who it is, in messages from the server
}

// VoiceClientsConnect is the data of [opcode.VoiceClientsConnect]: who joined
// the channel, or was there before.
type VoiceClientsConnect struct {
	UserIDs []snowflake.ID `json:"user_ids"`
}

// VoiceClientDisconnect is the data of [opcode.VoiceClientDisconnect]: who
// left the channel.
type VoiceClientDisconnect struct {
	UserID snowflake.ID `json:"user_id"`
}
