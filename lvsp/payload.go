package lvsp

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Hello is the first message of a link, sent by the voice server.
type Hello struct {
	// HeartbeatInterval is in milliseconds, see [WithHelloSeconds].
	HeartbeatInterval int64    `json:"heartbeat_interval"`
	Nonce             string   `json:"nonce,omitempty"`    // absent in the seed dialect
	Dialects          []string `json:"dialects,omitempty"` // that the server speaks, an addition of this package
}

// Identify starts a session.
type Identify struct {
	Token   string `json:"token"`             // see [Sign]; the secret itself in the seed dialect
	Dialect string `json:"dialect,omitempty"` // an addition of this package
}

// Format implements [fmt.Formatter] without the token.
func (i Identify) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "lvsp identify, dialect %q", i.Dialect) }

// LogValue implements [slog.LogValuer] without the token.
func (i Identify) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(i)) }

// Resume continues the session of a link that broke. The voice server sends
// again what came after Seq, and then Ready.
type Resume struct {
	Token   string `json:"token"` // as for Identify, with the new link's nonce
	Seq     *int64 `json:"seq"`   // the last one received, null if none was
	Session string `json:"session,omitempty"`
}

// Format implements [fmt.Formatter] without the token.
func (r Resume) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "lvsp resume") }

// LogValue implements [slog.LogValuer] without the token.
func (r Resume) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// Ready says that a session runs. What follows Health are additions of this
// package.
type Ready struct {
	Health       float64 `json:"health"` // from 0, useless, to 1, idle
	Session      string  `json:"session,omitempty"`
	ResumeWindow int64   `json:"resume_window_ms,omitempty"`
	Dialect      string  `json:"dialect,omitempty"`  // where it is certain
	Received     *int64  `json:"received,omitempty"` // how many requests of the session arrived, in the extended dialect
}

// Heartbeat is the sign of life of a backend. Seq is the last sequence number
// it received, absent in the final dialect.
type Heartbeat struct {
	Seq *int64 `json:"s,omitempty"`
}

// HeartbeatACK answers a heartbeat. Seq is the one of the heartbeat.
type HeartbeatACK struct {
	Seq      *int64  `json:"s,omitempty"`
	Health   float64 `json:"health"`             // as in Ready
	Received *int64  `json:"received,omitempty"` // as in Ready
}

// encode returns the JSON of one of the structs above, all of which have one.
func encode(payload any) []byte {
	b, _ := json.Marshal(payload)
	return b
}

// clampHealth makes a health of any number.
func clampHealth(h float64) float64 {
	if !(h > 0) { // NaN too
		return 0
	}
	return min(h, 1)
}
