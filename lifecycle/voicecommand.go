package lifecycle

import (
	"time"

	"github.com/discordpkg/gateway/command"
)

// commands are those to the main gateway.
type commands struct {
	queue    []bool    // not asked for yet; true: leave, false: join
	busy     bool      // one is under way
	leaving  bool      // which is to leave
	number   uint64    // of the last one that asked for the channel again, see Voice.again
	answerBy time.Time // when its answer is not waited for any more, zero: not waiting
}

// join queues a command for the channel, behind one to leave if need be. What
// was queued before has become pointless.
func (c *commands) join(leave bool) {
	c.queue = c.queue[:0]
	if leave {
		c.queue = append(c.queue, true)
	}
	c.queue = append(c.queue, false)
}

// next begins the next command, and reports whether there is one.
func (c *commands) next() bool {
	if c.busy || len(c.queue) == 0 {
		return false
	}
	c.busy, c.leaving = true, c.queue[0]
	c.queue = append(c.queue[:0], c.queue[1:]...)
	return true
}

// command returns the one that is under way.
func (v *Voice) command() command.VoiceState {
	state := v.State()
	if v.tell.leaving {
		state.ChannelID = 0
	}
	return state
}

// Told takes that the main gateway was sent the command of the last
// [VoiceTell], or why it was not.
func (v *Voice) Told(now time.Time, err error) {
	if !v.tell.busy {
		return
	}
	v.tell.busy = false
	switch {
	case v.phase == VoiceEnded:
		if v.tell.leaving {
			v.leaveErr = err
		} else if err == nil {
			v.knownTold = true
		}
	case err != nil:
		v.untold(now, err)
	default:
		v.knownTold = v.knownTold || !v.tell.leaving
		if len(v.tell.queue) == 0 {
			v.told(now)
		}
	}
}

// told begins the wait for an answer.
func (v *Voice) told(now time.Time) {
	if v.phase == VoiceJoining {
		v.until = now.Add(VoiceAnswerTime / 2)
	} else if v.credentials().asked && v.tell.number == v.credentials().commands {
		v.tell.answerBy = now.Add(VoiceAnswerTime)
	}
	v.moveTold(now)
	v.consider(now)
}

// untold is a command that the main gateway did not take. For the first one
// that is the end.
func (v *Voice) untold(now time.Time, err error) {
	v.tell.queue = v.tell.queue[:0]
	v.finishMove(err)
	v.credentials().asked = false // nothing was asked
	if v.phase == VoiceJoining {
		v.unanswered(now, err)
	}
	v.consider(now)
}

// unanswered is the end of an attempt to join. A session that has been
// connected makes another one later.
func (v *Voice) unanswered(now time.Time, err error) {
	if v.connects == 0 {
		v.end(err)
		return
	}
	v.cause = err
	v.lost(now, true)
}
