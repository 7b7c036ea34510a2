package lifecycle

import (
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
)

// A VoiceAction is what a [VoiceDecision] is about.
type VoiceAction uint8

// What a voice session asks of its owner.
const (
	VoiceWait    VoiceAction = iota // for Until, then call HandleTimeout; zero: for an input
	VoiceTell                       // the main gateway: send Command, then call Told
	VoiceConnect                    // to the voice server with Session; call Audio and, at the end, Ended
	VoiceHangUp                     // close the connection with 1000, Err says why; then call Ended
	VoiceStop                       // nothing follows, Err says why
)

func (d VoiceAction) String() string {
	if d > VoiceStop {
		return "unknown"
	}
	return [...]string{"wait", "tell", "connect", "hang up", "stop"}[d]
}

// A VoiceDecision is what to do next.
type VoiceDecision struct {
	Do      VoiceAction
	Until   time.Time            // of VoiceWait
	Command command.VoiceState   // of VoiceTell; channel zero: leave
	Session gateway.VoiceSession // of VoiceConnect; it resumes if it is resumable
	Err     error                // of VoiceHangUp and VoiceStop
}

// Next returns what to do next, once: the owner carries it out, or has begun
// to, before it calls Next again. At the end of its decisions it says
// [VoiceWait]; after the last one it goes on to say [VoiceStop]. Commands are
// asked for one at a time, and so are connections.
func (v *Voice) Next() VoiceDecision {
	switch {
	case v.hangUp != nil && !v.hungUp:
		v.hungUp = true
		return VoiceDecision{Do: VoiceHangUp, Err: v.hangUp}
	case v.phase == VoiceEnded:
		return v.farewell()
	case v.tell.next():
		return VoiceDecision{Do: VoiceTell, Command: v.command()}
	case !v.open && (v.phase == VoiceConnecting || v.phase == VoiceResuming):
		v.open = true
		return VoiceDecision{Do: VoiceConnect, Session: *v.session()}
	}
	return VoiceDecision{Do: VoiceWait, Until: v.NextDeadline()}
}

// farewell tells the main gateway that the bot leaves, if it was told anything
// and does not know. That comes last: a command behind it would leave the bot
// in a channel.
func (v *Voice) farewell() VoiceDecision {
	switch {
	case v.open, v.tell.busy:
		return VoiceDecision{Do: VoiceWait}
	case v.knownTold && !v.removed:
		v.knownTold = false
		v.tell.busy, v.tell.leaving = true, true
		return VoiceDecision{Do: VoiceTell, Command: v.command()}
	}
	return VoiceDecision{Do: VoiceStop, Err: v.err}
}
