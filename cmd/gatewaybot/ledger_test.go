package main

import (
	"cmp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/sharding"
)

func TestLedger(t *testing.T) {
	for name, c := range map[string]struct {
		seqs             []int64
		lost, duplicated int64
	}{
		"all there":           {[]int64{1, 2, 3, 4}, 0, 0},
		"a gap":               {[]int64{1, 2, 5}, 2, 0},
		"the first is gone":   {[]int64{2, 3}, 1, 0},
		"seen twice":          {[]int64{1, 2, 2, 3}, 0, 1},
		"a replay too early":  {[]int64{1, 2, 3, 2, 3, 4}, 0, 2},
		"out of order":        {[]int64{1, 3, 2, 4}, 1, 1},
		"some have no number": {[]int64{1, 0, 2, 0}, 0, 0},
	} {
		var l ledger
		l.begin(3, "a session", 0)
		for _, seq := range c.seqs {
			l.see(3, seq)
		}
		require.Equal(t, c.lost, l.lost, "%s: lost", name)
		require.Equal(t, c.duplicated, l.duplicated, "%s: duplicated", name)
	}
}

func TestLedgerMissing(t *testing.T) {
	var l ledger
	l.see(0, 9) // before READY there is no session to number it
	l.begin(0, "a", 0)
	l.begin(1, "b", 0)
	l.see(0, 1)
	l.see(1, 1)
	l.see(1, 2)
	require.Zero(t, l.missing(nil))
	require.Zero(t, l.missing(map[string]int64{"a": 1, "b": 2}))
	require.EqualValues(t, 5, l.missing(map[string]int64{"a": 4, "b": 2, "never heard of": 2}))
	require.Zero(t, l.lost)

	l.begin(0, "c", 0) // the numbers start again
	l.see(0, 1)
	require.Zero(t, l.duplicated)
	require.EqualValues(t, 1, l.missing(map[string]int64{"c": 2}))
}

func TestVerdict(t *testing.T) {
	b := &bot{options: &options{cut: 1}, journal: newJournal()}
	require.NoError(t, b.verdict(t.Context(), &result{sessions: 1, resumedCut: 1}))
	require.ErrorContains(t, b.verdict(t.Context(), &result{}), "no session was started\nno session was resumed after the cut")
	require.ErrorContains(t, b.verdict(t.Context(), &result{sessions: 1, resumedCut: 1, lost: 2}), "2 events lost, 0 duplicated")
	require.ErrorContains(t, b.verdict(t.Context(), &result{sessions: 1, resumedCut: 1, duplicated: 1}), "0 events lost, 1 duplicated")
}

func TestJournalCountsWhatIsNew(t *testing.T) {
	j := newJournal()
	j.look(func(e *entries) { e.ledger.begin(0, "stored", 7) })
	for _, e := range []sharding.Event{
		{Name: event.TypingStart, Seq: 8, Replay: true},
		{Name: event.Resumed, Seq: 9, Replay: true},
		{Name: event.Resumed, Seq: 10},
		{Shard: 1, Name: event.Ready, Seq: 1, Session: "new"},
	} {
		e.Session = cmp.Or(e.Session, "stored")
		j.note(e)
	}
	j.look(func(e *entries) {
		require.Equal(t, 1, e.resumes, "that of the former process does not count")
		require.Equal(t, 1, e.readies)
		require.Len(t, e.begun, 2)
		require.Zero(t, e.again())
		require.Zero(t, e.ledger.lost+e.ledger.duplicated)
		require.EqualValues(t, 3, e.ledger.missing(map[string]int64{"stored": 12, "new": 2}))
		require.Zero(t, e.resumedCut(), "there was none")
	})
}
