package lifecycle

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/snowflake"
)

// A voiceStage carries out the steps of a scenario.
type voiceStage struct {
	t       *testing.T
	v       *Voice
	now     time.Time
	hold    bool // commands are answered by the script
	session gateway.VoiceSession
	phase   VoicePhase
	channel snowflake.ID
	move    uint64
	stored  []byte
	log     strings.Builder
	arrow   func(from, to VoicePhase)
}

var stageStart = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

var errStage = errors.New("network is unreachable")

func newVoiceStage(t *testing.T, options ...VoiceOption) *voiceStage {
	s := &voiceStage{t: t, now: stageStart, channel: 1}
	s.begin(options...)
	return s
}

// begin makes a machine, in guild 7 and for user 9.
func (s *voiceStage) begin(options ...VoiceOption) {
	v, err := NewVoice(7, 1, 9, append([]VoiceOption{WithVoiceRandom(func() float64 { return 0.5 })}, options...)...)
	require.NoError(s.t, err)
	s.v, s.phase, s.channel = v, v.phase, v.channel
}

func (s *voiceStage) print(format string, args ...any) {
	fmt.Fprintf(&s.log, format+"\n", args...)
}

// carryOut plays one step and returns what came of it.
func (s *voiceStage) carryOut(line string) string {
	s.log.Reset()
	words := strings.Fields(line)
	if words[0] == "wait" {
		d, err := time.ParseDuration(words[1])
		require.NoError(s.t, err)
		s.wait(d)
	} else {
		s.step(words[0], words[1:])
		s.follow()
	}
	return s.log.String()
}

// step is one input.
func (s *voiceStage) step(verb string, args []string) {
	switch verb {
	case "join":
		s.v.Join(s.now)
	case "leave":
		s.v.Leave(errors.New("left"))
	case "state":
		s.v.HandleState(s.now, VoiceState{GuildID: 7, UserID: 9, ChannelID: id(s.t, args[0]), SessionID: args[1]})
	case "server":
		s.v.HandleServer(s.now, VoiceServer{GuildID: 7, Endpoint: strings.TrimPrefix(args[0], "none"), Token: args[1]})
	case "gateway":
		s.v.HandleGateway(s.now)
	case "audio":
		s.session = *s.v.session()
		s.session.Resumable = true
		s.v.Audio(s.now)
	case "ended":
		s.ended(args)
	case "move":
		s.move = s.v.Move(s.now, id(s.t, args[0]))
	case "moved":
		over, err := s.v.Moved(s.move)
		s.print("over: %t, %v", over, err)
	case "hold":
		s.hold = args[0] == "on"
	case "told":
		s.v.Told(s.now, nil)
	case "untold":
		s.v.Told(s.now, errStage)
	case "self":
		s.v.SetSelf(args[0] == "mute", args[len(args)-1] == "deaf")
	case "checkpoint":
		s.checkpoint()
	case "restart":
		c, err := ReadVoiceCheckpoint(s.now, s.stored)
		require.NoError(s.t, err)
		s.begin(WithVoiceCheckpoint(s.now, c))
	default:
		s.t.Fatalf("unknown step %q", verb)
	}
}

// checkpoint stores what another process goes on with.
func (s *voiceStage) checkpoint() {
	c, ok := s.v.Checkpoint(s.now, s.session)
	s.print("stored: %t, %v, resumable %t", ok, c, c.Session.Resumable)
	var err error
	s.stored, err = json.Marshal(c)
	require.NoError(s.t, err)
}

// ended ends the connection: with a close code, or by the network. A session
// that was ready is kept where the close code lets it.
func (s *voiceStage) ended(args []string) {
	e := VoiceEnd{Err: errStage}
	if code, err := strconv.Atoi(args[0]); err == nil {
		c := closecode.Voice(code)
		e.Err = &gateway.VoiceError{CloseCode: c, Decision: c.Decision()}
	}
	e.Decision = VoiceDecisionAfter(e.Err)
	if e.Decision == closecode.Resume && args[0] != "fresh" {
		e.Session = s.session
		if e.Session.Token == "" {
			e.Session = *s.v.session()
		}
	}
	if args[0] == "media" {
		e.Decision = closecode.NewSession
	}
	s.session = gateway.VoiceSession{}
	s.v.Ended(s.now, e)
}

// wait lets time pass, deadline after deadline.
func (s *voiceStage) wait(d time.Duration) {
	end := s.now.Add(d)
	for {
		next := s.v.NextDeadline()
		if next.IsZero() || next.After(end) {
			s.now = end
			return
		}
		before := s.log.Len()
		s.now = next
		s.v.HandleTimeout(s.now.Add(-1))
		require.Equal(s.t, before, s.log.Len())
		s.v.HandleTimeout(s.now)
		s.follow()
	}
}

// follow carries out decisions and prints them.
func (s *voiceStage) follow() {
	for range 20 {
		if p := s.v.Phase(); p != s.phase {
			if s.arrow != nil {
				s.arrow(s.phase, p)
			}
			s.phase = p
			at := ""
			if s.v.until.After(s.now) {
				at = fmt.Sprintf(" until +%v", s.v.until.Sub(s.now))
			}
			s.print("+%v %v%s", s.now.Sub(stageStart), p, at)
		}
		if c := s.v.Channel(); c != s.channel {
			s.channel = c
			s.print("channel %d", c)
		}
		d := s.v.Next()
		switch d.Do {
		case VoiceWait:
			return
		case VoiceStop:
			s.print("stop: %v", d.Err)
			return
		case VoiceTell:
			s.print("tell: channel %d%s", d.Command.ChannelID, flags(d.Command.SelfMute, d.Command.SelfDeaf))
			if !s.hold {
				s.v.Told(s.now, nil)
			}
		case VoiceConnect:
			how := "identify"
			if d.Session.Resumable {
				how = "resume"
			}
			s.print("connect: %s at %s with %s %s", how, d.Session.Endpoint, d.Session.SessionID, d.Session.Token)
		case VoiceHangUp:
			s.print("hang up: %v", d.Err)
			if !s.hold {
				s.v.Ended(s.now, VoiceEnd{Err: d.Err, Decision: VoiceDecisionAfter(d.Err)})
			}
		}
	}
	s.t.Fatal("the decisions do not end")
}

func flags(mute, deaf bool) (s string) {
	if mute {
		s += " mute"
	}
	if deaf {
		s += " deaf"
	}
	return s
}

func id(t *testing.T, s string) snowflake.ID {
	n, err := strconv.ParseUint(s, 10, 64)
	require.NoError(t, err)
	return snowflake.ID(n)
}
