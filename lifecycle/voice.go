package lifecycle

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/snowflake"
)

// The limits of a voice session.
const (
	// VoiceAnswerTime is how long Discord may take to answer a command with a
	// voice server. After half of it the session leaves the channel and joins it
	// again: after a crash of the process the bot may still be there, and Discord
	// names no server to a bot that is where it wants to be.
	VoiceAnswerTime = 10 * time.Second

	// VoiceMoveTime is how long the events of a move may take to follow the close
	// code 4014 or 4022.
	VoiceMoveTime = 10 * time.Second

	// VoiceServerTime is how long Discord may take to find a voice server after
	// it said that there is none.
	VoiceServerTime = time.Minute

	// VoiceTokenTime is how long the events may take that explain why a token has
	// become wrong.
	VoiceTokenTime = time.Second

	// VoiceStableTime is how long audio must have flowed for a connection to end
	// the count of failures.
	VoiceStableTime = 10 * time.Second

	// VoiceResumeAttempts is how often in a row a session is tried to be resumed
	// before the main gateway is asked for a new one.
	VoiceResumeAttempts = 3
)

// A Voice is the life of one voice session: the membership of a bot in the
// voice channels of a guild, from joining over connections, moves and changes
// of servers to its end. It decides, and does nothing: the owner tells it what
// happened, with the time, and then carries out what [Voice.Next] says until
// that is [VoiceWait].
//
// It is not safe for concurrent use. Times given to it must not go backwards.
type Voice struct {
	config voiceConfig

	guild, user snowflake.ID
	channel     snowflake.ID // where the bot is meant to be
	mute, deaf  bool

	phase   VoicePhase
	until   time.Time // the phase ends, zero: only an input ends it
	err     error     // why the session ended
	cause   error     // why the last connection ended
	attempt int       // of the phase VoiceJoining, from 0

	credentials func() *credentials          // functions, so that no string form shows what they return
	session     func() *gateway.VoiceSession // to connect with
	tell        commands
	move        move
	open        bool  // a connection was asked for, and has not ended
	hangUp      error // why the open connection must be closed, nil: it need not
	hungUp      bool  // that was said

	connects  uint64    // how often audio became able to flow
	flowsAt   time.Time // since when it does, of the phase VoiceConnected
	failures  int       // in a row, since audio flowed for a while
	resumes   int       // in a row that failed, since the session was new or resumed
	rejoin    bool      // the phase VoiceBackoff ends by asking the main gateway
	knownTold bool      // the main gateway has taken a command to join
	removed   bool      // the main gateway has said that the bot is in no channel
	leaveErr  error
}

// NewVoice returns a voice session that has not begun, for a bot (user) and the
// channel of a guild that it is to join, see [Voice.Join]. Events that come
// before Join are about an earlier membership and change nothing.
func NewVoice(guild, channel, user snowflake.ID, options ...VoiceOption) (*Voice, error) {
	if guild == 0 || channel == 0 || user == 0 {
		return nil, errNoChannel
	}
	v := &Voice{guild: guild, channel: channel, user: user, credentials: held(new(credentials)), session: held(new(gateway.VoiceSession)), config: voiceConfig{
		backoff: Backoff{Min: defaultVoiceBackoffMin, Max: defaultVoiceBackoffMax}, attempts: 10, random: rand.Float64,
	}}
	for _, o := range options {
		if err := o(v); err != nil {
			return nil, fmt.Errorf("lifecycle: voice: %w", err)
		}
	}
	if v.session().Token == "" {
		v.credentials().asked = true
	}
	return v, nil
}

// SetSelf sets whether the bot is shown as muted and as deaf by the next
// commands. It asks for no command by itself.
func (v *Voice) SetSelf(mute, deaf bool) { v.mute, v.deaf = mute, deaf }

// State returns the command that tells Discord where the bot is meant to be.
func (v *Voice) State() command.VoiceState {
	return command.VoiceState{GuildID: v.guild, ChannelID: v.channel, SelfMute: v.mute, SelfDeaf: v.deaf}
}

// Guild returns the id of the guild.
func (v *Voice) Guild() snowflake.ID { return v.guild }

// Channel returns the id of the channel that the bot is in, or on its way to.
func (v *Voice) Channel() snowflake.ID { return v.channel }

// Phase returns what the session is at.
func (v *Voice) Phase() VoicePhase { return v.phase }

// Err returns why the session ended, nil while it has not.
func (v *Voice) Err() error { return v.err }

// LeaveErr returns why the main gateway could not be told that the bot leaves,
// nil if it was told or needed not be.
func (v *Voice) LeaveErr() error { return v.leaveErr }

// Connects returns how often audio became able to flow.
func (v *Voice) Connects() uint64 { return v.connects }

// Failures returns the connections and commands in a row that failed, since
// audio flowed for [VoiceStableTime].
func (v *Voice) Failures() int { return v.failures }

// Rejoins reports whether the next attempt asks the main gateway for a new
// session, rather than connecting with the one that there is.
func (v *Voice) Rejoins() bool { return v.rejoin }

// Resumable reports whether the voice server knows the session that the next
// connection has. Then audio may go on flowing while there is no connection.
func (v *Voice) Resumable() bool { return v.session().Resumable }

// Join begins the session: the main gateway is asked for the channel, unless
// the session has a checkpoint of another process, see [WithVoiceCheckpoint].
func (v *Voice) Join(now time.Time) {
	if v.phase != VoiceNew {
		return
	}
	if v.session().Token == "" {
		v.ask(now, false)
		return
	}
	v.connectAgain(now)
}

// ask asks the main gateway for the channel.
func (v *Voice) ask(now time.Time, leave bool) {
	if v.phase != VoiceJoining {
		v.attempt = 0
	}
	if !v.enter(VoiceInputJoin) {
		return
	}
	*v.session(), v.rejoin, v.removed = gateway.VoiceSession{}, false, false
	v.credentials().ask(now, leave)
	v.tell.join(leave)
}

// Leave ends the session, for a reason. The main gateway is told, unless it
// knows.
func (v *Voice) Leave(reason error) { v.end(reason) }

// end ends the session, for the first reason that is given.
func (v *Voice) end(reason error) {
	if !v.enter(VoiceInputEnd) {
		return
	}
	v.err = reason
	v.finishMove(reason)
	*v.session(), v.tell.queue = gateway.VoiceSession{}, nil
	if v.open {
		v.close(reason)
	}
}

// close asks for the end of the open connection.
func (v *Voice) close(why error) {
	if v.open && v.hangUp == nil {
		v.hangUp = why
	}
}

// enter changes the phase as the table says, and is its only writer. It
// reports whether the table has a row.
func (v *Voice) enter(input VoiceInput) bool {
	to := voiceTable[v.phase][input]
	if to == VoiceNew {
		return false
	}
	v.phase, v.until = to, time.Time{}
	return true
}

// HandleState takes a VOICE_STATE_UPDATE about the bot in the guild.
func (v *Voice) HandleState(now time.Time, s VoiceState) {
	asked := v.credentials().asked
	v.removed = v.credentials().handleState(now, s)
	switch {
	case v.phase == VoiceEnded, v.phase == VoiceNew:
		return
	case v.removed:
		v.end(ErrVoiceDisconnected)
		return
	case s.ChannelID != 0 && !asked:
		v.channel = s.ChannelID // moved by a user
	}
	v.consider(now)
}

// HandleServer takes a VOICE_SERVER_UPDATE of the guild.
func (v *Voice) HandleServer(now time.Time, s VoiceServer) {
	v.credentials().handleServer(now, s, v.open)
	v.consider(now)
}

// consider acts on what the main gateway has said.
func (v *Voice) consider(now time.Time) {
	if v.phase == VoiceNew || v.phase == VoiceEnded || len(v.tell.queue) > 0 {
		return
	}
	v.arrive(now)
	complete, _ := v.credentials().complete(now)
	switch {
	case complete && v.enter(VoiceInputCredentials):
		v.credentials().take()
		c := v.credentials()
		v.channel, v.resumes, v.rejoin = c.channel, 0, false
		*v.session() = gateway.VoiceSession{
			ServerID: v.guild, UserID: v.user, SessionID: c.sessionID, Token: c.token, Endpoint: c.endpoint, SeqAck: -1,
		}
		v.close(errNewCredentials)
	case v.credentials().noServer() && v.phase != VoiceAwaitServer && v.enter(VoiceInputNoServer):
		v.until = now.Add(VoiceServerTime)
		*v.session() = gateway.VoiceSession{}
		v.close(errServerGone)
	}
}

// HandleGateway takes a READY of the main gateway whose guilds hold that of the
// session: a new session of the main gateway is in no voice channel, so it is
// told where the bot is. The old connection stays until Discord has named
// another server.
func (v *Voice) HandleGateway(now time.Time) {
	if v.phase == VoiceNew || v.phase == VoiceJoining || v.phase == VoiceEnded {
		return
	}
	v.again(now)
}

// again asks for the channel without ending what there is.
func (v *Voice) again(now time.Time) uint64 {
	v.tell.number = v.credentials().ask(now, false)
	v.tell.answerBy = time.Time{}
	v.tell.join(false)
	return v.tell.number
}

// Audio takes that audio flows: a session description came, or a session was
// resumed that had one.
func (v *Voice) Audio(now time.Time) {
	if !v.open || v.hangUp != nil || v.phase == VoiceConnected || !v.enter(VoiceInputAudio) {
		return
	}
	v.connects++
	v.flowsAt, v.resumes = now, 0
	v.arrive(now)
}

// NextDeadline returns when HandleTimeout has something to do, zero for never.
func (v *Voice) NextDeadline() time.Time {
	if v.phase == VoiceNew || v.phase == VoiceEnded {
		return time.Time{}
	}
	next := deadline.Earliest(v.until, v.move.until, v.tell.answerBy)
	if _, at := v.credentials().complete(v.credentials().serverAt); len(v.tell.queue) == 0 {
		next = deadline.Earliest(next, at)
	}
	return next
}

// HandleTimeout does what is due. A call before [Voice.NextDeadline] changes
// nothing.
func (v *Voice) HandleTimeout(now time.Time) {
	v.consider(now)
	if deadline.Due(v.tell.answerBy, now) {
		v.tell.answerBy = time.Time{}
		v.credentials().dismiss(v.tell.number)
	}
	if deadline.Due(v.move.until, now) {
		v.moveTimeUp()
	}
	if deadline.Due(v.until, now) {
		v.until = time.Time{}
		v.timeUp(now)
	}
	v.consider(now) // a wait that has ended may have been what a lone event waited for
}

// timeUp is the end of a phase that took its time.
func (v *Voice) timeUp(now time.Time) {
	switch v.phase {
	case VoiceJoining:
		if v.attempt++; v.attempt < 2 {
			v.ask(now, true)
			return
		}
		v.unanswered(now, &VoiceNoAnswerError{State: v.credentials().state, Server: v.credentials().server})
	case VoiceBackoff:
		v.connectAgain(now)
	case VoiceTokenRefused:
		if v.connects == 0 {
			v.end(v.cause)
			return
		}
		v.lost(now, true)
	case VoiceAwaitMove:
		v.moveUnanswered(now)
	case VoiceAwaitServer:
		v.end(ErrNoVoiceServer)
	}
}

// connectAgain ends the wait for the next attempt.
func (v *Voice) connectAgain(now time.Time) {
	switch {
	case v.rejoin:
		// Discord names no server to a bot that is where it wants to be.
		v.ask(now, v.credentials().channel == v.channel)
	case v.session().Resumable:
		v.enter(VoiceInputResume)
	default:
		v.enter(VoiceInputConnect)
	}
}

// String returns a short description without secrets.
func (v *Voice) String() string {
	return fmt.Sprintf("voice session in channel %d of guild %d, %v", v.channel, v.guild, v.phase)
}

// Format implements [fmt.Formatter] with what String returns.
func (v *Voice) Format(f fmt.State, _ rune) { fmt.Fprint(f, v.String()) }

// held returns a function that returns p.
func held[T any](p *T) func() *T { return func() *T { return p } }
