package lifecycle

import (
	"errors"
	"strings"
)

var (
	// ErrVoiceDisconnected is the end of a voice session that was not the wish of
	// its owner: a user disconnected the bot from the channel, or the channel is
	// gone. It wraps the [*gateway.VoiceError] if the voice server said so.
	ErrVoiceDisconnected = errors.New("lifecycle: disconnected from the channel by discord")

	// ErrVoiceUnreachable is the end of a voice session after too many failures
	// in a row, see [WithVoiceAttempts]. It wraps the last error.
	ErrVoiceUnreachable = errors.New("lifecycle: too many failed voice connections")

	// ErrNoVoiceServer is the end of a voice session for which Discord found no
	// voice server within [VoiceServerTime].
	ErrNoVoiceServer = errors.New("lifecycle: discord has no voice server for the channel, try again later or change its region")

	// ErrVoiceMoveOvertaken is the end of a move that another one has followed
	// before Discord answered, see [Voice.Moved].
	ErrVoiceMoveOvertaken = errors.New("lifecycle: another move followed this one")

	errNewCredentials = errors.New("lifecycle: the main gateway names another voice server")
	errServerGone     = errors.New("lifecycle: discord has taken the voice server away")
	errNoChannel      = errors.New("lifecycle: a voice session needs a guild, a channel and a user")
)

// A VoiceNoAnswerError reports that Discord did not answer a command to join
// with both events within [VoiceAnswerTime]. Its text says what to look at.
type VoiceNoAnswerError struct {
	State  bool // VOICE_STATE_UPDATE arrived
	Server bool // VOICE_SERVER_UPDATE arrived
}

func (e *VoiceNoAnswerError) Error() string {
	var b strings.Builder
	b.WriteString("lifecycle: discord did not answer in time: ")
	switch {
	case !e.State && !e.Server:
		b.WriteString("may the bot view and connect to the channel, is the channel full, and does HandleEvent get VOICE_STATE_UPDATE (intent GUILD_VOICE_STATES) and VOICE_SERVER_UPDATE?")
	case !e.State:
		b.WriteString("VOICE_SERVER_UPDATE came without VOICE_STATE_UPDATE: is the intent GUILD_VOICE_STATES set, and does HandleEvent get the event?")
	default:
		b.WriteString("VOICE_STATE_UPDATE came without VOICE_SERVER_UPDATE: does HandleEvent get that event?")
	}
	return b.String()
}
