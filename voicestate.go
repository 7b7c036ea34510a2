package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net" // for net.ErrClosed only

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/phase"
	"github.com/discordpkg/gateway/internal/redact"
	"github.com/discordpkg/gateway/opcode"
)

// VoiceWriters are the writers of one voice websocket. Each call to Write
// makes one frame: of text, of bytes, or a close frame whose payload is what
// was written.
type VoiceWriters struct{ Text, Binary, Close io.Writer }

// A VoiceGatewayState is the protocol state of one connection to a voice
// server, version 8 of the voice gateway.
//
// The rules of [GatewayState] hold: it is not safe for concurrent use, it is
// discarded when the connection ends, and after an error it is as it was
// before the call, or closed. SequenceNumber is -1 before any message that has
// one; zero is a number, and follows 65535.
type VoiceGatewayState struct {
	e2ee   E2EE // nil: none
	decide func(closecode.Voice) closecode.Decision
	jitter func() float64

	link
	phase     phase.Voice
	session   func() *VoiceSession // a function, so that no string form shows its token
	resuming  bool                 // resume was written on this connection
	replaying bool                 // nothing newer than what was received before has arrived

	beats   beats
	payload VoiceMessage
}

// NewVoiceGatewayState returns the state of a connection that has just opened.
// It resumes if the session says so, see [VoiceGatewayState.Session], and
// identifies otherwise.
func NewVoiceGatewayState(session VoiceSession, options ...VoiceOption) (*VoiceGatewayState, error) {
	s := &VoiceGatewayState{
		decide:  closecode.Voice.Decision,
		jitter:  rand.Float64,
		session: func() *VoiceSession { return &session },
		link:    link{limit: 4 << 20, seq: -1},
	}
	for _, o := range options {
		if err := o(s); err != nil {
			return nil, err
		}
	}
	if err := s.session().check(); err != nil {
		return nil, err
	}
	if session.Resumable {
		s.seq = int64(session.SeqAck)
	} else {
		s.session().forget()
	}
	return s, nil
}

// ProcessNextMessage reads one text message from pipe, until io.EOF, and acts
// on it.
//
// The message is valid until the next call that reads. It is redundant when
// the caller has nothing to do with it: it is out of place, or was received
// before. Messages about others (Speaking, Clients Connect, Client Disconnect)
// and opcodes that this package does not know are never out of place. An error
// means that the connection is over: a [*VoiceError] says what to do, any
// other error is resumed like a lost connection. Pipe is read to its end
// before any state changes, so it may itself call HandleTimeout.
func (s *VoiceGatewayState) ProcessNextMessage(pipe io.Reader, w VoiceWriters) (m *VoiceMessage, redundant bool, err error) {
	err = s.fill(pipe)
	return s.process(s.buf, err, false, w)
}

// ProcessNextBinary is [VoiceGatewayState.ProcessNextMessage] for a binary message.
func (s *VoiceGatewayState) ProcessNextBinary(pipe io.Reader, w VoiceWriters) (m *VoiceMessage, redundant bool, err error) {
	err = s.fill(pipe)
	return s.process(s.buf, err, true, w)
}

// ProcessMessage is [VoiceGatewayState.ProcessNextMessage] for a message that
// is in memory. The message is valid as long as msg is unchanged, and until
// the next call that reads.
func (s *VoiceGatewayState) ProcessMessage(msg []byte, w VoiceWriters) (m *VoiceMessage, redundant bool, err error) {
	return s.process(msg, nil, false, w)
}

// ProcessBinary is [VoiceGatewayState.ProcessMessage] for a binary message.
func (s *VoiceGatewayState) ProcessBinary(msg []byte, w VoiceWriters) (m *VoiceMessage, redundant bool, err error) {
	return s.process(msg, nil, true, w)
}

// process acts on a message, unless reading it failed.
func (s *VoiceGatewayState) process(msg []byte, err error, binary bool, w VoiceWriters) (m *VoiceMessage, redundant bool, _ error) {
	if s.closed {
		return nil, false, net.ErrClosed
	}
	received := err == nil
	if received {
		m, redundant, err = s.receive(msg, binary, w)
	}
	switch {
	case errors.Is(err, ErrMalformed):
		_ = s.writeMalformed(w.Close, err)
	case err != nil && received:
		s.shut() // what was to be written is not made up for
	}
	return m, redundant, err
}

func (s *VoiceGatewayState) receive(msg []byte, binary bool, w VoiceWriters) (_ *VoiceMessage, redundant bool, err error) {
	if len(msg) > s.limit {
		return nil, false, &MessageTooLargeError{Limit: s.limit}
	}
	scan := scanVoiceText
	if binary {
		scan = scanVoiceBinary
	}
	m, err := scan(msg)
	if err != nil {
		return nil, false, err
	}
	s.heart.Alive()
	s.payload = m
	s.payload.Outdated = s.outdated(m.Seq)
	misplaced := m.Op.Binary() != binary && m.Op.Known() || !s.phase.ServerMay(m.Op)
	if misplaced || s.payload.Outdated {
		s.record(m.Seq)
		return &s.payload, true, nil
	}
	if redundant, err = s.handle(&s.payload, w); err != nil {
		return nil, false, err
	}
	s.record(m.Seq)
	if !redundant {
		err = s.encrypt(&s.payload, w)
	}
	return &s.payload, redundant, err
}

// handle does what the state itself has to do with a message.
func (s *VoiceGatewayState) handle(m *VoiceMessage, w VoiceWriters) (redundant bool, err error) {
	switch m.Op {
	case opcode.VoiceHello:
		return s.handleHello(m, w)
	case opcode.VoiceReady:
		return false, s.handleReady(m)
	case opcode.VoiceSessionDescription:
		return false, s.handleDescription(m)
	case opcode.VoiceResumed:
		return !s.handleResumed(), nil
	case opcode.VoiceHeartbeatACK:
		return !s.beats.acked(m.Data, s.now), nil
	}
	return false, nil
}

// handleHello starts the heartbeat and authenticates, unless the caller has
// done so before. The first interval counts.
func (s *VoiceGatewayState) handleHello(m *VoiceMessage, w VoiceWriters) (redundant bool, err error) {
	if !s.heart.Next().IsZero() {
		return true, nil
	}
	var h VoiceHello
	if err := json.Unmarshal(m.Data, &h); err != nil {
		return false, fmt.Errorf("%w: hello: %w", ErrMalformed, err)
	}
	if err := s.startHeart(h.HeartbeatIntervalMilli); err != nil {
		return false, err
	}
	if s.phase != phase.VoiceHello {
		return false, nil
	}
	s.follow(true, m.Op)
	if s.session().Resumable {
		return false, s.Resume(w.Text)
	}
	return false, s.Identify(w.Text)
}

func (s *VoiceGatewayState) handleReady(m *VoiceMessage) error {
	var r VoiceReady
	err := json.Unmarshal(m.Data, &r)
	if err == nil && (r.IP == "" || r.Port == 0) {
		err = errors.New("no address")
	}
	if err != nil {
		return fmt.Errorf("%w: ready: %w", ErrMalformed, err)
	}
	s.session().Ready, s.session().Description, s.session().Resumable = r, VoiceSessionDescription{}, true
	s.follow(true, m.Op)
	return nil
}

func (s *VoiceGatewayState) handleDescription(m *VoiceMessage) error {
	var d VoiceSessionDescription
	err := json.Unmarshal(m.Data, &d)
	if err == nil && (d.Mode == "" || d.SecretKey == VoiceKey{}) {
		err = errors.New("no mode or no key")
	}
	if err != nil {
		return fmt.Errorf("%w: session description: %w", ErrMalformed, err)
	}
	s.session().Description = d
	s.follow(true, m.Op)
	return nil
}

// handleResumed reports whether there was something to resume.
func (s *VoiceGatewayState) handleResumed() bool {
	if !s.resuming {
		return false
	}
	s.follow(true, opcode.VoiceResumed)
	return true
}

// outdated reports whether a replay begins before the end of what was
// received. After it messages come in order.
//
// https://discord.com/developers/docs/topics/voice-connections#buffered-resume
func (s *VoiceGatewayState) outdated(seq int) bool {
	return s.replaying && seq >= 0 && int16(uint16(seq)-uint16(s.seq)) <= 0
}

// record remembers the number of a message, if it has one and is new.
func (s *VoiceGatewayState) record(seq int) {
	if seq >= 0 && !s.outdated(seq) {
		s.seq, s.replaying = int64(seq), false
	}
}

// ProcessCloseCode acts on a close frame sent by the voice server: it answers,
// keeps or forgets the session as [WithVoiceDecision] demands, and returns a
// [*VoiceError]. A close frame without a code has code 1005, for which zero is
// taken too.
func (s *VoiceGatewayState) ProcessCloseCode(code closecode.Voice, reason string, closeWriter io.Writer) error {
	if code == 0 {
		code = closecode.Voice(closecode.NoStatus)
	}
	reason = redact.Text(reason, s.session().Token) // before it is forgotten
	decision := s.decide(code)
	if decision == closecode.Identify {
		decision = closecode.NewSession
	}
	if decision == closecode.Resume {
		_ = s.WriteRestartClose(closeWriter)
	} else {
		s.InvalidateSession(closeWriter)
	}
	return &VoiceError{CloseCode: code, Reason: reason, Decision: decision}
}

// Close ends the connection without a word; the session is kept. Further
// calls do nothing.
func (s *VoiceGatewayState) Close() error {
	s.shut()
	return nil
}

// HaveIdentified reports whether identify or resume was written.
func (s *VoiceGatewayState) HaveIdentified() bool { return s.phase >= phase.VoiceReady }

// Active reports whether the session runs: its encryption is known, and the
// voice server has accepted this connection.
func (s *VoiceGatewayState) Active() bool { return s.phase == phase.VoiceActive && !s.closed }

// String returns a short description without token and key.
func (s *VoiceGatewayState) String() string {
	return fmt.Sprintf("gateway: voice server %d, %v, session %q, sequence %d", s.session().ServerID, s.currentPhase(), s.session().SessionID, s.seq)
}

// Format implements [fmt.Formatter] with what String returns, for copies of
// the state too.
func (s VoiceGatewayState) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

func (s *VoiceGatewayState) currentPhase() phase.Voice {
	if s.closed {
		return phase.VoiceClosed
	}
	return s.phase
}

// follow is the only writer of the phase: it takes the step of a message.
func (s *VoiceGatewayState) follow(fromServer bool, op opcode.Voice) {
	_, keyed := s.Description()
	s.phase = s.phase.After(fromServer, op, keyed)
}
