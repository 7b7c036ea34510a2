package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net" // for net.ErrClosed only
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/internal/phase"
	"github.com/discordpkg/gateway/internal/redact"
	"github.com/discordpkg/gateway/internal/wire"
	"github.com/discordpkg/gateway/opcode"
)

// A GatewayState is the protocol state of one gateway connection.
//
// It is not safe for concurrent use. Discard it when the connection ends;
// a new connection needs a new state, see [WithSession].
//
// After an error the state is as it was before the call, or closed.
type GatewayState struct {
	token            func() string // a function, so that no string form of the state shows it
	shardID          ShardID
	shards           uint
	intents          intent.Type
	guildEvents      []event.Type
	directEvents     []event.Type
	filtered         bool      // only allowed events are wanted
	allowed          event.Set // if filtered
	properties       IdentifyConnectionProperties
	presence         any
	largeThreshold   uint8
	identify         IdentifyRateLimiter // nil: no limit
	commands         CommandRateLimiter
	jitter           func() float64
	decide           func(closecode.Type) closecode.Decision
	codec            Codec  // nil: JSON
	compression      string // of the transport, empty: none
	compressPayloads bool
	url              string
	version          int
	resumeHosts      []string // allowed in resume URLs, apart from those of JudgeURL
	manualAck        bool
	beatAcked        bool

	link
	phase         phase.Phase
	resuming      bool      // resume was written on this connection, and no READY of a new session came
	identifyAt    time.Time // when to ask the identify limiter again
	invalidAt     time.Time // when to leave after an invalid session
	beatAt        time.Time // when to answer a heartbeat request for which there was no room
	resumable     bool      // what the invalid session said
	sessionID     string
	resumeURL     string // judged
	resumeRefused error  // why there is no resumeURL
	sequenced     bool   // a sequence number was received or given
	acked         int64
	missed        int64

	json    []byte // data of the current message, if it was not JSON
	payload *GatewayPayload
	narrow  *event.Set // if not nil, only these of the allowed events are wanted
	encoded event.Set  // whose data is not translated
}

// NewGatewayState returns the state of a connection that has just opened. The
// token is that of the bot, without a prefix.
func NewGatewayState(botToken string, options ...Option) (*GatewayState, error) {
	s := defaultState(botToken)
	if err := s.configure(options); err != nil {
		s.shut()
		return nil, err
	}
	return s, nil
}

func (s *GatewayState) configure(options []Option) error {
	for _, o := range options {
		if err := o(s); err != nil {
			return err
		}
	}
	s.intents |= intent.FromGuildEvents(s.guildEvents...) | intent.FromDirectMessageEvents(s.directEvents...)
	s.sequenced = s.seq > 0
	if s.acked == nothingAcked {
		s.acked = s.seq
	}
	s.resumeAt(s.resumeURL)
	if err := s.check(); err != nil {
		return err
	}
	if s.commands == nil {
		s.commands = NewCommandRateLimiter()
	}
	data, err := s.identifyData()
	if err != nil {
		return err
	}
	_, err = s.encode(command.Identify, data)
	return err
}

// ProcessNextMessage reads one message from pipe, until io.EOF, and acts on it.
//
// The payload is valid until the next call that reads; it is nil, and
// redundant, when a compressed message is not complete yet. It is redundant
// when the caller has nothing to do with it: an event that is not wanted, or
// one seen before. An error means that the connection is over: a
// [*DiscordError] says whether to reconnect, any other error is resumed like a
// lost connection. Pipe is read to its end before any state changes, so it may
// itself call HandleTimeout.
func (s *GatewayState) ProcessNextMessage(pipe io.Reader, textWriter, closeWriter io.Writer) (payload *GatewayPayload, redundant bool, err error) {
	payload, _, err = s.Read(pipe)
	return s.process(payload, err, textWriter, closeWriter)
}

// ProcessMessage is [GatewayState.ProcessNextMessage] for a message that is in memory. The
// payload is valid as long as msg is unchanged, and until the next call that reads.
func (s *GatewayState) ProcessMessage(msg []byte, textWriter, closeWriter io.Writer) (payload *GatewayPayload, redundant bool, err error) {
	payload, err = s.decode(msg)
	return s.process(payload, err, textWriter, closeWriter)
}

func (s *GatewayState) process(p *GatewayPayload, err error, textWriter, closeWriter io.Writer) (*GatewayPayload, bool, error) {
	if err != nil {
		if errors.Is(err, ErrSequenceNumberSkipped) || errors.Is(err, ErrMalformed) {
			_ = s.writeMalformed(closeWriter, err)
		}
		return nil, false, err
	}
	if p == nil {
		return nil, true, nil
	}
	redundant, err := s.ProcessPayload(p, textWriter, closeWriter)
	return p, redundant, err
}

// Read reads one message and records its sequence number and session. It
// returns the payload and the size of the message as it came. The payload is
// nil, without error, when a compressed message is not complete yet.
func (s *GatewayState) Read(pipe io.Reader) (*GatewayPayload, int, error) {
	if err := s.fill(pipe); err != nil {
		return nil, len(s.buf), err
	}
	p, err := s.decode(s.buf)
	return p, len(s.buf), err
}

// ProcessPayload acts on a payload returned by [GatewayState.Read], see
// [GatewayState.ProcessNextMessage].
func (s *GatewayState) ProcessPayload(p *GatewayPayload, textWriter, closeWriter io.Writer) (redundant bool, err error) {
	if s.closed {
		return false, net.ErrClosed
	}
	if !s.phase.ServerMay(p.Op) {
		return true, nil
	}
	switch p.Op {
	case opcode.Dispatch:
		return s.handleDispatch(p), nil
	case opcode.Hello:
		return false, s.handleHello(p, textWriter, closeWriter)
	case opcode.Heartbeat:
		return false, s.endOn(s.answerHeartbeatRequest(textWriter))
	case opcode.HeartbeatACK:
		s.heart.Acked(s.now)
		return false, nil
	case opcode.InvalidSession:
		s.handleInvalidSession(p)
		return false, nil
	case opcode.Reconnect:
		_ = s.WriteRestartClose(closeWriter) // which is the step to closed
		return false, &DiscordError{OpCode: opcode.Reconnect}
	}
	return true, nil
}

func (s *GatewayState) handleDispatch(p *GatewayPayload) (redundant bool) {
	if p.Outdated {
		return true
	}
	// A READY of the session that is resumed is part of the replay.
	if p.EventName == event.Resumed || p.EventName == event.Ready && !s.resuming {
		s.follow(true, p.Op, p.EventName)
	}
	return !s.wanted(p)
}

func (s *GatewayState) handleHello(p *GatewayPayload, textWriter, closeWriter io.Writer) error {
	var h Hello
	err := json.Unmarshal(p.Data, &h)
	if err == nil && h.HeartbeatIntervalMilli <= 0 {
		err = fmt.Errorf("heartbeat interval of %d ms", h.HeartbeatIntervalMilli)
	}
	if err != nil {
		_ = s.WriteRestartClose(closeWriter)
		return fmt.Errorf("%w: hello: %w", ErrMalformed, err)
	}
	s.follow(true, p.Op, "")
	s.startHeart(time.Duration(h.HeartbeatIntervalMilli) * time.Millisecond)
	return s.endOn(s.authenticate(textWriter))
}

// endOn closes the state after a write that failed: what was to follow it is
// not made up for.
func (s *GatewayState) endOn(err error) error {
	if err != nil {
		s.shut()
	}
	return err
}

// limiterPause is how soon a limiter is asked again that names no time to come.
const limiterPause = 10 * time.Millisecond

// authenticate resumes the session, or identifies as soon as the limiter agrees.
func (s *GatewayState) authenticate(textWriter io.Writer) error {
	s.identifyAt = time.Time{}
	if s.HaveSessionID() {
		return s.Resume(textWriter)
	}
	if s.identify != nil {
		if retryAt, ok := s.identify.Take(uint(s.shardID), s.now); !ok {
			if s.identifyAt = retryAt; !retryAt.After(s.now) {
				s.identifyAt = s.now.Add(limiterPause)
			}
			return nil
		}
	}
	return s.Identify(textWriter)
}

// ProcessCloseCode acts on a close frame sent by Discord: it answers, keeps or
// forgets the session as the table of [WithDecision] says, and returns a [*DiscordError].
// A close frame without a code has code 1005, for which zero is taken too.
func (s *GatewayState) ProcessCloseCode(code closecode.Type, reason string, closeWriter io.Writer) error {
	if code == 0 {
		code = closecode.NoStatus
	}
	decision := s.decide(code)
	if decision == closecode.Resume {
		_ = s.WriteRestartClose(closeWriter)
	} else {
		s.InvalidateSession(closeWriter)
	}
	return &DiscordError{CloseCode: code, Reason: redact.Text(reason, s.token()), decision: decision, decided: true}
}

// WriteNormalClose ends the connection with 1000, and the session with it.
func (s *GatewayState) WriteNormalClose(client io.Writer) error {
	s.dropSession()
	return s.writeClose(client, closecode.Normal)
}

// Close ends the connection without a word; the session is kept. Further
// calls do nothing.
func (s *GatewayState) Close() error {
	s.shut()
	return nil
}

// HaveIdentified reports whether identify or resume was written.
func (s *GatewayState) HaveIdentified() bool { return s.phase >= phase.Ready }

// Active reports whether READY or RESUMED arrived.
func (s *GatewayState) Active() bool { return s.phase == phase.Active && !s.closed }

// Missed returns the number of dispatches that Discord left out of a replay.
// They are lost for good.
func (s *GatewayState) Missed() int64 { return s.missed }

// String returns a short description without the token.
func (s *GatewayState) String() string {
	return fmt.Sprintf("gateway: shard %d/%d, %v, session %q, sequence %d", s.shardID, s.shards, s.currentPhase(), s.sessionID, s.seq)
}

// GoString returns what String returns.
func (s *GatewayState) GoString() string { return s.String() }

func (s *GatewayState) currentPhase() phase.Phase {
	if s.closed {
		return phase.Closed
	}
	return s.phase
}

// follow is the only writer of the phase: it takes the step of a message.
func (s *GatewayState) follow(fromServer bool, op opcode.Type, name event.Type) {
	s.phase = s.phase.After(fromServer, op, name)
}

// decode scans the message and, if nothing is wrong with it, records what it says.
func (s *GatewayState) decode(msg []byte) (*GatewayPayload, error) {
	if s.closed {
		return nil, net.ErrClosed
	}
	plain, complete, err := s.unpack(msg)
	if err != nil {
		return nil, err
	}
	s.heart.Alive()
	if !complete {
		return nil, nil
	}
	p, err := s.scan(plain)
	if err != nil {
		return nil, err
	}
	if p.Op == opcode.Dispatch && s.phase.ServerMay(p.Op) {
		if err := s.record(&p); err != nil {
			return nil, err
		}
	}
	*s.payload = p
	return s.payload, nil
}

// scan finds the parts of a message. The data of an event that is not wanted is not looked at.
func (s *GatewayState) scan(plain []byte) (p GatewayPayload, err error) {
	if s.codec != nil {
		return s.scanEncoded(plain)
	}
	var env wire.Envelope
	if err = env.Head(plain); err == nil && !env.HasOp {
		err = errNoOpcode
	}
	if err != nil {
		return p, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if p, err = payloadOf(env.Op, env.Seq, env.Event); err != nil || !s.wanted(&p) {
		return p, err
	}
	if err := env.Body(); err != nil {
		return p, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	p.Data = env.Data
	return p, nil
}

func (s *GatewayState) scanEncoded(plain []byte) (p GatewayPayload, err error) {
	op, seq, name, data, err := s.codec.Split(plain)
	if err != nil {
		return p, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if p, err = payloadOf(op, seq, name); err != nil || data == nil || !s.wanted(&p) {
		return p, err
	}
	if p.Op == opcode.Dispatch && s.encoded.Has(p.EventName) {
		p.Encoded = data
		return p, nil
	}
	if s.json, err = s.codec.AppendJSON(s.roomy(s.json), data, s.limit); err != nil {
		return p, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	p.Data = s.json
	return p, nil
}

func payloadOf(op uint, seq int64, name []byte) (GatewayPayload, error) {
	if len(name) > maxEventName {
		return GatewayPayload{}, fmt.Errorf("%w: event name of %d bytes", ErrMalformed, len(name))
	}
	return GatewayPayload{Op: opcode.Type(op), Seq: seq, EventName: event.Parse(name)}, nil
}
