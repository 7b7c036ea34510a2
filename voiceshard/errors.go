package voiceshard

import (
	"errors"
	"strings"

	"github.com/discordpkg/gateway/internal/frame"
)

var (
	// ErrClosed reports a call to a [Voice] after [Voice.Close].
	ErrClosed = errors.New("voiceshard: closed")

	// ErrLeft is the end of a session after [Session.Leave].
	ErrLeft = errors.New("voiceshard: left the channel")

	// ErrDisconnected is the end of a session that somebody else ended: the bot
	// was disconnected from the channel, or the channel is gone. It wraps the
	// [*gateway.VoiceError] if the voice server said so.
	ErrDisconnected = errors.New("voiceshard: disconnected from the channel by discord")

	// ErrUnreachable is the end of a session that could not be continued after
	// many attempts, see [WithBackoff]. It wraps the last error.
	ErrUnreachable = errors.New("voiceshard: gave up connecting")

	// ErrNoServer is the end of a session for which Discord found no voice
	// server within a minute.
	ErrNoServer = errors.New("voiceshard: discord has no voice server for the channel, try again later or change its region")

	// ErrNotConnected reports audio for a session that has no voice server at the
	// moment, because it moves or reconnects. [Session.Ready] waits for the end of
	// that.
	ErrNotConnected = errors.New("voiceshard: audio cannot flow at the moment")

	// ErrPlaying reports audio for a session while a player is sending.
	ErrPlaying = errors.New("voiceshard: a player is sending already, stop or pause it first")

	// ErrFrame reports audio that is not one Opus packet of at most [MaxFrame] bytes.
	ErrFrame = errors.New("voiceshard: not an Opus packet")

	// ErrUnknownUser is why a packet is undecryptable that is encrypted end to
	// end by nobody knows whom: the voice server has not said whose SSRC it has.
	ErrUnknownUser = errors.New("voiceshard: the SSRC of the packet belongs to nobody known")

	// ErrAnswerTooLarge reports a voice server whose answer to the websocket
	// handshake has more than 16 KiB or 128 lines before its end.
	ErrAnswerTooLarge = frame.ErrAnswerTooLarge
)

var (
	errIntroduced  = errors.New("voiceshard: the main gateway names another voice server")
	errUnallocated = errors.New("voiceshard: the voice server has gone away")
	errWornOut     = errors.New("voiceshard: the key has no nonces left")
	errNoUser      = errors.New("voiceshard: the id of the bot is not known, give it to New or READY to HandleEvent")
	errUntold      = errors.New("voiceshard: the main gateway does not take the command")
	errHandshake   = errors.New("voiceshard: voice server does not finish the handshake")
	errMedia       = errors.New("voiceshard: UDP does not work, check the firewall")
)

// A NoAnswerError reports that Discord did not introduce a voice server within
// ten seconds. Its text says what to look at.
type NoAnswerError struct {
	State  bool // VOICE_STATE_UPDATE arrived
	Server bool // VOICE_SERVER_UPDATE arrived
}

func (e *NoAnswerError) Error() string {
	var b strings.Builder
	b.WriteString("voiceshard: discord did not answer in time: ")
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
