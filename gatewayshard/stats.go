package gatewayshard

import (
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/lifecycle"
)

// Stats is a snapshot of a shard. Counters are over all of its connections.
type Stats struct {
	Phase       Phase
	ConnectedAt time.Time // when the current connection was opened, zero without one
	SessionID   string    // empty without a session
	Seq         int64     // last sequence number received
	Latency     time.Duration

	Events   uint64 // dispatches received, wanted or not
	Missed   uint64 // dispatches that Discord left out of replays
	Messages uint64 // websocket messages received
	BytesIn  uint64 // of websocket frames, compressed as they came
	BytesOut uint64

	Connections uint64 // opened
	Reconnects  uint64 // opened, but for the first
	Identifies  uint64 // identify commands written: Discord counts them
	Resumes     uint64 // sessions that were continued
	Abandoned   uint64 // sessions given up: dead, or not to be read past one place

	Panics       uint64 // of handlers, calls of runtime.Goexit among them
	SlowHandlers uint64 // that ran longer than Config.HandlerLimit
	Held         int    // events that were read while a handler runs, and wait for it now

	LastClose closecode.Type // the last close code Discord sent, zero before any
	LastError error          // why the last connection ended, or could not be opened

	Failures  int                   // connections in a row that came to nothing
	Waits     lifecycle.ShardReason // why Run waits between two connections, zero if it does not
	WaitsTill time.Time             // when it goes on, zero if it does not wait
}

// A Phase is what a shard is doing.
type Phase uint8

const (
	Disconnected   Phase = iota
	Dialing              // opening a websocket
	Connected            // waiting for Hello
	Waiting              // for the identify limiter
	Authenticating       // identify or resume was written
	Active               // READY or RESUMED arrived
	Closed               // by Close, for good
)

func (p Phase) String() string {
	names := [...]string{"disconnected", "dialing", "connected", "waiting to identify", "authenticating", "active", "closed"}
	if int(p) < len(names) {
		return names[p]
	}
	return "unknown"
}

// Stats returns a snapshot. It does not wait for anything.
func (s *Shard) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot := s.stats
	snapshot.Phase = s.phase()
	snapshot.SessionID = s.state.SessionID()
	snapshot.Seq = s.state.SequenceNumber()
	snapshot.Reconnects = max(1, snapshot.Connections) - 1
	if d := s.life.Decision(); d.Do == lifecycle.ShardWait && s.running {
		snapshot.Waits, snapshot.WaitsTill = d.Why, d.At
	}
	snapshot.Failures = s.life.Decision().Failures
	if s.conn != nil {
		snapshot.ConnectedAt = s.conn.since
		snapshot.Missed += uint64(s.state.Missed())
		snapshot.Latency = s.state.Latency()
		snapshot.BytesIn += s.conn.bytesIn.Load()
		snapshot.Held = len(s.conn.ahead.events)
	}
	return snapshot
}

// Latency returns the round trip time of the last heartbeat that was answered
// on the current connection, zero before any.
func (s *Shard) Latency() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Latency()
}

// tellPhase tells of another phase. The caller does not hold mu.
func (s *Shard) tellPhase() {
	if s.config.PhaseChanged == nil {
		return
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	s.mu.Lock()
	now := s.phase()
	s.mu.Unlock()
	if now != s.told {
		s.told = now
		s.config.PhaseChanged(s.id, now)
	}
}

func (s *Shard) phase() Phase {
	switch {
	case s.closed:
		return Closed
	case s.cancelDial != nil:
		return Dialing
	case s.conn == nil:
		return Disconnected
	}
	switch s.life.Phase() {
	case lifecycle.ShardGreeted:
		return Waiting
	case lifecycle.ShardAuthenticating:
		return Authenticating
	case lifecycle.ShardActive:
		return Active
	}
	return Connected
}
