package lifecycle

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
)

func TestShardStateIsJudgedWhenRead(t *testing.T) {
	for text, want := range map[string]error{
		`{}`:                         nil,
		`{"version":1,"failures":3}`: nil,
		`{"version":1,"presence":{"status":"idle"}}`:   nil,
		`{"version":1,"unknown":true,"presence":null}`: nil,
		`{"version":2}`:                                         ErrStateVersion,
		`{"failures":3}`:                                        ErrStateVersion,
		`{"version":1,"failures":-1}`:                           ErrState,
		`{"version":1,"refused":9999999999}`:                    ErrState,
		`{"version":1,"unreadable":1e9}`:                        ErrState,
		`{"version":1,"elsewhere":-1}`:                          ErrState,
		`{"version":1,"unreadable_seq":-1}`:                     ErrState,
		`{"version":1,"not_before":"yesterday"}`:                ErrState,
		`{"version":1,"session_id":"` + long(1025) + `"}`:       ErrState,
		`{"version":1,"presence":"` + long(4000) + `"}`:         ErrState,
		`{"version":1,"unknown":"` + long(MaxShardState) + `"}`: ErrState,
		`[]`: ErrState,
	} {
		before := ShardState{Version: ShardStateVersion, Failures: 7}
		s := before
		err := json.Unmarshal([]byte(text), &s)
		if want == nil {
			require.NoError(t, err, text)
			continue
		}
		require.ErrorIs(t, err, want, text)
		require.Equal(t, before, s, "unchanged after an error")
		require.Less(t, len(err.Error()), 200)
	}
	_, err := NewShard(WithShardState(ShardState{Version: 9}))
	require.ErrorIs(t, err, ErrStateVersion)
	_, err = NewShard(WithSession(gateway.Session{ID: "a", Seq: -1}))
	require.Error(t, err)
}

func long(n int) string { return strings.Repeat("x", n) }

// A clock that was set back must neither make a shard wait for a year nor keep
// a dead session for one.
func TestStoredTimesInTheFuture(t *testing.T) {
	s := stored(t, ShardState{Version: 1, NotBefore: epoch.Add(365 * 24 * time.Hour), SessionID: "S", Refused: 2,
		RefusedSince: epoch.Add(24 * time.Hour), RefusedOrdinary: true, RefusedResume: true})
	require.NoError(t, s.Start(epoch))
	require.Equal(t, ShardAsk, s.Decision().Do)
	require.Equal(t, epoch, s.State().RefusedSince)
	require.Zero(t, s.State().NotBefore)
}

// What was counted is about a session.
func TestStoredCountsOfAnotherSession(t *testing.T) {
	s := stored(t, ShardState{Version: 1, Failures: 4, SessionID: "T", Refused: 2, RefusedSince: epoch, Unreadable: 2, UnreadableSeq: 9, Elsewhere: 5})
	require.NoError(t, s.Start(epoch))
	require.Equal(t, ShardState{Version: 1, Failures: 4, SessionID: "S"}, s.State())
}

// A state that is read before Start is the one that was given.
func TestStateBeforeStart(t *testing.T) {
	given := ShardState{Version: 1, Failures: 4, SessionID: "S", Refused: 2}
	require.Equal(t, given, stored(t, given).State())
}

func stored(t *testing.T, state ShardState) *Shard {
	s, err := NewShard(WithSession(gateway.Session{ID: "S", Seq: 9}), WithShardState(state))
	require.NoError(t, err)
	return s
}

func TestPresenceIsJudged(t *testing.T) {
	s, err := NewShard()
	require.NoError(t, err)
	require.Error(t, s.SetPresence(json.RawMessage(`{`)))
	require.Error(t, s.SetPresence(json.RawMessage(`"`+long(4000)+`"`)))
	require.Error(t, s.SetPresence(json.RawMessage(`"`+strings.Repeat("<", 1000)+`"`)), "as it is written")
	require.Nil(t, s.State().Presence)
	require.NoError(t, s.Start(epoch))
	require.NoError(t, s.SetPresence(json.RawMessage(` { "status": "idle" } `)))
	require.JSONEq(t, `{"status":"idle"}`, string(s.Decision().Presence))
	require.NoError(t, s.SetPresence(nil))
	require.Nil(t, s.Decision().Presence)
}

// FuzzShardState reads what a store may hold: what is accepted makes a machine
// that works, and is written again as it was.
func FuzzShardState(f *testing.F) {
	for _, text := range []string{`{}`, `{"version":1,"failures":3,"session_id":"S","refused":2,"refused_since":"2026-11-30T12:00:00Z","presence":{"a":"<"}}`,
		`{"version":1,"not_before":"9999-12-31T23:59:59Z"}`, `{"version":1,"not_before":"0001-01-01T00:00:00Z"}`,
		`{"version":1,"session_id":"S","refused":2,"refused_since":"0000-01-01T00:00:00+23:59"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var state ShardState
		if err := json.Unmarshal(data, &state); err != nil {
			return
		}
		s := stored(t, state)
		require.NoError(t, s.Start(epoch))
		if d := s.Decision(); d.Do == ShardWait {
			require.LessOrEqual(t, d.At.Sub(epoch), 2*MaxRetryAfter)
		}
		text, err := json.Marshal(s.State())
		require.NoError(t, err)
		require.LessOrEqual(t, len(text), MaxShardState)
		var again ShardState
		require.NoError(t, json.Unmarshal(text, &again))
		require.Equal(t, s.State(), again)
	})
}
