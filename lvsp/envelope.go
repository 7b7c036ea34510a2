package lvsp

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/discordpkg/gateway/internal/wire"
)

// MaxMessage is the size in bytes of the largest message that either side
// accepts. The reader of a socket should refuse a longer one by
// its header, see [Link.TooLarge].
const MaxMessage = 1 << 20

// ErrMalformed is matched by every error about a message that makes no sense.
var ErrMalformed = errors.New("lvsp: malformed message")

// A message is the outer object: {"op":6,"s":1,"d":{...}}.
type message struct {
	op   Opcode
	seq  int64 // -1 if there is none
	data []byte
}

func parseMessage(b []byte) (message, error) {
	if len(b) > MaxMessage {
		return message{}, fmt.Errorf("%w: more than %d bytes", ErrMalformed, MaxMessage)
	}
	var e wire.Envelope
	if err := e.Unmarshal(b); err != nil {
		return message{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !e.HasOp {
		return message{}, fmt.Errorf("%w: no op", ErrMalformed)
	}
	m := message{op: Opcode(min(e.Op, 255)), seq: -1, data: e.Data}
	if e.HasSeq && e.Seq >= 0 {
		m.seq = e.Seq
	}
	return m, nil
}

func (m message) object() error {
	if len(m.data) == 0 || m.data[0] != '{' {
		return fmt.Errorf("%w: %v without an object as d", ErrMalformed, m.op)
	}
	return nil
}

// decode reads the data of the message, which must be an object.
func (m message) decode(payload any) error {
	if err := m.object(); err != nil {
		return err
	}
	if err := json.Unmarshal(m.data, payload); err != nil {
		return fmt.Errorf("%w: %v: %w", ErrMalformed, m.op, err)
	}
	return nil
}

// number returns the sequence number of a heartbeat, whose data may be
// anything: {"s":1}, a bare 1 as on the main gateway, or neither.
func (m message) number() (n int64, ok bool) {
	var h struct {
		S json.RawMessage `json:"s"`
	}
	if h.S = m.data; len(m.data) > 0 && m.data[0] == '{' {
		h.S = nil
		_ = json.Unmarshal(m.data, &h) // it was read before, so this finds s or nothing
	}
	n, err := strconv.ParseInt(string(h.S), 10, 64)
	return n, err == nil && n >= 0
}

// appendMessage appends the message to dst, without a sequence number if seq
// is negative.
func appendMessage(dst []byte, op Opcode, seq int64, data []byte) []byte {
	dst = strconv.AppendUint(append(dst, `{"op":`...), uint64(op), 10)
	if seq >= 0 {
		dst = strconv.AppendInt(append(dst, `,"s":`...), seq, 10)
	}
	return append(append(append(dst, `,"d":`...), data...), '}')
}
