package lifecycle

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ShardStateVersion is the version of [ShardState] that this package writes and reads.
const ShardStateVersion = 1

// A ShardState is what a [Shard] knows besides its session. It is plain data
// without the token and takes at most [MaxShardState] bytes as JSON. Store it
// beside the [github.com/discordpkg/gateway.Session] of the same moment, and
// give both to the machine of the next process. The zero ShardState is that of
// a shard which knows nothing.
type ShardState struct {
	Version int `json:"version"`

	// Failures is the number of connections in a row that came to nothing.
	Failures int `json:"failures,omitempty"`

	// NotBefore is until when the shard waits because a server asked for it.
	NotBefore time.Time `json:"not_before,omitzero"`

	// SessionID names the session that the fields from Refused to Elsewhere are about.
	SessionID string `json:"session_id,omitempty"`

	// Refused is how often in a row RESUME was answered by nothing good, since
	// the time RefusedSince, at the resume URL and at the ordinary one.
	Refused         int       `json:"refused,omitempty"`
	RefusedSince    time.Time `json:"refused_since,omitzero"`
	RefusedResume   bool      `json:"refused_resume,omitempty"`
	RefusedOrdinary bool      `json:"refused_ordinary,omitempty"`

	// Unreadable is how often the session could not be read past UnreadableSeq.
	Unreadable    int   `json:"unreadable,omitempty"`
	UnreadableSeq int64 `json:"unreadable_seq,omitempty"`

	// Elsewhere is how often in a row the session was taken away soon after
	// it had been resumed.
	Elsewhere int `json:"elsewhere,omitempty"`

	// Presence is the last one that was set with a command, nil for none.
	Presence json.RawMessage `json:"presence,omitempty"`
}

// MaxShardState is the size in bytes of the longest [ShardState] that is read.
const MaxShardState = 16 << 10

const (
	maxCount     = 1 << 20 // of anything that is counted
	maxSessionID = 1024    // bytes, as in a state
)

var (
	// ErrStateVersion reports a [ShardState] that another version of this package wrote.
	ErrStateVersion = errors.New("lifecycle: shard state has another version")

	// ErrState reports a [ShardState] that no machine can have written.
	ErrState = errors.New("lifecycle: invalid shard state")
)

// Check returns an error that matches [ErrStateVersion] or [ErrState] if s
// cannot have been written by a machine of this version. Times are not judged:
// a machine does that when it starts, because only then it knows the time.
func (s ShardState) Check() error {
	if s.isZero() {
		return nil
	}
	if s.Version != ShardStateVersion {
		return fmt.Errorf("%w: %d, not %d", ErrStateVersion, s.Version, ShardStateVersion)
	}
	for _, n := range [...]int{s.Failures, s.Refused, s.Unreadable, s.Elsewhere} {
		if n < 0 || n > maxCount {
			return fmt.Errorf("%w: a count of %d", ErrState, n)
		}
	}
	switch {
	case s.UnreadableSeq < 0:
		return fmt.Errorf("%w: sequence number %d", ErrState, s.UnreadableSeq)
	case len(s.SessionID) > maxSessionID:
		return fmt.Errorf("%w: session id of %d bytes", ErrState, len(s.SessionID))
	case len(s.Presence) > maxPresence:
		return fmt.Errorf("%w: presence of %d bytes", ErrState, len(s.Presence))
	case s.Presence != nil && !json.Valid(s.Presence):
		return fmt.Errorf("%w: presence is not JSON", ErrState)
	}
	return nil
}

func (s ShardState) isZero() bool {
	return s.Version == 0 && s.Failures == 0 && s.NotBefore.IsZero() && s.SessionID == "" && s.Refused == 0 &&
		s.RefusedSince.IsZero() && !s.RefusedResume && !s.RefusedOrdinary && s.Unreadable == 0 &&
		s.UnreadableSeq == 0 && s.Elsewhere == 0 && s.Presence == nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It refuses what [ShardState.Check]
// refuses, and more than [MaxShardState] bytes. After an error s is unchanged.
func (s *ShardState) UnmarshalJSON(data []byte) error {
	if len(data) > MaxShardState {
		return fmt.Errorf("%w: %d bytes", ErrState, len(data))
	}
	type plain ShardState
	var read plain
	if err := json.Unmarshal(data, &read); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if string(read.Presence) == "null" {
		read.Presence = nil
	}
	if err := ShardState(read).Check(); err != nil {
		return err
	}
	*s = ShardState(read)
	return nil
}

// State returns what the machine of the next process needs to know besides the session.
func (s *Shard) State() ShardState {
	if s.phase == ShardNew {
		return s.stored
	}
	return ShardState{
		Version:   ShardStateVersion,
		Failures:  s.failures,
		NotBefore: s.notBefore.Round(0).UTC(),
		SessionID: s.session.ID,
		Refused:   s.refusals.times, RefusedSince: s.refusals.since.Round(0).UTC(),
		RefusedResume: s.refusals.resumeURL, RefusedOrdinary: s.refusals.ordinary,
		Unreadable: s.place.times, UnreadableSeq: s.place.seq,
		Elsewhere: s.taken,
		Presence:  s.presence,
	}
}

// maxAge is how old a stored time may be. Older ones are taken for that old.
const maxAge = 30 * 24 * time.Hour

// restore takes over what a former process knew. Times in the future are
// those of a clock that was set back.
func (s *Shard) restore() {
	from := s.stored
	s.stored = ShardState{}
	s.failures = from.Failures
	if s.presence == nil {
		_ = s.SetPresence(from.Presence) // one that is too long by now is forgotten
	}
	if wait := from.NotBefore.Sub(s.now); wait > 0 && wait <= MaxRetryAfter+MaxRetryAfter/4 {
		s.notBefore = from.NotBefore
	}
	if from.SessionID == "" || from.SessionID != s.session.ID {
		return
	}
	if from.Refused > 0 {
		s.refusals = refusals{times: from.Refused, since: s.now, resumeURL: from.RefusedResume, ordinary: from.RefusedOrdinary}
		if age := s.now.Sub(from.RefusedSince); age > 0 {
			s.refusals.since = s.now.Add(-min(age, maxAge))
		}
	}
	s.place = unreadable{seq: from.UnreadableSeq, times: from.Unreadable}
	s.taken = from.Elsewhere
}
