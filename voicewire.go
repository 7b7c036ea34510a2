package gateway

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/discordpkg/gateway/internal/wire"
	"github.com/discordpkg/gateway/opcode"
)

// maxVoiceSeq is the last number before the counter starts at zero again:
// binary messages have two bytes for it.
const maxVoiceSeq = math.MaxUint16

// scanVoiceText takes a text message apart:
//
//	{"op":5,"d":{...},"seq":10}
//
// https://discord.com/developers/docs/topics/voice-connections#buffered-resume-example-message-with-sequence-number
func scanVoiceText(msg []byte) (m VoiceMessage, err error) {
	var env wire.Envelope
	if err = env.Unmarshal(msg); err == nil && !env.HasOp {
		err = errNoOpcode
	}
	if err == nil && env.Op > math.MaxUint8 {
		err = fmt.Errorf("opcode %d exceeds a byte", env.Op)
	}
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	m = VoiceMessage{Op: opcode.Voice(env.Op), Data: env.Data, Seq: -1}
	if raw := jsonNumber(msg, "seq"); raw != nil {
		seq, err := strconv.ParseUint(string(raw), 10, 16)
		if err != nil {
			return m, fmt.Errorf("%w: sequence number is not a number of 16 bits", ErrMalformed)
		}
		m.Seq = int(seq)
	}
	return m, nil
}

// scanVoiceBinary takes a binary message apart: two bytes of sequence number,
// one of opcode, and the payload.
//
// https://discord.com/developers/docs/topics/voice-connections#binary-websocket-messages
func scanVoiceBinary(msg []byte) (m VoiceMessage, err error) {
	if len(msg) < 3 {
		return m, fmt.Errorf("%w: binary message of %d bytes", ErrMalformed, len(msg))
	}
	return VoiceMessage{
		Op:   opcode.Voice(msg[2]),
		Data: msg[3:],
		Seq:  int(binary.BigEndian.Uint16(msg)),
	}, nil
}

// jsonNumber returns the value of a member of an object, which must be valid JSON,
// as far as a number could go; nil if there is no such member, or null. The
// last of equal members wins.
func jsonNumber(object []byte, name string) (raw []byte) {
	depth, key := 0, false
	for i := 0; i < len(object); i++ {
		switch object[i] {
		case '{', '[':
			depth++
			key = depth == 1
		case '}', ']':
			depth--
		case ',':
			key = depth == 1
		case '"':
			start := i + 1
			i = closingQuote(object, start)
			if key && string(object[start:i]) == name {
				raw = jsonWord(object[min(i+1, len(object)):])
			}
			key = false
		}
	}
	return raw
}

// closingQuote returns the index of the quote that ends the string at b[i].
func closingQuote(b []byte, i int) int {
	for ; i < len(b) && b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return min(i, len(b))
}

// jsonWord returns the word behind a colon, nil for null.
func jsonWord(b []byte) []byte {
	start := 0
	for start < len(b) && (b[start] == ':' || b[start] <= ' ') {
		start++
	}
	end := start
	for end < len(b) && b[end] > ' ' && b[end] != ',' && b[end] != '}' {
		end++
	}
	if string(b[start:end]) == "null" {
		return nil
	}
	return b[start:end]
}
