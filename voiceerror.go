package gateway

import (
	"errors"
	"fmt"

	"github.com/discordpkg/gateway/closecode"
)

var (
	// ErrVoiceMode reports an encryption mode that the voice server did not
	// offer. It would close with 4016.
	ErrVoiceMode = errors.New("gateway: encryption mode is not one that the voice server offers")

	// ErrVoiceEndpoint reports an endpoint that is not a host with an optional
	// port. It is empty, null for Discord, while there is no voice server: the
	// next VOICE_SERVER_UPDATE brings another one.
	//
	// https://discord.com/developers/docs/events/gateway-events#voice-server-update
	ErrVoiceEndpoint = errors.New("gateway: invalid voice endpoint")
)

// A VoiceError is a voice connection that ended, and why: a close code of the
// server, or Err.
type VoiceError struct {
	CloseCode closecode.Voice // zero if it was not the server that closed
	Reason    string          // that the server gave with the close code

	// Decision is what to do next: that of [closecode.Voice.Decision], unless
	// [WithVoiceDecision] says otherwise.
	Decision closecode.Decision

	Err error // why we ended the connection ourselves, such as [ErrZombie]
}

// Error says what ended the connection, and what to change if that is final.
// Of a nil error it says that the voice server gave no reason.
func (e *VoiceError) Error() string {
	if e == nil {
		return "gateway: voice connection lost, the voice server gave no reason"
	}
	s := "gateway: voice connection ended by us"
	if e.CloseCode != 0 {
		s = fmt.Sprintf("gateway: voice connection closed with %d (%v)", e.CloseCode, e.CloseCode)
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if hint := e.Hint(); hint != "" {
		s += "; " + hint
	}
	return s
}

// Unwrap returns Err.
func (e *VoiceError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// Hint says in one sentence what to change before a connection can succeed,
// empty if there is nothing to change.
func (e *VoiceError) Hint() string {
	hint := e.CloseCode.Hint()
	if e.CloseCode == closecode.VoiceE2EERequired {
		hint += ", see WithE2EE"
	}
	return hint
}

// CanReconnect reports whether to connect again without being told: with the
// old session ([VoiceError.CanResume]), or with one that the main gateway is
// asked for. It is false for [closecode.WaitForMove]: then only fresh voice
// state and server updates, which follow within seconds or not at all, are a
// reason to connect.
func (e *VoiceError) CanReconnect() bool {
	return e.Decision == closecode.Resume || e.Decision == closecode.NewSession
}

// CanResume reports whether the session outlives the connection.
func (e *VoiceError) CanResume() bool { return e.Decision == closecode.Resume }
