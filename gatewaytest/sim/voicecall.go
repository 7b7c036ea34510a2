package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// A voiceStep is what a call is at.
type voiceStep uint8

const (
	voiceAsking      voiceStep = iota // the main gateway for the channel
	voicePausing                      // before the next connection
	voiceConnected                    // or about to be
	voiceOvertaken                    // the token is wrong: because there is a newer one?
	voiceMoving                       // the server has closed; where to?
	voiceUnallocated                  // Discord looks for a server
	voiceOver
)

// How long each step may take.
const (
	voiceAnswerTime   = 5 * time.Second
	voiceHandshake    = 15 * time.Second
	voiceOvertakeTime = time.Second
	voiceMoveTime     = 10 * time.Second
	voiceAllocation   = time.Minute
)

const (
	voiceAsks    = 2 // of the main gateway, without an answer
	voiceResumes = 3 // of a session, in a row
)

// Why calls end, besides a [gateway.VoiceError].
var (
	errVoiceNoAnswer = errors.New("sim: the main gateway does not answer")
	errVoiceNoServer = errors.New("sim: no voice server")
	errVoiceRemoved  = errors.New("sim: removed from the channel")
	errVoiceSlow     = errors.New("sim: no audio in time")
)

// A voiceCall is a client from when it joins until it stops: one session after
// another, one connection after another.
type voiceCall struct {
	m     *voiceSimulation
	u     *voiceUser
	step  voiceStep
	until time.Duration // the step ends, zero: never
	alarm voiceAlarm
	cause error // why the last connection ended

	intro    voiceIntroduction
	session  gateway.VoiceSession
	asks     int // since the last answer
	resumes  int // in a row that came to nothing
	failures int // in a row

	link    *voiceLink // nil between connections
	media   *voiceMedia
	lastSeq int // of the session, -1 for none
	others  voiceOthers
	e2ee    *dave.Session // of the session, nil: none
	channel snowflake.ID  // that it is for
}

// enter starts a step.
func (c *voiceCall) enter(s voiceStep, limit time.Duration) {
	c.step, c.until = s, 0
	if limit > 0 {
		c.until = c.m.now + limit
	}
	c.rearm()
}

// rearm schedules what is due next.
func (c *voiceCall) rearm() {
	if c.step == voiceOver {
		return
	}
	if c.until > 0 {
		c.m.arm(&c.alarm, simEpoch.Add(c.until), c.expire)
	}
	if c.intro.settles > c.m.now {
		c.m.arm(&c.alarm, simEpoch.Add(c.intro.settles), c.expire)
	}
	if c.link != nil {
		c.m.arm(&c.alarm, c.link.state.NextDeadline(), c.expire)
	}
	if c.media != nil {
		c.m.arm(&c.alarm, c.media.discovery.NextDeadline(), c.expire)
		c.m.arm(&c.alarm, c.media.keepalive.NextDeadline(), c.expire)
	}
	if c.e2ee != nil {
		c.m.arm(&c.alarm, c.e2ee.NextDeadline(), c.expire)
	}
}

// expire does what is due.
func (c *voiceCall) expire() {
	if c.step == voiceOver {
		return
	}
	c.consider()
	if c.e2ee != nil {
		c.e2ee.HandleTimeout(c.m.time())
	}
	if c.link != nil {
		if err := c.link.state.HandleTimeout(c.m.time(), c.link.writers()); err != nil {
			c.lost(err)
		}
	}
	if c.media != nil {
		if err := c.media.expire(c.m.time()); err != nil {
			c.lost(err)
		}
	}
	if c.until > 0 && c.m.now >= c.until {
		c.until = 0
		c.timeUp()
	}
	c.rearm()
}

// timeUp is the end of a step that took too long.
func (c *voiceCall) timeUp() {
	switch c.step {
	case voiceAsking:
		if c.asks >= voiceAsks {
			c.stop(errVoiceNoAnswer)
			return
		}
		c.ask(true)
	case voicePausing:
		if c.session.Token == "" {
			c.ask(c.m.chance(0.5))
			return
		}
		c.connect()
	case voiceConnected:
		c.lost(errVoiceSlow)
	case voiceOvertaken, voiceMoving:
		c.stop(c.cause)
	case voiceUnallocated:
		c.stop(errVoiceNoServer)
	}
}

// ask asks the main gateway for the channel, by leaving it first if need be.
func (c *voiceCall) ask(leave bool) {
	c.asks++
	c.closeMedia()
	c.intro.forget()
	c.session = gateway.VoiceSession{}
	if leave {
		c.intro.leaves++
		c.u.command(0)
	}
	c.u.command(c.u.home)
	c.enter(voiceAsking, voiceAnswerTime)
}

// connect opens a connection with a new state.
func (c *voiceCall) connect() {
	state, err := gateway.NewVoiceGatewayState(c.session, c.options()...)
	if err != nil {
		c.m.problem("user %d: %v", c.u.id, err)
		c.stop(err)
		return
	}
	state.Advance(c.m.time())
	c.m.Connections++
	c.link = &voiceLink{m: c.m, call: c, state: state, host: c.m.hostNamed(c.session.Endpoint)}
	if !c.session.Resumable {
		c.lastSeq = -1
	}
	c.enter(voiceConnected, voiceHandshake)
	c.m.inOrder(&c.link.upAt, c.link.dialled)
}

// lost decides what comes after a connection.
func (c *voiceCall) lost(err error) {
	c.cause = err
	if errors.Is(err, gateway.ErrZombie) {
		c.m.Zombies++
	}
	if errors.Is(err, gateway.ErrE2EE) && c.channel == c.u.place.channel { // else the group is that of another channel
		c.m.problem("user %d: %v", c.u.id, err)
	}
	c.session = gateway.VoiceSession{}
	if c.link != nil {
		c.session, _ = c.link.state.Session()
		c.link.hangUp()
		c.link = nil
	}
	var v *gateway.VoiceError
	if !errors.As(err, &v) {
		v = &gateway.VoiceError{Decision: closecode.Resume, Err: err}
	}
	switch {
	case errors.Is(err, rtp.ErrDiscoveryTimeout):
		c.again(true)
	case v.Decision == closecode.Stop && v.CloseCode == closecode.VoiceAuthenticationFailed:
		c.closeMedia()
		c.enter(voiceOvertaken, voiceOvertakeTime)
	case v.Decision == closecode.Stop:
		c.stop(v)
	case v.Decision == closecode.WaitForMove:
		c.closeMedia()
		c.enter(voiceMoving, voiceMoveTime)
	default:
		c.resumes++
		c.again(v.Decision == closecode.NewSession || c.resumes >= voiceResumes)
	}
	c.consider()
}

// again connects after a pause, with a new session if the old one is no good.
func (c *voiceCall) again(anew bool) {
	if anew || c.session.Token == "" {
		c.m.NewSessions++
		c.session = gateway.VoiceSession{}
		c.closeMedia()
	}
	c.failures++
	c.enter(voicePausing, 1+c.m.upTo(min(250*time.Millisecond<<min(c.failures, 5), 5*time.Second)))
}

// stop ends the call. The reason must have a type, and an excuse.
func (c *voiceCall) stop(err error) {
	c.leave()
	var v *gateway.VoiceError
	switch {
	case errors.As(err, &v):
		c.m.Stopped[fmt.Sprintf("%d %v", v.CloseCode, v.CloseCode)]++
	case errors.Is(err, errVoiceNoAnswer), errors.Is(err, errVoiceNoServer), errors.Is(err, errVoiceRemoved):
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

// leave ends the call without more ado.
func (c *voiceCall) leave() {
	c.step = voiceOver
	if c.link != nil {
		_ = c.link.state.WriteNormalClose(c.link.writers().Close)
		c.link.hangUp()
		c.link = nil
	}
	c.closeMedia()
	c.u.command(0)
}

func (c *voiceCall) closeMedia() {
	if c.media != nil {
		c.media.close()
		c.media = nil
	}
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
