package signaling

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/wire"
	"github.com/discordpkg/gateway/opcode"
)

// A FrameKind says what to do with a [Frame].
type FrameKind uint8

// The kinds of frames.
const (
	FrameText FrameKind = iota + 1
	FrameBinary
	FrameClose // the payload of a close frame: code and reason
	FrameCut   // no frame: break the connection
)

// A Frame is one websocket message for the client.
type Frame struct {
	Kind FrameKind
	Data []byte // never changed again
}

// CloseCode returns what a [FrameClose] says: 1005 if it is empty.
func (f Frame) CloseCode() (code closecode.Voice, reason string) {
	if f.Kind != FrameClose || len(f.Data) < 2 {
		return closeNoStatus, ""
	}
	return closecode.Voice(binary.BigEndian.Uint16(f.Data)), string(f.Data[2:])
}

func closeFrame(code closecode.Voice) Frame {
	return Frame{Kind: FrameClose, Data: append(binary.BigEndian.AppendUint16(nil, uint16(code)), code.String()...)}
}

// numbered returns a message of the server with its number.
//
// https://discord.com/developers/docs/topics/voice-connections#binary-websocket-messages
func numbered(seq uint16, op opcode.Voice, data []byte) Frame {
	if !op.Binary() {
		return Frame{Kind: FrameText, Data: appendText(nil, op, data, int(seq))}
	}
	b := make([]byte, 0, 3+len(data))
	b = binary.BigEndian.AppendUint16(b, seq)
	return Frame{Kind: FrameBinary, Data: append(append(b, byte(op)), data...)}
}

// appendText appends a JSON message, without a number if seq is negative.
//
// https://discord.com/developers/docs/topics/voice-connections#buffered-resume-example-message-with-sequence-number
func appendText(b []byte, op opcode.Voice, data []byte, seq int) []byte {
	b = append(b, `{"op":`...)
	b = strconv.AppendUint(b, uint64(op), 10)
	b = append(b, `,"d":`...)
	if len(data) == 0 {
		data = []byte("null")
	}
	b = append(b, data...)
	if seq >= 0 {
		b = strconv.AppendInt(append(b, `,"seq":`...), int64(seq), 10)
	}
	return append(b, '}')
}

var (
	errNoOpcode = errors.New("message without an opcode")
	errOpcode   = errors.New("opcode of more than a byte")
	errKind     = errors.New("opcode in a message of the wrong kind")
)

// parseMessage takes apart what a client sent: JSON, or a byte of opcode and
// the payload. Data aliases msg.
func parseMessage(msg []byte, binary bool) (op opcode.Voice, data []byte, err error) {
	if binary {
		if len(msg) == 0 {
			return 0, nil, errNoOpcode
		}
		op, data = opcode.Voice(msg[0]), msg[1:]
	} else {
		var env wire.Envelope
		if err := env.Unmarshal(msg); err != nil {
			return 0, nil, err
		}
		if !env.HasOp {
			return 0, nil, errNoOpcode
		}
		if env.Op > math.MaxUint8 {
			return 0, nil, errOpcode
		}
		op, data = opcode.Voice(env.Op), env.Data
	}
	if op.Known() && op.Binary() != binary {
		return 0, nil, errKind
	}
	return op, data, nil
}

// quoted returns the beginning of what a client sent, fit to be shown.
func quoted(s string) string { return strconv.QuoteToASCII(s[:min(len(s), 32)]) }
