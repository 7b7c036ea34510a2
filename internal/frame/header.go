package frame

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"

	"github.com/gobwas/ws"
)

// headerSize returns the size of a header by its second byte.
func headerSize(second byte) int {
	size := 2
	switch second & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if second&0x80 != 0 {
		size += 4
	}
	return size
}

var errLength = errors.New("the most significant bit of the payload length is set")

// parseHeader parses b, which has the size that headerSize says.
func parseHeader(h *ws.Header, b []byte) error {
	h.Fin = b[0]&0x80 != 0
	h.Rsv = b[0] & 0x70 >> 4
	h.OpCode = ws.OpCode(b[0] & 0x0f)
	h.Masked = b[1]&0x80 != 0
	switch n := b[1] & 0x7f; n {
	case 126:
		h.Length = int64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if b[2]&0x80 != 0 {
			return errLength
		}
		h.Length = int64(binary.BigEndian.Uint64(b[2:]))
	default:
		h.Length = int64(n)
	}
	if h.Masked {
		copy(h.Mask[:], b[len(b)-4:])
	}
	return nil
}

// AppendClient appends an unfragmented frame as a client writes it: masked
// with a key that cannot be predicted.
func AppendClient(dst []byte, op ws.OpCode, payload []byte) []byte {
	var mask [4]byte
	binary.LittleEndian.PutUint32(mask[:], rand.Uint32())
	dst = appendHeader(dst, op, len(payload), 0x80)
	dst = append(dst, mask[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	ws.Cipher(dst[start:], mask, 0)
	return dst
}

// AppendServer appends an unfragmented frame as a server writes it.
func AppendServer(dst []byte, op ws.OpCode, payload []byte) []byte {
	return append(appendHeader(dst, op, len(payload), 0), payload...)
}

func appendHeader(dst []byte, op ws.OpCode, length int, mask byte) []byte {
	dst = append(dst, 0x80|byte(op))
	switch {
	case length < 126:
		return append(dst, mask|byte(length))
	case length < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, mask|126), uint16(length))
	}
	return binary.BigEndian.AppendUint64(append(dst, mask|127), uint64(length))
}

// NoStatus is the code of a close frame without one.
const NoStatus uint16 = 1005

// ParseClose returns what the payload of a close frame says. Any code is
// returned as it is; one without meaning is still the peer's goodbye. What is
// not UTF-8 in the reason becomes U+FFFD.
//
// https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5
func ParseClose(payload []byte) (code uint16, reason string) {
	status, reason := ws.ParseCloseFrameData(payload)
	if status.Empty() {
		return NoStatus, ""
	}
	return uint16(status), strings.ToValidUTF8(reason, "\ufffd")
}
