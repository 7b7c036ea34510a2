package gateway

import (
	"encoding/json"
	"fmt"
	"io"
	"net" // for net.ErrClosed only
	"slices"
	"strconv"

	"github.com/discordpkg/gateway/internal/wire"
	"github.com/discordpkg/gateway/opcode"
)

// Write writes one message in one call to w.Binary.Write or w.Text.Write, as
// [opcode.Voice.Binary] says. Empty data of a text message is null.
//
// It refuses what the voice server would answer with a close code: a message
// out of place ([ErrNotReady]), one that is not JSON ([ErrInvalidPayload]).
func (s *VoiceGatewayState) Write(w VoiceWriters, m VoiceMessage) error {
	if m.Op.Binary() {
		return s.write(w.Binary, m.Op, m.Data)
	}
	return s.write(w.Text, m.Op, m.Data)
}

func (s *VoiceGatewayState) write(client io.Writer, op opcode.Voice, data []byte) error {
	if s.closed {
		return net.ErrClosed
	}
	if !s.phase.ClientMay(op) {
		return fmt.Errorf("%w: %v in phase %v", ErrNotReady, op, s.phase)
	}
	msg := make([]byte, 0, len(data)+24)
	switch {
	case op.Binary():
		msg = append(append(msg, byte(op)), data...)
	case len(data) > 0 && !json.Valid(data):
		return fmt.Errorf("%w: %v is not JSON", ErrInvalidPayload, op)
	default:
		msg = wire.AppendMessage(msg, uint(op), data)
	}
	if err := s.writeMessage(client, msg); err != nil {
		return err
	}
	s.wrote(op)
	return nil
}

// wrote records what was written.
func (s *VoiceGatewayState) wrote(op opcode.Voice) {
	switch op {
	case opcode.VoiceIdentify:
		s.session().forget()
		s.seq = -1
		s.follow(false, op)
	case opcode.VoiceResume:
		s.resuming, s.replaying = true, s.seq >= 0
		s.follow(false, op)
	}
}

// Heartbeat writes a heartbeat with the last sequence number, -1 before any.
// HandleTimeout calls it when it is time.
func (s *VoiceGatewayState) Heartbeat(client io.Writer) error {
	nonce := s.beats.next(s.now)
	data := append(make([]byte, 0, 48), `{"t":`...)
	data = strconv.AppendInt(data, nonce, 10)
	data = append(data, `,"seq_ack":`...)
	data = strconv.AppendInt(data, s.seq, 10)
	if err := s.write(client, opcode.VoiceHeartbeat, append(data, '}')); err != nil {
		return err
	}
	s.beats.sent(nonce, s.now)
	s.heart.Sent(s.now)
	return nil
}

// Identify starts the session. The state does so by itself when Hello arrives
// and there is none to resume. A caller may be quicker: the voice server
// accepts it from the first moment.
func (s *VoiceGatewayState) Identify(client io.Writer) error {
	v := VoiceIdentify{ServerID: s.session().ServerID, UserID: s.session().UserID, SessionID: s.session().SessionID, Token: s.session().Token}
	if s.e2ee != nil {
		v.MaxDAVEProtocolVersion = s.e2ee.MaxProtocolVersion()
	}
	return s.writeJSON(client, opcode.VoiceIdentify, &v)
}

// Resume continues the session. The state does so by itself when Hello arrives
// and there is one.
func (s *VoiceGatewayState) Resume(client io.Writer) error {
	if !s.session().Resumable {
		return fmt.Errorf("%w: resume without session", ErrNotReady)
	}
	return s.writeJSON(client, opcode.VoiceResume, &VoiceResume{
		ServerID: s.session().ServerID, SessionID: s.session().SessionID, Token: s.session().Token, SeqAck: int(s.seq),
	})
}

// SelectProtocol tells the voice server where audio comes from, an address and
// port as seen from outside, and how it is encrypted: one of the modes of
// [VoiceGatewayState.Ready], else the error is [ErrVoiceMode]. It answers with
// a session description. It may be told again when the address changes.
func (s *VoiceGatewayState) SelectProtocol(client io.Writer, address string, port uint16, mode string) error {
	if r, ok := s.Ready(); ok && !slices.Contains(r.Modes, mode) {
		return fmt.Errorf("%w: %q", ErrVoiceMode, mode)
	}
	if address == "" || port == 0 {
		return fmt.Errorf("%w: %v without an address", ErrInvalidPayload, opcode.VoiceSelectProtocol)
	}
	return s.writeJSON(client, opcode.VoiceSelectProtocol, &VoiceSelectProtocol{
		Protocol: "udp", Data: VoiceProtocolData{Address: address, Port: port, Mode: mode},
	})
}

// Speaking tells how this client speaks. Discord wants it once before the
// first audio: until then others do not know whose it is.
//
// https://discord.com/developers/docs/topics/voice-connections#speaking
func (s *VoiceGatewayState) Speaking(client io.Writer, flags SpeakingFlags) error {
	return s.writeJSON(client, opcode.VoiceSpeaking, &VoiceSpeaking{Speaking: flags, SSRC: s.session().Ready.SSRC})
}

func (s *VoiceGatewayState) writeJSON(client io.Writer, op opcode.Voice, v any) error {
	data, _ := json.Marshal(v) // plain data, that never fails
	return s.write(client, op, data)
}
