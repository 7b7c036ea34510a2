package world

import (
	"encoding/json"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/opcode"
)

// A Command is a message that a client sent. The token of identify and resume
// is left out.
type Command struct {
	At        time.Time       `json:"at"`
	Conn      int             `json:"conn"`                 // the number of the connection, from 1
	SessionID string          `json:"session_id,omitempty"` // empty before READY
	Op        opcode.Type     `json:"op"`
	Data      json.RawMessage `json:"d"`
}

// A Violation is a breach of Discord's rules, whether it ended the connection
// or not.
type Violation struct {
	At        time.Time      `json:"at"`
	Conn      int            `json:"conn"`
	SessionID string         `json:"session_id,omitempty"`
	Code      closecode.Type `json:"code,omitempty"` // zero if the connection went on
	Text      string         `json:"text"`
}

// Stats count what happened since the start.
type Stats struct {
	Connections int `json:"connections"` // accepted
	Open        int `json:"open"`        // connections now
	Sessions    int `json:"sessions"`    // that can be resumed, connected or not
	Identifies  int `json:"identifies"`  // answered with READY
	Resumes     int `json:"resumes"`     // answered with RESUMED
	Invalid     int `json:"invalid"`     // identifies and resumes answered with an invalid session
	Messages    int `json:"messages"`    // received
	Heartbeats  int `json:"heartbeats"`  // received
	Dispatches  int `json:"dispatches"`  // numbered, with or without a connection
	Replayed    int `json:"replayed"`    // dispatches sent once more
	Bytes       int `json:"bytes"`       // sent, as on the wire without frame headers
	Faults      int `json:"faults"`      // that happened
	Violations  int `json:"violations"`

	Closes map[closecode.Type]int `json:"closes"` // sent, by code
}

// A log keeps the last entries of many.
type log[T any] struct {
	entries []T
	next    int // where to write once full
}

func (l *log[T]) add(v T, limit int) {
	switch {
	case limit <= 0:
	case len(l.entries) < limit:
		l.entries = append(l.entries, v)
	default:
		l.entries[l.next] = v
		l.next = (l.next + 1) % limit
	}
}

// all returns the entries in order, as a fresh slice.
func (l *log[T]) all() []T {
	return append(append(make([]T, 0, len(l.entries)), l.entries[l.next:]...), l.entries[:l.next]...)
}

// withoutToken returns the data of identify or resume without what must not
// be shown.
func withoutToken(data []byte) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return nil
	}
	delete(fields, "token")
	out, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return out
}
