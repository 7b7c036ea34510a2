package lifecycle

import (
	"time"

	"github.com/discordpkg/gateway/snowflake"
)

// VoiceMoveSettle is how long a voice server that stays the same in a move may
// take to say so by doing nothing.
const VoiceMoveSettle = time.Second

// A move is one to another channel that the owner asked for.
type move struct {
	number   uint64
	from, to snowflake.ID
	connects uint64 // when it began
	told     bool
	there    bool      // Discord has the bot in the channel
	until    time.Time // the wait for what is next ends
	over     bool
	err      error
}

// Move asks the main gateway for another channel of the guild, with one
// command: there is no need to leave the one before. It returns the number of
// the move for [Voice.Moved]. For the channel that the bot is in or on its way
// to the move is over at once.
func (v *Voice) Move(now time.Time, channel snowflake.ID) uint64 {
	v.finishMove(ErrVoiceMoveOvertaken)
	v.move = move{number: v.move.number + 1, from: v.channel, to: channel, connects: v.connects}
	switch {
	case v.phase == VoiceEnded:
		v.move.over, v.move.err = true, v.err
	case channel == v.channel, channel == 0, v.phase == VoiceNew:
		v.move.over = true
		if channel != 0 {
			v.channel = channel
		}
	default:
		v.channel = channel
		v.moveCommand(now)
	}
	v.consider(now)
	return v.move.number
}

// moveCommand tells the main gateway about a move. Where the session has to ask
// the main gateway anyway, the move is the way on.
func (v *Voice) moveCommand(now time.Time) {
	switch {
	case v.phase == VoiceJoining && len(v.tell.queue) > 0:
		// The command that waits will have the new channel.
	case v.phase == VoiceBackoff && !v.rejoin, voiceTable[v.phase][VoiceInputJoin] == VoiceNew:
		v.again(now)
	default:
		v.attempt = 0
		v.ask(now, false)
	}
}

// Moved reports whether a move is over, and how: nil when the bot is in the
// channel and audio can flow there, a [*VoiceNoAnswerError] when Discord did
// not answer and the bot stayed, [ErrVoiceMoveOvertaken], or why the session
// ended or the main gateway was not told.
func (v *Voice) Moved(number uint64) (over bool, err error) {
	if number != v.move.number {
		return true, ErrVoiceMoveOvertaken
	}
	return v.move.over, v.move.err
}

func (v *Voice) moving() bool { return v.move.number > 0 && !v.move.over }

// moveTold begins the wait for the answer.
func (v *Voice) moveTold(now time.Time) {
	if !v.moving() || v.move.told {
		return
	}
	v.move.told = true
	if !v.move.there {
		v.move.until = now.Add(VoiceAnswerTime)
	}
}

// arrive looks whether a move is over.
func (v *Voice) arrive(now time.Time) {
	m := &v.move
	if !v.moving() {
		return
	}
	if !m.there && v.credentials().channel == m.to {
		m.there, m.until = true, now.Add(VoiceMoveSettle)
	}
	if m.there && v.phase == VoiceConnected && v.connects > m.connects {
		v.finishMove(nil)
	}
}

// moveTimeUp is the end of a wait: the voice server stays the same, or the bot
// stays where it is.
func (v *Voice) moveTimeUp() {
	if v.move.there {
		v.finishMove(nil)
		return
	}
	v.finishMove(&VoiceNoAnswerError{State: v.credentials().state, Server: v.credentials().server})
}

// finishMove ends a move. A bot that has not got to the channel is meant to be
// where it was before.
func (v *Voice) finishMove(err error) {
	m := &v.move
	if !v.moving() {
		return
	}
	m.over, m.err, m.until = true, err, time.Time{}
	if err != ErrVoiceMoveOvertaken {
		v.credentials().dismiss(v.tell.number)
		v.tell.answerBy = time.Time{}
	}
	if v.channel == m.to && !m.there && v.phase != VoiceEnded {
		v.channel = m.from
	}
}
