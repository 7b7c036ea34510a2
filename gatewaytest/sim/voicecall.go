package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// voiceHandshake is how long a connection may take until audio flows.
const voiceHandshake = 15 * time.Second

var (
	errVoiceAway   = errors.New("sim: the main gateway is not connected")
	errVoiceSlow   = errors.New("sim: no audio in time")
	errVoiceParted = errors.New("sim: the run is over")
)

// A voiceCall is a client from when it joins until it stops: one session after
// another, one connection after another, as [lifecycle.Voice] decides.
type voiceCall struct {
	m     *voiceSimulation
	u     *voiceUser
	life  *lifecycle.Voice
	alarm voiceAlarm
	over  bool
	by    time.Time // audio must flow, zero: it does, or there is no connection

	token   string // of the last session
	link    *voiceLink
	media   *voiceMedia
	lastSeq int // of the session, -1 for none
	others  voiceOthers
	e2ee    *dave.Session // of the session, nil: none
	channel snowflake.ID  // that it is for
}

// newCall makes a call that has not begun.
func (u *voiceUser) newCall() *voiceCall {
	life, err := lifecycle.NewVoice(u.guild.id, u.home, u.id, lifecycle.WithVoiceRandom(u.m.rng.Float64))
	if err != nil {
		u.m.problem("user %d: %v", u.id, err)
	}
	return &voiceCall{m: u.m, u: u, life: life, lastSeq: -1, others: newVoiceOthers()}
}

// input tells the life of the call what happened, and carries out what it
// decides.
func (c *voiceCall) input(happened func(now time.Time)) {
	if c.over {
		return
	}
	before := c.life.Phase()
	happened(c.m.time())
	for !c.over {
		d := c.life.Next()
		switch d.Do {
		case lifecycle.VoiceTell:
			c.tell(d)
		case lifecycle.VoiceConnect:
			c.connect(d.Session, before)
		case lifecycle.VoiceHangUp:
			c.hangUp()
			c.life.Ended(c.m.time(), lifecycle.VoiceEnd{Err: d.Err, Decision: lifecycle.VoiceDecisionAfter(d.Err)})
		case lifecycle.VoiceStop:
			c.stopped(d.Err)
		default:
			c.rearm()
			return
		}
	}
}

// rearm schedules what is due next.
func (c *voiceCall) rearm() {
	if c.over {
		return
	}
	at := deadline.Earliest(c.life.NextDeadline(), c.by)
	if c.link != nil {
		at = deadline.Earliest(at, c.link.state.NextDeadline())
	}
	if c.media != nil {
		at = deadline.Earliest(at, c.media.discovery.NextDeadline(), c.media.keepalive.NextDeadline())
	}
	if c.e2ee != nil {
		at = deadline.Earliest(at, c.e2ee.NextDeadline())
	}
	c.m.arm(&c.alarm, at, c.expire)
}

// expire does what is due.
func (c *voiceCall) expire() {
	if c.over {
		return
	}
	now := c.m.time()
	if c.e2ee != nil {
		c.e2ee.HandleTimeout(now)
	}
	if c.link != nil {
		if err := c.link.state.HandleTimeout(now, c.link.writers()); err != nil {
			c.lost(err)
		}
	}
	if c.media != nil {
		if err := c.media.expire(now); err != nil && c.link != nil {
			c.lost(err)
		} else if err != nil {
			c.closeMedia()
		}
	}
	if deadline.Due(c.by, now) {
		c.lost(errVoiceSlow)
	}
	c.input(c.life.HandleTimeout)
}

// tell sends a command to the main gateway, which may be away, and takes a
// moment else.
func (c *voiceCall) tell(d lifecycle.VoiceDecision) {
	if c.life.Err() != nil {
		c.u.command(d.Command.ChannelID)
		c.life.Told(c.m.time(), nil)
		return
	}
	c.m.after(c.m.upTo(50*time.Millisecond), func() {
		var err error
		if c.u.away > c.m.now {
			err = errVoiceAway
		} else {
			c.u.command(d.Command.ChannelID)
		}
		c.input(func(now time.Time) { c.life.Told(now, err) })
	})
}

// connect opens a connection with a new state.
func (c *voiceCall) connect(session gateway.VoiceSession, before lifecycle.VoicePhase) {
	if session.Token != c.token && before != lifecycle.VoiceJoining {
		c.m.Moves++
	}
	c.token = session.Token
	if !session.Resumable {
		c.closeMedia()
		c.lastSeq = -1
	}
	state, err := gateway.NewVoiceGatewayState(session, c.options(session)...)
	if err != nil {
		c.m.problem("user %d: %v", c.u.id, err)
		c.life.Leave(err)
		c.life.Ended(c.m.time(), lifecycle.VoiceEnd{Err: err, Decision: closecode.Stop})
		return
	}
	state.Advance(c.m.time())
	c.m.Connections++
	c.link = &voiceLink{m: c.m, call: c, state: state, host: c.m.hostNamed(session.Endpoint)}
	c.by = c.m.time().Add(voiceHandshake)
	c.m.inOrder(&c.link.upAt, c.link.dialled)
}

// hangUp closes the connection with 1000, which ends its session.
func (c *voiceCall) hangUp() {
	if c.link != nil {
		_ = c.link.state.WriteNormalClose(c.link.writers().Close)
		c.link.hangUp()
		c.link = nil
	}
	c.by = time.Time{}
	c.closeMedia()
}

// lost is the end of a connection.
func (c *voiceCall) lost(err error) {
	if c.link == nil {
		return
	}
	if errors.Is(err, gateway.ErrZombie) {
		c.m.Zombies++
	}
	if errors.Is(err, gateway.ErrE2EE) && c.channel == c.u.place.channel { // else the group is that of another channel
		c.m.problem("user %d: %v", c.u.id, err)
	}
	session, _ := c.link.state.Session()
	c.link.hangUp()
	c.link, c.by = nil, time.Time{}
	end := lifecycle.VoiceEnd{Session: session, Err: err, Decision: lifecycle.VoiceDecisionAfter(err)}
	if errors.Is(err, rtp.ErrDiscoveryTimeout) {
		end.Decision = closecode.NewSession
	}
	c.input(func(now time.Time) {
		c.life.Ended(now, end)
		if c.life.Rejoins() {
			c.m.NewSessions++
		}
		if !c.life.Resumable() {
			c.closeMedia()
		}
	})
}

// stopped is the end of the call. The reason must have a type, and an excuse.
func (c *voiceCall) stopped(err error) {
	c.over = true
	c.hangUp()
	if err == errVoiceParted {
		return
	}
	var v *gateway.VoiceError
	var silence *lifecycle.VoiceNoAnswerError
	switch {
	case errors.As(err, &v):
		c.m.Stopped[fmt.Sprintf("%d %v", v.CloseCode, v.CloseCode)]++
	case errors.As(err, &silence):
		c.m.Stopped["the main gateway does not answer"]++
	case errors.Is(err, lifecycle.ErrVoiceDisconnected), errors.Is(err, lifecycle.ErrNoVoiceServer), errors.Is(err, errVoiceAway):
		c.m.Stopped[err.Error()]++
	default:
		c.m.problem("user %d stopped without a typed reason: %v", c.u.id, err)
	}
	if !c.u.excused(err) {
		c.m.problem("user %d stopped, and nothing happened to it: %v", c.u.id, err)
	}
	c.u.call = nil
	c.m.after(time.Second+2*c.m.MaxLatency+c.m.upTo(10*time.Second), c.u.begin)
}

// leave ends the call.
func (c *voiceCall) leave(reason error) {
	c.input(func(time.Time) { c.life.Leave(reason) })
}

func (c *voiceCall) closeMedia() {
	if c.media != nil {
		c.media.close()
		c.media = nil
	}
}

// handleState is a VOICE_STATE_UPDATE about the user.
func (c *voiceCall) handleState(channel snowflake.ID, sessionID string) {
	if channel != 0 && !c.over {
		c.u.home = channel
	}
	c.input(func(now time.Time) {
		c.life.HandleState(now, lifecycle.VoiceState{GuildID: c.u.guild.id, ChannelID: channel, UserID: c.u.id, SessionID: sessionID})
	})
}

// handleServer is a VOICE_SERVER_UPDATE. An endpoint that is empty means that
// the server is gone, and another one not yet known.
//
// https://discord.com/developers/docs/events/gateway-events#voice-server-update
func (c *voiceCall) handleServer(token, endpoint string) {
	c.input(func(now time.Time) {
		c.life.HandleServer(now, lifecycle.VoiceServer{GuildID: c.u.guild.id, Token: token, Endpoint: endpoint})
	})
}

// receive acts on a frame.
func (c *voiceCall) receive(f signaling.Frame, torn bool) {
	l := c.link
	if f.Kind == signaling.FrameClose {
		l.state.Advance(c.m.time())
		code, reason := f.CloseCode()
		c.m.mixIn(uint64(c.u.id), uint64(code))
		c.lost(l.state.ProcessCloseCode(code, reason, l.writers().Close))
		return
	}
	m, redundant, err := l.read(f, torn)
	if err != nil {
		c.lost(err)
		return
	}
	c.m.mixIn(uint64(c.u.id), voiceOp(m))
	c.checkSequence(m)
	if !redundant {
		c.handle(m)
	}
	c.rearm()
}
