package signaling

import (
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/snowflake"
)

// A Violation is a breach of the rules by a client.
type Violation struct {
	At   time.Time       `json:"at"`
	Conn int             `json:"conn"`           // the number of the connection, from 1
	User snowflake.ID    `json:"user,omitzero"`  // zero before it identified
	Code closecode.Voice `json:"code,omitempty"` // zero if the connection went on
	Text string          `json:"text"`
}

// Stats count what happened since the start.
type Stats struct {
	Connections int `json:"connections"` // accepted
	Open        int `json:"open"`        // connections now
	Members     int `json:"members"`     // now
	Channels    int `json:"channels"`    // with members, now
	Sessions    int `json:"sessions"`    // now, connected or not
	Identifies  int `json:"identifies"`  // answered with Ready
	Resumes     int `json:"resumes"`     // answered with Resumed
	Messages    int `json:"messages"`    // received
	Heartbeats  int `json:"heartbeats"`  // received
	Sent        int `json:"sent"`        // numbered messages
	Replayed    int `json:"replayed"`    // sent once more
	Violations  int `json:"violations"`

	Closes map[closecode.Voice]int `json:"closes"` // sent, by code
}

// violations keeps the last of many.
type violations struct {
	entries []Violation
	next    int // where to write once full
}

func (l *violations) add(v Violation, limit int) {
	switch {
	case limit <= 0:
	case len(l.entries) < limit:
		l.entries = append(l.entries, v)
	default:
		l.entries[l.next] = v
		l.next = (l.next + 1) % limit
	}
}

func (l *violations) all() []Violation {
	return append(append(make([]Violation, 0, len(l.entries)), l.entries[l.next:]...), l.entries[:l.next]...)
}
