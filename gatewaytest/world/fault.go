package world

import (
	"time"

	"github.com/discordpkg/gateway/closecode"
)

// A FaultKind is a way to go wrong.
type FaultKind string

// The faults.
const (
	Cut            FaultKind = "cut"             // the connection breaks, without a close frame
	Stall          FaultKind = "stall"           // nothing is sent for a time; what clients send is still read
	Zombie         FaultKind = "zombie"          // nothing is sent and nothing is answered ever again
	Reconnect      FaultKind = "reconnect"       // op 7
	InvalidSession FaultKind = "invalid_session" // op 9; the session is dropped unless Resumable
	Close          FaultKind = "close"           // a close frame with Code
	Garbage        FaultKind = "garbage"         // a message that makes no sense
	Giant          FaultKind = "giant"           // a message of Size bytes
	Drip           FaultKind = "drip"            // every byte takes its time
	Refuse         FaultKind = "refuse"          // the dial is answered with HTTP Status; for connections to come
	DeadResume     FaultKind = "dead_resume"     // dials of the resume URL are refused, others are not; for connections to come
)

// A Fault is something to go wrong on one connection. Only Kind is required.
type Fault struct {
	Kind FaultKind `json:"kind"`

	// After delays the fault: a Cut by so many bytes written to the socket,
	// frame headers included, others by so many dispatches.
	After int `json:"after,omitempty"`

	Code      closecode.Type `json:"code,omitempty"`      // of Close, 4000 by default; 1005 is a frame without a code
	Reason    string         `json:"reason,omitempty"`    // of Close
	Resumable bool           `json:"resumable,omitempty"` // of InvalidSession
	Data      []byte         `json:"data,omitempty"`      // of Garbage, half an object by default
	Size      int            `json:"size,omitempty"`      // of Giant, 128 MiB by default and at most
	Status    int            `json:"status,omitempty"`    // of Refuse and DeadResume, 503 by default
	For       time.Duration  `json:"for,omitempty"`       // of Stall in nanoseconds, without end by default
	Every     time.Duration  `json:"every,omitempty"`     // of Drip in nanoseconds: the pause after a byte, 1 ms by default
}

const maxGiant = 128 << 20

// known reports whether f is of one of the kinds.
func (f Fault) known() bool {
	switch f.Kind {
	case Cut, Stall, Zombie, Reconnect, InvalidSession, Close, Garbage, Giant, Drip, Refuse, DeadResume:
		return true
	}
	return false
}

// OnDial reports whether f happens before there is a connection.
func (f Fault) OnDial() bool { return f.Kind == Refuse || f.Kind == DeadResume }

// withDefaults fills in what was left out.
func (f Fault) withDefaults() Fault {
	f.After = max(0, f.After)
	switch f.Kind {
	case Close:
		if !Sendable(f.Code) {
			f.Code = closecode.UnknownError
		}
	case Garbage:
		if f.Data == nil {
			f.Data = []byte(`{"t":"MESSAGE_CREATE","s":1,"op":0,"d":{"id":`)
		}
	case Giant:
		if f.Size <= 0 || f.Size > maxGiant {
			f.Size = maxGiant
		}
	case Refuse, DeadResume:
		if f.Status < 400 || f.Status > 599 {
			f.Status = 503
		}
	case Drip:
		if f.Every <= 0 {
			f.Every = time.Millisecond
		}
	}
	return f
}

// Sendable reports whether a close frame may have the code, or none for 1005.
// What RFC 6455 reserves in section 7.4 is not for the wire.
func Sendable(code closecode.Type) bool {
	return code >= 1000 && code < 5000 && code != 1004 && code != closecode.Abnormal && code != 1015
}
