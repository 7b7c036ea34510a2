package wire

// An Envelope is the outer object of a gateway message:
//
//	{"t":"MESSAGE_CREATE","s":42,"op":0,"d":{...}}
//
// Keys may come in any order, any of them may be absent or null, others are
// skipped. As with encoding/json the last of equal keys wins, and the spelling
// of a key ("\u006fp") does not matter; unlike there, its case does.
//
// Event and Data alias the message, except that an event name with escapes or
// other than ASCII characters is a copy. The zero Envelope is ready for use;
// each use forgets the one before.
//
// https://discord.com/developers/docs/events/gateway-events#payload-structure
type Envelope struct {
	Op    uint
	Seq   int64
	Event []byte // the event's name, nil when absent or null
	Data  []byte // a JSON value, nil when absent

	HasOp  bool // op is there and not null
	HasSeq bool // s is there and not null

	msg  []byte
	next int // where Body goes on, zero if nothing is left
	seen members
}

// Unmarshal reads the message b, which must be exactly one JSON object.
// After an error, a [*SyntaxError], the Envelope holds nothing of use.
func (e *Envelope) Unmarshal(b []byte) error {
	if err := e.Head(b); err != nil {
		return err
	}
	return e.Body()
}

// Head reads the message b up to the value of d, so that a message can be
// dropped for its op and event name at the cost of these alone. It stops there
// if op, s and t came before, which is how Discord orders them; otherwise it
// looks for them behind the value, and reads the whole message.
//
// Data is not set before [Envelope.Body] has returned, b must not change until
// then, and what Head did not read need not be JSON.
func (e *Envelope) Head(b []byte) error {
	*e = Envelope{msg: b}
	if e.usual(b) {
		return nil
	}
	*e = Envelope{msg: b}
	i := skipSpace(b, 0)
	if i == len(b) || b[i] != '{' {
		return &SyntaxError{i, notObject}
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == '}' {
		return e.end(i + 1)
	}
	return e.read(i)
}

// Body reads what [Envelope.Head] left.
func (e *Envelope) Body() error {
	if e.next == 0 {
		return nil
	}
	i, err := e.value(data, e.next)
	if err != nil {
		return err
	}
	i, more, err := e.comma(i)
	if err != nil || !more {
		return err
	}
	e.seen |= data
	return e.read(i)
}

// members is a set of the members of an envelope.
type members uint8

const (
	op members = 1 << iota
	seq
	name
	data
	other members = 0
)

// read reads members from the key at b[i] on.
func (e *Envelope) read(i int) error {
	for more := true; more; {
		m, at, why := key(e.msg, i)
		if why != fine {
			return &SyntaxError{at, why}
		}
		if m == data && e.seen == op|seq|name {
			e.next = at
			return nil
		}
		e.seen |= m
		at, err := e.value(m, at)
		if err != nil {
			return err
		}
		if i, more, err = e.comma(at); err != nil {
			return err
		}
	}
	return nil
}

// value reads the value of m at b[i].
func (e *Envelope) value(m members, i int) (int, error) {
	end, why := skipValue(e.msg, i)
	if why != fine {
		return 0, &SyntaxError{end, why}
	}
	ok, raw := true, e.msg[i:end:end]
	null := raw[0] == 'n'
	switch m {
	case op:
		e.HasOp = !null
		e.Op, ok = opcode(raw)
		why = notOp
	case seq:
		e.HasSeq = !null
		e.Seq, ok = integer(raw)
		why = notSeq
	case name:
		e.Event, ok = text(raw)
		why = notEvent
	case data:
		e.Data = raw
	}
	if !ok && !null {
		return 0, &SyntaxError{i, why}
	}
	return end, nil
}

// comma reads what follows a value, and reports whether another member does.
func (e *Envelope) comma(i int) (next int, more bool, err error) {
	i = skipSpace(e.msg, i)
	switch {
	case i == len(e.msg):
		return 0, false, &SyntaxError{i, truncated}
	case e.msg[i] == ',':
		return skipSpace(e.msg, i+1), true, nil
	case e.msg[i] != '}':
		return 0, false, &SyntaxError{i, notComma}
	}
	return 0, false, e.end(i + 1)
}

// end checks that nothing follows the object.
func (e *Envelope) end(i int) error {
	e.next = 0
	if i = skipSpace(e.msg, i); i != len(e.msg) {
		return &SyntaxError{i, trailing}
	}
	return nil
}
