package sim

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/lifecycle"
)

// resumeURLs are what READY says, in turn: URLs that a client may resume at, and
// URLs that it must not.
var resumeURLs = []string{
	"wss://gateway-us-east1-b.discord.gg", "wss://gateway-us-east1-c.discord.gg", "wss://gateway.discord.gg", "",
	"ws://gateway-us-east1-b.discord.gg", "wss://gateway.discord.gg.invalid", "wss://192.0.2.1", "https://gateway.discord.gg",
}

// allowed lists the hosts that clients may dial, resume hosts first.
var allowed = []string{"wss://gateway-us-east1-b.discord.gg/", "wss://gateway-us-east1-c.discord.gg/", "wss://gateway.discord.gg/"}

var ordinaryHost = lifecycle.HostOf(gateway.DefaultURL)

// comeBack is how soon after an outage every client must have resumed.
const comeBack = 2 * time.Minute

// A span is a time from which to which something lasts, since the start.
type span struct{ from, to time.Duration }

// excused reports whether a client could not come back in time to resume a
// session, because no host answered when it expired.
func (m *simulation) excused(s *world.Session) bool {
	expired := s.DetachedAt().Add(simLife).Sub(simEpoch)
	for _, e := range m.excuses {
		if e.from <= expired && expired <= e.to {
			return true
		}
	}
	return false
}

// checkHost checks that the token goes nowhere else.
func (m *simulation) checkHost(l *simLink) {
	for _, host := range allowed {
		if l.host == host {
			return
		}
	}
	m.problem("client %d dials %q", l.client.id, l.host)
}

// A hostOutage is a host that does not answer, or with a status.
type hostOutage struct {
	until      time.Duration
	status     int
	retryAfter time.Duration
}

// outage lets hosts not answer for a time. A network that is gone takes the
// connections with it.
func (m *simulation) outage(t Trouble) {
	o := hostOutage{until: m.now + t.For, status: t.Status, retryAfter: t.RetryAfter}
	for _, host := range allowed {
		if t.Outage == "all" || (t.Outage == "ordinary") == (host == ordinaryHost) {
			m.outages[host] = o
		}
	}
	if t.Outage != "resume" {
		// A client that was told to wait does so, and a random time more.
		asked := min(t.RetryAfter, lifecycle.MaxRetryAfter) * 5 / 4
		m.excuses = append(m.excuses, span{m.now, o.until + asked + comeBack})
	}
	if t.Outage == "all" && t.Status == 0 {
		for _, c := range m.clients {
			if c.link != nil {
				c.link.breakNow()
			}
		}
	}
}

// silent reports whether a host does not answer at all.
func (m *simulation) silent(host string) bool {
	o, ok := m.outages[host]
	return ok && m.now < o.until && o.status == 0
}

// refusing returns with which status a host refuses dials, if it does.
func (m *simulation) refusing(host string) (f lifecycle.HostFailure, ok bool) {
	o, ok := m.outages[host]
	if !ok || m.now >= o.until || o.status == 0 {
		return f, false
	}
	return lifecycle.HostFailure{Status: o.status, RetryAfter: o.retryAfter}, true
}

// share makes what the clients share, as a process begins.
func (m *simulation) share(state lifecycle.BudgetState) (err error) {
	m.shared, err = lifecycle.NewShared(lifecycle.WithSharedRandom(m.rng.Float64),
		lifecycle.WithBudget(lifecycle.WithStarts(m.Starts), lifecycle.WithBudgetState(state)))
	return err
}

// storedBudget returns the budget as a store has it.
func (m *simulation) storedBudget() (state lifecycle.BudgetState, err error) {
	data, err := json.Marshal(m.shared.Budget().State())
	if err == nil {
		err = json.Unmarshal(data, &state)
	}
	if err != nil {
		return state, fmt.Errorf("store: %w", err)
	}
	return state, nil
}

// countIdentify checks the day's budget without the code that keeps it.
func (m *simulation) countIdentify(client uint) {
	for len(m.starts) > 0 && m.now-m.starts[0] >= 24*time.Hour {
		m.starts = m.starts[1:]
	}
	m.starts = append(m.starts, m.now)
	m.MaxStarts = max(m.MaxStarts, len(m.starts))
	if most := m.Starts - m.Starts/20; len(m.starts) > most {
		m.problem("client %d: identify %d of %d within 24 hours", client, len(m.starts), most)
	}
}

// givenUp is a session that a client gives up, though the world said nothing.
func (m *simulation) givenUp(session string, why lifecycle.ShardReason) {
	m.GivenUp++
	m.gaveUp[session] = why
	switch {
	case why == lifecycle.BecauseSessionDead && m.dead[session] != "":
		m.DeadFound++
	case why == lifecycle.BecauseSessionUnreadable:
		m.Unreadable++
	}
}
