package gateway

import (
	"encoding/json"
	"fmt"
	"io"
	"net" // for net.ErrClosed only
	"strconv"
	"time"

	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/internal/wire"
	"github.com/discordpkg/gateway/opcode"
)

// Write writes one command in one call to client.Write. Payload is the inner
// object ("d") as JSON, empty for null.
//
// It does not block: when the command limit is reached it returns a
// [*RateLimitError]. It refuses what Discord would answer with a close code:
// commands before READY ([ErrNotReady]), over 4096 bytes
// ([ErrPayloadTooLarge]), that are not JSON ([ErrInvalidPayload]). An error of
// client leaves the state open, less the command's share of the limit.
func (s *GatewayState) Write(client io.Writer, cmd command.Type, payload json.RawMessage) error {
	if s.closed {
		return net.ErrClosed
	}
	if !s.phase.ClientMay(opcode.Type(cmd)) {
		return fmt.Errorf("%w: %v in phase %v", ErrNotReady, cmd, s.phase)
	}
	if len(payload) > 0 && !json.Valid(payload) {
		return fmt.Errorf("%w: %v is not JSON", ErrInvalidPayload, cmd)
	}
	msg, err := s.encode(cmd, payload)
	if err != nil {
		return err
	}
	if err := s.take(cmd); err != nil {
		return err
	}
	if err := s.writeMessage(client, msg); err != nil {
		return err
	}
	s.wrote(cmd)
	return nil
}

// encode returns the bytes of a command on the wire.
func (s *GatewayState) encode(cmd command.Type, payload []byte) (msg []byte, err error) {
	if len(payload) > command.MaxSize {
		return nil, fmt.Errorf("%w: %v has %d bytes", ErrPayloadTooLarge, cmd, len(payload))
	}
	msg = wire.AppendMessage(make([]byte, 0, len(payload)+24), uint(cmd), payload)
	if s.codec != nil {
		if msg, err = s.codec.AppendWire(nil, msg); err != nil {
			return nil, fmt.Errorf("gateway: encode %v: %w", cmd, err)
		}
	}
	if len(msg) > command.MaxSize {
		return nil, fmt.Errorf("%w: %v has %d bytes", ErrPayloadTooLarge, cmd, len(msg))
	}
	return msg, nil
}

// take asks the limiter. Heartbeats are never refused, nor is what comes
// before the first command.
//
// https://discord.com/developers/docs/events/gateway#rate-limiting
func (s *GatewayState) take(cmd command.Type) error {
	switch cmd {
	case command.Heartbeat, command.Identify, command.Resume:
		if b, ok := s.commands.(HeartbeatBudget); ok {
			b.Spend(s.now)
		}
		return nil
	}
	if retryAt, ok := s.commands.Take(s.now); !ok {
		return &RateLimitError{RetryAt: retryAt}
	}
	return nil
}

// wrote records what was written.
func (s *GatewayState) wrote(cmd command.Type) {
	switch cmd {
	case command.Heartbeat:
		s.heart.Sent(s.now)
		s.beatAt = time.Time{}
	case command.Identify, command.Resume:
		s.resuming = cmd == command.Resume
		s.identifyAt = time.Time{}
		s.follow(false, opcode.Type(cmd), "")
	}
}

// Heartbeat writes a heartbeat with the last sequence number, null before
// any. It is never rate limited. HandleTimeout calls it when it is time.
func (s *GatewayState) Heartbeat(client io.Writer) error {
	return s.Write(client, command.Heartbeat, s.heartbeatData())
}

func (s *GatewayState) heartbeatData() []byte {
	if !s.sequenced {
		return []byte("null")
	}
	return strconv.AppendInt(nil, s.toldSeq(), 10)
}

// toldSeq returns the sequence number that Discord is told: up to which it may
// forget events, and from which on it replays them.
func (s *GatewayState) toldSeq() int64 {
	if s.beatAcked {
		return s.acked
	}
	return s.seq
}

// Identify starts a new session. The state does so by itself when Hello
// arrives and there is no session, as soon as the limiter agrees; a call of
// the user's own does not ask the limiter.
func (s *GatewayState) Identify(client io.Writer) error {
	data, err := s.identifyData()
	if err != nil {
		return err
	}
	return s.Write(client, command.Identify, data)
}

// Resume continues the session. The state does so by itself when Hello
// arrives and there is one. It names the last sequence number that was received,
// with [WithAcknowledgedHeartbeats] the last one that was acknowledged; what
// Discord then replays a second time is redundant.
func (s *GatewayState) Resume(client io.Writer) error {
	if !s.HaveSessionID() {
		return fmt.Errorf("%w: resume without session id", ErrNotReady)
	}
	data, err := json.Marshal(&Resume{BotToken: s.token(), SessionID: s.sessionID, SequenceNumber: s.toldSeq()})
	if err != nil {
		return fmt.Errorf("gateway: resume: %w", err)
	}
	return s.Write(client, command.Resume, data)
}

func (s *GatewayState) identifyData() ([]byte, error) {
	data, err := json.Marshal(&Identify{
		BotToken:       s.token(),
		Properties:     &s.properties,
		Compress:       s.compressPayloads,
		LargeThreshold: s.largeThreshold,
		Shard:          [2]uint{uint(s.shardID), s.shards},
		Presence:       s.presence,
		Intents:        s.intents,
	})
	if err != nil {
		return nil, fmt.Errorf("gateway: identify: %w", err)
	}
	return data, nil
}
