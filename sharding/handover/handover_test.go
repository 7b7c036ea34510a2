package handover

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/internal/golden"
)

var dawn = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)

func newMatcher(t testing.TB, shards, limit int) *Matcher {
	m, err := New(maphash.MakeSeed(), shards, 10*time.Second, limit)
	require.NoError(t, err)
	return m
}

// TestScenarios plays handovers to two shards which hold up to three events.
func TestScenarios(t *testing.T) {
	golden.Scenarios(t, func(t *testing.T) func(string) string {
		m, now, seq := newMatcher(t, 2, 3), dawn, int64(0)
		return func(command string) string {
			word := strings.Fields(command)
			switch word[0] {
			case "after":
				d, err := time.ParseDuration(word[1])
				require.NoError(t, err)
				now = now.Add(d)
			case "old":
				out := ""
				for _, s := range m.Old(now, Event{Name: event.Type(word[1]), Data: []byte(word[2])}) {
					out += fmt.Sprintf("strike %d of shard %d\n", s.Seq, s.Shard)
				}
				return out
			case "new0", "new1":
				seq++
				e := Event{Name: event.Type(word[1]), Data: []byte(word[2]), Seq: seq, Known: len(word) > 3}
				return fmt.Sprintf("%d: %v\n", seq, m.New(now, int(word[0][3]-'0'), e))
			case "next0", "next1":
				if e, ok := m.Next(int(word[0][4] - '0')); ok {
					return fmt.Sprintf("%d: %s %s\n", e.Seq, e.Name, e.Data)
				}
				return "live\n"
			case "size":
				held, delivered := m.Size()
				return fmt.Sprintf("%d held, %d delivered\n", held, delivered)
			case "abort":
				m.Abort()
			default:
				t.Fatalf("unknown command %q", command)
			}
			return ""
		}
	})
}

// TestEveryEventOnce lets two generations receive the same events, in orders of
// their own, and the old one end at any time.
func TestEveryEventOnce(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(1, seed))
		const shards, events = 3, 60
		m := newMatcher(t, shards, events)
		var feeds [shards + 1][]Event // of the new shards, and of the old one
		want := map[string]int{}
		for range events {
			e := Event{Name: event.MessageCreate, Data: []byte{byte('a' + rnd.IntN(20))}}
			want[string(e.Data)]++
			to := rnd.IntN(shards)
			feeds[to], feeds[shards] = append(feeds[to], e), append(feeds[shards], e)
		}
		got := map[string]int{}
		now := dawn
		ends := rnd.IntN(events + 1) // how far the old generation comes
		for i := 0; i < ends || rnd.IntN(20) > 0; {
			now = now.Add(time.Millisecond)
			feed := rnd.IntN(shards + 1)
			switch {
			case feed == shards && i < ends:
				m.Old(now, feeds[feed][i])
				got[string(feeds[feed][i].Data)]++
				i++
			case feed < shards && len(feeds[feed]) > 0:
				require.NotContains(t, []Verdict{Full, Deliver, Drop}, m.New(now, feed, feeds[feed][0]))
				feeds[feed] = feeds[feed][1:]
			}
		}
		for i := range shards {
			for e, ok := m.Next(i); ok; e, ok = m.Next(i) {
				got[string(e.Data)]++
			}
		}
		for i := range shards {
			for _, e := range feeds[i] {
				if v := m.New(now, i, e); v == Deliver {
					got[string(e.Data)]++
				} else {
					require.Equal(t, Delivered, v)
				}
			}
		}
		require.Equal(t, want, got, "seed %d", seed)
		held, delivered := m.Size()
		require.Zero(t, held+delivered, "seed %d: nothing is kept of what both have received", seed)
		require.Empty(t, m.held)
	}
}

// TestHeldDataIsACopy wants the caller's buffer to be the caller's.
func TestHeldDataIsACopy(t *testing.T) {
	m := newMatcher(t, 1, 1)
	data := []byte("a")
	require.Equal(t, Hold, m.New(dawn, 0, Event{Name: event.MessageCreate, Data: data}))
	data[0] = 'b'
	e, ok := m.Next(0)
	require.True(t, ok)
	require.Equal(t, "a", string(e.Data))
}

// TestStruckEventsTakeNoMemory lets the new generation be ahead for long.
func TestStruckEventsTakeNoMemory(t *testing.T) {
	m := newMatcher(t, 1, 10)
	for i := range 10_000 {
		e := Event{Name: event.MessageCreate, Data: fmt.Append(nil, i)}
		require.Equal(t, Hold, m.New(dawn, 0, e))
		require.Len(t, m.Old(dawn, e), 1)
		require.LessOrEqual(t, len(m.shards[0].waiting), keepStruck+1)
	}
}

func TestSenselessMatchers(t *testing.T) {
	for _, c := range []struct {
		shards, limit int
		overlap       time.Duration
	}{{0, 1, 1}, {1, 0, 1}, {1, 1, 0}} {
		_, err := New(maphash.MakeSeed(), c.shards, c.overlap, c.limit)
		require.Error(t, err)
	}
	require.Equal(t, "unknown", Verdict(200).String())
	require.Equal(t, "full", Full.String())
}
