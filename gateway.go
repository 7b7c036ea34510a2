package gateway

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/internal/wire"
	"github.com/discordpkg/gateway/opcode"
)

// The websocket close codes this package sends. Only a close with 1000 or
// 1001 ends the session; any other code keeps it.
//
// https://discord.com/developers/docs/events/gateway#initiating-a-disconnect
const (
	NormalCloseCode  uint16 = 1000
	RestartCloseCode uint16 = 1012
)

// A ShardID identifies one of the shards of a bot. It is less than the shard count.
type ShardID uint

// RawMessage is raw JSON.
type RawMessage = json.RawMessage

// A Handler receives the dispatches of a shard, in order. Data is valid until
// the handler returns; copy what must live longer.
type Handler func(ShardID, event.Type, RawMessage)

// A HandlerStruct is one dispatch as a value, for queues and channels.
// Its Data must be a copy, see [GatewayPayload.Clone].
type HandlerStruct struct {
	ShardID
	Name event.Type
	Data RawMessage
}

// A GatewayPayload is one message from Discord.
//
// https://discord.com/developers/docs/events/gateway-events#payload-structure
type GatewayPayload struct {
	Op opcode.Type `json:"op"`

	// Data is JSON whatever the encoding on the wire. It aliases the buffers
	// of the state. It is nil for dispatches that are not wanted, and for
	// those that have Encoded.
	Data json.RawMessage `json:"d"`

	// Encoded is the data in the encoding of the wire, for the dispatches of
	// [WithEncodedData], and else nil. It is as valid as Data.
	Encoded []byte `json:"-"`

	// Seq is zero for messages without a sequence number.
	Seq int64 `json:"s,omitempty"`

	EventName event.Type `json:"t,omitempty"`

	// Outdated reports a dispatch whose sequence number was seen before.
	Outdated bool `json:"-"`
}

// Clone returns a copy of p that shares no memory with the state.
func (p *GatewayPayload) Clone() *GatewayPayload {
	c := *p
	c.Data = append(json.RawMessage(nil), p.Data...)
	c.Encoded = append([]byte(nil), p.Encoded...)
	return &c
}

// Decode unmarshals the data of a payload into a T of the caller's own. It is
// encoding/json, unless *T has a method DecodeJSON([]byte) error, as the events of
// the package discord have. The error names the type.
func Decode[T any](data RawMessage) (T, error) {
	var v T
	var err error
	if own, ok := any(&v).(interface{ DecodeJSON(data []byte) error }); ok {
		err = own.DecodeJSON(data)
	} else {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		return v, fmt.Errorf("gateway: decode %T: %w", v, err)
	}
	return v, nil
}

// Hello is the data of [opcode.Hello], the first message of a connection.
//
// https://discord.com/developers/docs/events/gateway-events#hello
type Hello struct {
	HeartbeatIntervalMilli int64 `json:"heartbeat_interval"` // milliseconds
}

// UnmarshalJSON reads an interval with a fraction, which is cut off, and one
// in a string, too. An interval that is negative or over an hour is an error.
func (h *Hello) UnmarshalJSON(b []byte) error {
	var p struct {
		Interval wire.Number `json:"heartbeat_interval"`
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return fmt.Errorf("gateway: decode hello: %w", err)
	}
	interval, ok := p.Interval.Duration(time.Millisecond, maxInterval)
	if !ok {
		return fmt.Errorf("gateway: decode hello: heartbeat interval of %v ms", float64(p.Interval))
	}
	h.HeartbeatIntervalMilli = interval.Milliseconds()
	return nil
}

// Ready is what the state needs of [event.Ready].
//
// https://discord.com/developers/docs/events/gateway-events#ready
type Ready struct {
	SessionID        string `json:"session_id"`
	ResumeGatewayURL string `json:"resume_gateway_url"`
}

// Identify is the data of [command.Identify]. Its string forms do not show
// the token; its JSON is what goes over the wire and does.
//
// https://discord.com/developers/docs/events/gateway-events#identify
type Identify struct {
	BotToken       string      `json:"token"`
	Properties     any         `json:"properties"`
	Compress       bool        `json:"compress,omitempty"`
	LargeThreshold uint8       `json:"large_threshold,omitempty"`
	Shard          [2]uint     `json:"shard"`
	Presence       any         `json:"presence,omitempty"`
	Intents        intent.Type `json:"intents"`
}

// Format implements [fmt.Formatter] without the token.
func (i Identify) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "identify shard %d/%d intents %d", i.Shard[0], i.Shard[1], i.Intents)
}

// LogValue implements [slog.LogValuer] without the token.
func (i Identify) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(i)) }

// Resume is the data of [command.Resume]. Its string forms do not show the token.
//
// https://discord.com/developers/docs/events/gateway-events#resume
type Resume struct {
	BotToken       string `json:"token"`
	SessionID      string `json:"session_id"`
	SequenceNumber int64  `json:"seq"`
}

// Format implements [fmt.Formatter] without the token.
func (r Resume) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "resume session %s at %d", r.SessionID, r.SequenceNumber)
}

// LogValue implements [slog.LogValuer] without the token.
func (r Resume) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// IdentifyConnectionProperties tell Discord what connects.
//
// https://discord.com/developers/docs/events/gateway-events#identify-identify-connection-properties
type IdentifyConnectionProperties struct {
	OS      string `json:"os"`
	Browser string `json:"browser"`
	Device  string `json:"device"`
}
