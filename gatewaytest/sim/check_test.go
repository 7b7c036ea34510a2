package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/stretchr/testify/require"
)

// A checker that never fails proves nothing: each of these runs is broken on
// purpose, and must be found out.
func TestSimFindsWhatIsWrong(t *testing.T) {
	sim := Sim{Clients: 3, Dispatches: 200, FaultEvery: -1}
	tests := map[string]struct {
		breakIt func(m *simulation, s *world.Session)
		check   func(t *testing.T, m *simulation)
	}{
		"an event that never arrives": {
			func(m *simulation, s *world.Session) { m.trace(s).sent(1 << 40); m.SimResult.Dispatches++ },
			func(t *testing.T, m *simulation) { require.Positive(t, m.Lost) },
		},
		"an event that comes twice": {
			func(m *simulation, s *world.Session) {
				ids := m.trace(s).ids
				m.dispatch(s, ids[len(ids)-1])
			},
			func(t *testing.T, m *simulation) { require.Positive(t, m.Duplicated) },
		},
		"an event of another session": {
			func(m *simulation, s *world.Session) { m.dispatch(s, 77777777) },
			func(*testing.T, *simulation) {},
		},
		"a number left out": {
			func(m *simulation, s *world.Session) { m.linkOf(s).client.lastSeq-- },
			func(t *testing.T, m *simulation) { require.Zero(t, m.Delivered-m.SimResult.Dispatches) },
		},
		"a client that comes back too late": {
			func(m *simulation, s *world.Session) {
				l := m.linkOf(s)
				l.conn.Lost(m.time(), closecode.Abnormal)
				delete(m.links, l.conn)
				c := l.client
				session, state, err := c.store()
				require.NoError(t, err)
				l.clientDone, c.link = true, nil
				require.NoError(t, c.begin(session, state))
				c.arm(m.time().Add(10 * time.Minute))
			},
			func(t *testing.T, m *simulation) { require.Positive(t, m.Lost) },
		},
		"a broken rule": {
			func(m *simulation, s *world.Session) {
				m.linkOf(s).conn.Receive(m.time(), []byte(`{"op":99}`), false)
			},
			func(t *testing.T, m *simulation) { require.Positive(t, m.world.Stats().Violations) },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := sim.withDefaults().start()
			require.NoError(t, err)
			broken := false
			for !m.over {
				e, ok := m.heap.pop()
				require.True(t, ok)
				m.now = e.at
				m.step(e)
				m.pump()
				if all := m.world.Sessions(); !broken && m.SimResult.Dispatches > 20 && len(all) > 0 && all[0].Seq > 8 && all[0].Conn != 0 {
					test.breakIt(m, m.world.Session(all[0].ID))
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

// dispatch sends an event with a number to a session, and does not write it down.
func (m *simulation) dispatch(s *world.Session, n uint64) {
	_, err := m.world.Dispatch(m.time(), event.MessageCreate, fmt.Appendf(nil, `{"n":%d}`, n), world.ToSession(s.ID()))
	if err != nil {
		panic(err)
	}
}

// linkOf returns the link of a session that has a connection.
func (m *simulation) linkOf(s *world.Session) *simLink {
	for c, l := range m.links {
		if c.Session() == s {
			return l
		}
	}
	panic("no link")
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
