package lifecycle

import (
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
)

// A VoiceEnd is how a connection of a voice session ended.
type VoiceEnd struct {
	// Session is what the next connection goes on with, as
	// [gateway.VoiceGatewayState.Session] returns it; zero: nothing.
	Session gateway.VoiceSession

	// Err is why the connection ended, or could not be opened. It is never nil.
	Err error

	// Decision is what must follow. [VoiceDecisionAfter] returns that of the
	// close code; an owner that knows better says so.
	Decision closecode.Decision
}

// VoiceDecisionAfter returns what follows an error that ended a connection: the
// decision of a [*gateway.VoiceError], which the table of close codes has
// (see [closecode.Voice.Decision] and [gateway.WithVoiceDecision]), and
// [closecode.Resume] for everything else, such as a broken network.
func VoiceDecisionAfter(err error) closecode.Decision {
	var v *gateway.VoiceError
	if errors.As(err, &v) {
		return v.Decision
	}
	return closecode.Resume
}

// Ended takes that the connection of the last [VoiceConnect] has ended, or
// could not be opened. After a [VoiceHangUp] only that matters, and not why.
func (v *Voice) Ended(now time.Time, e VoiceEnd) {
	if !v.open {
		return
	}
	closed := v.hangUp != nil
	v.open, v.hangUp, v.hungUp = false, nil, false
	if closed || v.phase == VoiceEnded {
		return
	}
	*v.session(), v.cause = e.Session, e.Err
	if v.phase == VoiceConnected && now.Sub(v.flowsAt) >= VoiceStableTime {
		v.failures, v.resumes = 0, 0
	}
	switch e.Decision {
	case closecode.Stop:
		v.refused(now, e.Err)
	case closecode.WaitForMove:
		v.enter(VoiceInputDisconnected)
		*v.session() = gateway.VoiceSession{}
		v.until = now.Add(VoiceMoveTime)
	case closecode.NewSession, closecode.Identify:
		v.lost(now, true)
	default:
		v.resumes++
		v.lost(now, v.session().Token == "" || v.resumes >= VoiceResumeAttempts)
	}
	v.consider(now)
}

// refused acts on a connection after which no other can succeed, but for one: a
// token may be wrong because there is a newer one, as when the bot is moved
// twice in a row.
func (v *Voice) refused(now time.Time, err error) {
	var closed *gateway.VoiceError
	if errors.As(err, &closed) && closed.CloseCode == closecode.VoiceAuthenticationFailed {
		v.enter(VoiceInputTokenRefused)
		*v.session() = gateway.VoiceSession{}
		v.until = now.Add(VoiceTokenTime)
		return
	}
	v.end(err)
}

// moveUnanswered is the end of the wait for the events of a move. A bot of
// which Discord has said that it is in a channel, or that has asked for one, was
// not disconnected: the other event is missing, and the main gateway is asked.
func (v *Voice) moveUnanswered(now time.Time) {
	if v.credentials().asked || v.credentials().state {
		v.lost(now, true)
		return
	}
	v.end(fmt.Errorf("%w: %w", ErrVoiceDisconnected, v.cause))
}

// lost waits for the next attempt, or ends the session after too many.
func (v *Voice) lost(now time.Time, rejoin bool) {
	if v.failures++; v.failures > v.config.attempts {
		v.end(fmt.Errorf("%w: the last of %d attempts: %w", ErrVoiceUnreachable, v.failures, v.cause))
		return
	}
	v.enter(VoiceInputLost)
	if v.rejoin = rejoin; rejoin {
		*v.session() = gateway.VoiceSession{}
	}
	v.until = now.Add(v.config.backoff.Wait(v.failures-1, v.config.random()))
}
