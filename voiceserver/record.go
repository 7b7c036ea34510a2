package voiceserver

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

	Relay RelayStats `json:"relay"` // of all sockets
}

// RelayStats count datagrams.
type RelayStats struct {
	Received    uint64 `json:"received"`
	Forwarded   uint64 `json:"forwarded"`   // copies sent on
	Discoveries uint64 `json:"discoveries"` // answered
	Keepalives  uint64 `json:"keepalives"`  // echoed
	Unknown     uint64 `json:"unknown"`     // of no kind, from nobody or for nobody
	RTCP        uint64 `json:"rtcp"`        // not forwarded
	Forged      uint64 `json:"forged"`      // not made with the key of the sender
	Repeated    uint64 `json:"repeated"`    // received before, or too old to tell
	Limited     uint64 `json:"limited"`     // over the rate of the sender
	Muted       uint64 `json:"muted"`       // of senders that nobody may hear
	Encrypted   uint64 `json:"encrypted"`   // copies for members without end-to-end encryption
	Unconfirmed uint64 `json:"unconfirmed"` // copies for members whose address is not known
	Lost        uint64 `json:"lost"`        // copies dropped by a fault
	Delayed     uint64 `json:"delayed"`     // copies held back by a fault
	Duplicated  uint64 `json:"duplicated"`  // copies sent twice by a fault
	Padded      uint64 `json:"padded"`      // copies padded by a fault
}

func (s *RelayStats) add(o RelayStats) {
	s.Received += o.Received
	s.Forwarded += o.Forwarded
	s.Discoveries += o.Discoveries
	s.Keepalives += o.Keepalives
	s.Unknown += o.Unknown
	s.RTCP += o.RTCP
	s.Forged += o.Forged
	s.Repeated += o.Repeated
	s.Limited += o.Limited
	s.Muted += o.Muted
	s.Encrypted += o.Encrypted
	s.Unconfirmed += o.Unconfirmed
	s.Lost += o.Lost
	s.Delayed += o.Delayed
	s.Duplicated += o.Duplicated
	s.Padded += o.Padded
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
