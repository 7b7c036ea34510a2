package voiceshard

import (
	"errors"

	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/lifecycle"
)

var (
	// ErrClosed reports a call to a [Voice] after [Voice.Close].
	ErrClosed = errors.New("voiceshard: closed")

	// ErrLeft is the end of a session after [Session.Leave].
	ErrLeft = errors.New("voiceshard: left the channel")

	// ErrDisconnected is the end of a session that Discord ended: a user
	// disconnected the bot from the channel, or the channel is gone.
	ErrDisconnected = lifecycle.ErrVoiceDisconnected

	// ErrUnreachable is the end of a session that could not be continued after
	// many attempts, see [WithAttempts]. It wraps the last error.
	ErrUnreachable = lifecycle.ErrVoiceUnreachable

	// ErrNoServer is the end of a session for which Discord found no voice
	// server within a minute.
	ErrNoServer = lifecycle.ErrNoVoiceServer

	// ErrNotConnected reports audio for a session that has no voice server at the
	// moment, because it moves or reconnects. [Session.Ready] waits for the end of
	// that.
	ErrNotConnected = errors.New("voiceshard: audio cannot flow at the moment")

	// ErrPlaying reports audio for a session while a player is sending.
	ErrPlaying = errors.New("voiceshard: a player is sending already, stop or pause it first")

	// ErrFrame reports audio that is not an Opus packet, or one with a frame that
	// is too large for a datagram, see [WithMaxDatagram].
	ErrFrame = errors.New("voiceshard: not an Opus packet")

	// ErrUnknownUser is why a packet is undecryptable that is encrypted end to
	// end by nobody knows whom: the voice server has not said whose SSRC it has.
	ErrUnknownUser = errors.New("voiceshard: the SSRC of the packet belongs to nobody known")

	// ErrAnswerTooLarge reports a voice server whose answer to the websocket
	// handshake has more than 16 KiB or 128 lines before its end.
	ErrAnswerTooLarge = frame.ErrAnswerTooLarge
)

var (
	errWornOut   = errors.New("voiceshard: the key has no nonces left")
	errNoDial    = errors.New("no function to dial with")
	errNoGateway = errors.New("voiceshard: no gateway")
	errNoUser    = errors.New("voiceshard: the id of the bot is not known, give it to New or READY to HandleEvent")
	errUntold    = errors.New("voiceshard: the main gateway does not take the command")
	errHandshake = errors.New("voiceshard: voice server does not finish the handshake")
	errMedia     = errors.New("voiceshard: UDP does not work, check the firewall")
)

// A NoAnswerError reports that Discord did not answer a command to join with
// both events within ten seconds. Its text says what to look at.
type NoAnswerError = lifecycle.VoiceNoAnswerError
