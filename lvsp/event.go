package lvsp

import (
	"fmt"
	"log/slog"
	"time"
)

// An Event is what a [Client] has to tell: one of [Connected], [Disconnected],
// [ChannelAssigned], [StateCreated], [StateEnded] and [Refused].
type Event interface{ event() }

type (
	// Connected says that the session runs. What the backend wants is asked for
	// without being told.
	Connected struct {
		Dialect Dialect
		Resumed bool
		Health  float64
	}

	// Disconnected says that the link is over, or that dialing failed.
	Disconnected struct {
		Code    CloseCode
		Reason  string
		RetryAt time.Time // when to dial again, zero for never: the secret is wrong, or Close was called
	}

	// ChannelAssigned says that a channel is ready.
	ChannelAssigned struct {
		Channel Channel
		Assignment
	}

	// StateCreated says that a user may connect. It comes again after the link
	// was lost. Known says that the voice server had the voice state all the
	// time: who is connected stays connected. Otherwise users need the endpoint
	// and the token, and the session id if it changed.
	StateCreated struct {
		State VoiceState
		Voice
		Known bool
	}

	// StateEnded says that the voice server gave up on a user. The client has
	// forgotten the voice state.
	StateEnded struct{ State VoiceState }

	// Refused says that the voice server did not do what was asked. A channel
	// or voice state that was to be created is forgotten, unless Err.Known.
	Refused struct{ Err *RequestError }
)

func (Connected) event()       {}
func (Disconnected) event()    {}
func (ChannelAssigned) event() {}
func (StateCreated) event()    {}
func (StateEnded) event()      {}
func (Refused) event()         {}

// Format implements [fmt.Formatter] without the token.
func (e ChannelAssigned) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "channel %+v: %v", e.Channel, e.Assignment)
}

// LogValue implements [slog.LogValuer] without the token.
func (e ChannelAssigned) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(e)) }

// Format implements [fmt.Formatter] without the token.
func (e StateCreated) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "voice state %+v: %v, known %t", e.State, e.Voice, e.Known)
}

// LogValue implements [slog.LogValuer] without the token.
func (e StateCreated) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(e)) }
