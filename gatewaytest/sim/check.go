package sim

import (
	"bytes"
	"slices"

	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/lifecycle"
)

// A simTrace compares what a session was sent with what the handler saw.
type simTrace struct {
	session *world.Session
	ids     []uint64 // sent, in order
	pos     int      // how many of them were seen
}

func (t *simTrace) sent(id uint64) { t.ids = append(t.ids, id) }

// seen records that the handler saw an event: the next one, if all is well.
func (t *simTrace) seen(m *simulation, id uint64) {
	if t.pos < len(t.ids) && t.ids[t.pos] == id {
		t.pos++
		return
	}
	if slices.Contains(t.ids[:t.pos], id) {
		m.Duplicated++
		m.problem("event %d seen twice", id)
		return
	}
	if i := slices.Index(t.ids[t.pos:], id); i > 0 {
		m.Lost += i
		m.problem("%d events lost before event %d", i, id)
		t.pos += i + 1
		return
	}
	m.problem("event %d is none of its session", id)
}

// simID returns the number in the data of an event.
func simID(data []byte) (id uint64, ok bool) {
	digits, ok := bytes.CutPrefix(data, []byte(`{"n":`))
	if !ok {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			break
		}
		id = id*10 + uint64(c-'0')
	}
	return id, true
}

// finish adds up. What Discord did not let a client resume is forgone, and so
// are sessions whose READY never arrived, because no client knows their ids, and
// those that a client gave up because RESUME was never answered, or because
// nothing could be read. What could have been resumed is lost, by a client that
// was too slow as well: only a world made forgetful excuses that, and an outage.
func (m *simulation) finish() {
	ids := make([]string, 0, len(m.traces))
	for id := range m.traces {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		t := m.traces[id]
		rest := len(t.ids) - t.pos
		switch {
		case rest == 0:
		case t.session.Ended().ByServer(), !m.known[id], m.dead[id] != "", m.gaveUp[id] != lifecycle.NoReason:
			m.Forgone += rest
		case t.session.Ended().ByForgetting() && (m.forgetful || m.excused(t.session)):
			m.Forgone += rest
		default:
			m.Lost += rest
			m.problem("%d events of session %s lost (%s)", rest, id, t.session.Ended())
		}
	}
	st := m.world.Stats()
	m.Identifies, m.Resumes, m.Violations = st.Identifies, st.Resumes, st.Violations
	m.SimResult.Faults += st.Faults
	m.Time = m.now
	for _, v := range m.world.Violations() {
		m.problem("violation by connection %d at %v: %s", v.Conn, v.At.Sub(simEpoch), v.Text)
	}
	if m.Delivered+m.Lost+m.Forgone != m.SimResult.Dispatches {
		m.problem("%d delivered, %d lost and %d forgone are not %d dispatches", m.Delivered, m.Lost, m.Forgone, m.SimResult.Dispatches)
	}
	m.mixIn(uint64(m.Connections), uint64(m.Delivered), uint64(m.Forgone), uint64(m.Commands), uint64(m.Time))
}
