package gatewaytest

import (
	"testing"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/stretchr/testify/require"
)

// A checker that never fails proves nothing: each of these runs is broken on
// purpose, and must be found out.
func TestSimFindsWhatIsWrong(t *testing.T) {
	sim := Sim{Clients: 3, Dispatches: 200, FaultEvery: -1}
	tests := map[string]struct {
		breakIt func(m *simulation, s *session)
		check   func(t *testing.T, m *simulation)
	}{
		"an event that never arrives": {
			func(m *simulation, s *session) { m.trace(s).sent(1 << 40); m.SimResult.Dispatches++ },
			func(t *testing.T, m *simulation) { require.Positive(t, m.Lost) },
		},
		"an event that comes twice": {
			func(m *simulation, s *session) {
				m.world.dispatch(m.time(), s, event.MessageCreate, s.buffer.entries[len(s.buffer.entries)-1].data)
			},
			func(t *testing.T, m *simulation) { require.Positive(t, m.Duplicated) },
		},
		"an event of somebody else": {
			func(m *simulation, s *session) {
				m.world.dispatch(m.time(), s, event.MessageCreate, []byte(`{"n":77777777}`))
			},
			func(*testing.T, *simulation) {},
		},
		"a number left out": {
			func(_ *simulation, s *session) { s.seq++ },
			func(t *testing.T, m *simulation) { require.Zero(t, m.Delivered-m.SimResult.Dispatches) },
		},
		"a client that comes back too late": {
			func(m *simulation, s *session) {
				l := m.links[s.conn]
				l.conn.Lost(m.time(), closecode.Abnormal)
				delete(m.links, l.conn)
				c := l.client
				c.session, c.resumes = l.state.Session()
				l.clientDone, c.link = true, nil
				m.heap.push(simEvent{at: m.now + 10*time.Minute, kind: simDial, owner: c})
			},
			func(t *testing.T, m *simulation) { require.Positive(t, m.Lost) },
		},
		"a broken rule": {
			func(m *simulation, s *session) { s.conn.Receive(m.time(), []byte(`{"op":99}`), false) },
			func(t *testing.T, m *simulation) { require.Positive(t, m.world.stats.Violations) },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := sim.withDefaults().start()
			broken := false
			for !m.over {
				e, ok := m.heap.pop()
				require.True(t, ok)
				m.now = e.at
				m.step(e)
				m.pump()
				if s := m.world.order; !broken && m.SimResult.Dispatches > 20 && len(s) > 0 && len(s[0].buffer.entries) > 8 && s[0].conn != nil {
					test.breakIt(m, s[0])
					m.pump()
					broken = true
				}
			}
			m.finish()
			require.NotEmpty(t, m.Problems)
			test.check(t, m)
		})
	}
}

func TestSimHeapKeepsOrder(t *testing.T) {
	var h simHeap
	for _, at := range []int{5, 3, 5, 1, 4, 1, 5, 9, 2, 6} {
		h.push(simEvent{at: time.Duration(at)})
	}
	var last simEvent
	for range 10 {
		e, ok := h.pop()
		require.True(t, ok)
		require.True(t, e.at > last.at || e.at == last.at && e.order > last.order)
		last = e
	}
	_, ok := h.pop()
	require.False(t, ok)
}
