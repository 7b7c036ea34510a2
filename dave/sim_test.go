package dave

import (
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

const testChannel = 81384788862181376

// A sim is a call in virtual time: a Delivery, Sessions, and between them links
// that delay, break and replay, but keep their order as TCP does.
type sim struct {
	t        testing.TB
	r        *rand.Rand
	now      time.Time
	delivery *Delivery
	clients  []*client // connected, by joining
	events   events
	count    int
	latency  time.Duration // at most
	trace    []string
	tamper   func(gateway.VoiceMessage) gateway.VoiceMessage // what the server sends
	mangle   func(gateway.VoiceMessage) gateway.VoiceMessage // what clients send
}

// A client is a Session and its connection.
type client struct {
	user    snowflake.ID
	version uint16
	session *Session
	mangle  func(gateway.VoiceMessage) gateway.VoiceMessage // what it sends
	gone    bool

	link         int // counts connections; what is under way on an older one is lost
	up           bool
	inbox        []gateway.VoiceMessage // all that the server sent, for replays
	sent         int                    // of inbox, on this link
	received     int                    // of inbox
	downAt, upAt time.Time              // when the last message arrives, in either direction
}

type event struct {
	at    time.Time
	order int
	do    func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if !e[i].at.Equal(e[j].at) {
		return e[i].at.Before(e[j].at)
	}
	return e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func newSim(t testing.TB, seed uint64, options ...DeliveryOption) *sim {
	t.Helper()
	d, err := NewDelivery(testChannel, options...)
	require.NoError(t, err)
	return &sim{t: t, r: rand.New(rand.NewPCG(seed, 1)), now: epoch, delivery: d, latency: 200 * time.Millisecond}
}

func (s *sim) note(format string, args ...any) {
	s.trace = append(s.trace, s.now.Format("05.000 ")+fmt.Sprintf(format, args...))
}

func (s *sim) at(at time.Time, do func()) {
	s.count++
	heap.Push(&s.events, event{at, s.count, do})
}

func (s *sim) after(d time.Duration, do func()) { s.at(s.now.Add(d), do) }

// arrive picks when a message arrives that follows one at last.
func (s *sim) arrive(last time.Time) time.Time {
	at := s.now
	if s.latency > 0 {
		at = at.Add(time.Duration(s.r.Int64N(int64(s.latency))))
	}
	if at.Before(last) {
		return last
	}
	return at
}

// join connects a user with a session of its own.
func (s *sim) join(user snowflake.ID, version uint16, options ...Option) *client {
	s.t.Helper()
	session, err := NewSession(user, testChannel, options...)
	require.NoError(s.t, err)
	c := &client{user: user, version: version, session: session, up: true}
	s.enter(c)
	return c
}

func (s *sim) enter(c *client) {
	s.t.Helper()
	selected, out, err := s.delivery.Join(s.now, c.user, c.version)
	require.NoError(s.t, err)
	s.note("join %d version %d: %d", c.user, c.version, selected)
	s.toClient(c, textMessage(opcode.VoiceSessionDescription, gateway.VoiceSessionDescription{DAVEProtocolVersion: selected}))
	var others gateway.VoiceClientsConnect
	for _, o := range s.clients {
		others.UserIDs = append(others.UserIDs, o.user)
		s.toClient(o, textMessage(opcode.VoiceClientsConnect, gateway.VoiceClientsConnect{UserIDs: []snowflake.ID{c.user}}))
	}
	s.clients = append(s.clients, c)
	s.toClient(c, textMessage(opcode.VoiceClientsConnect, others))
	s.deliver(out)
}

func (s *sim) leave(c *client) {
	s.note("leave %d", c.user)
	s.clients = slices.DeleteFunc(s.clients, func(o *client) bool { return o == c })
	c.gone, c.up = true, false
	for _, o := range s.clients {
		s.toClient(o, textMessage(opcode.VoiceClientDisconnect, gateway.VoiceClientDisconnect{UserID: c.user}))
	}
	s.deliver(s.delivery.Leave(s.now, c.user))
}

func (s *sim) client(user snowflake.ID) *client {
	for _, c := range s.clients {
		if c.user == user {
			return c
		}
	}
	return nil
}

func (s *sim) deliver(out []Outgoing) {
	for _, o := range out {
		c := s.client(o.To)
		require.NotNil(s.t, c, "message for %d, who is not there", o.To)
		require.Positive(s.t, c.version, "%v for a client without DAVE", o.Message.Op)
		s.toClient(c, o.Message)
	}
}

func (s *sim) toClient(c *client, m gateway.VoiceMessage) {
	if s.tamper != nil {
		m = s.tamper(m)
	}
	c.inbox = append(c.inbox, m)
	s.pump(c)
}

// pump puts what was not sent on the link.
func (s *sim) pump(c *client) {
	if !c.up || c.gone {
		return
	}
	for ; c.sent < len(c.inbox); c.sent++ {
		i, link := c.sent, c.link
		c.downAt = s.arrive(c.downAt)
		s.at(c.downAt, func() {
			if link == c.link && !c.gone {
				c.received = i + 1
				s.receive(c, c.inbox[i])
			}
		})
	}
}

func (s *sim) receive(c *client, m gateway.VoiceMessage) {
	if c.version == 0 && m.Op.DAVE() {
		require.Failf(s.t, "DAVE message for a client without", "%v", m.Op)
	}
	if j := c.session.joiner; m.Op == opcode.DAVEProposals && j != nil {
		require.NotContains(s.t, string(m.Data), string(j.KeyPackage()), "%d gets its own Add", c.user)
	}
	m.Seq = c.received
	before := c.session.refusal
	replies, err := c.session.HandleVoice(s.now, m)
	require.NoError(s.t, err)
	s.note("%d <- %v %.40s", c.user, m.Op, text(m))
	if c.session.refusal != before {
		s.note("%d refuses: %v", c.user, c.session.refusal)
	}
	for _, r := range replies {
		s.toServer(c, r)
	}
}

func text(m gateway.VoiceMessage) string {
	if m.Op.Binary() {
		return fmt.Sprintf("%d bytes", len(m.Data))
	}
	return string(m.Data)
}

func (s *sim) toServer(c *client, m gateway.VoiceMessage) {
	if s.mangle != nil {
		m = s.mangle(m)
	}
	if c.mangle != nil {
		m = c.mangle(m)
	}
	link := c.link
	c.upAt = s.arrive(c.upAt)
	s.at(c.upAt, func() {
		if link != c.link || c.gone {
			return
		}
		out, err := s.delivery.HandleVoice(s.now, c.user, m)
		if s.mangle == nil || !errors.Is(err, ErrCommit) {
			require.NoError(s.t, err, "%v from %d", m.Op, c.user)
		}
		s.note("%d -> %v %.40s: %d", c.user, m.Op, text(m), len(out))
		s.deliver(out)
	})
}

// cut breaks the connection of a client, which resumes after a while. What it
// sent may be lost, what it was sent is replayed before or after Resumed.
func (s *sim) cut(c *client, d time.Duration) {
	s.note("cut %d", c.user)
	c.link++
	c.up = false
	s.after(d, func() {
		if c.gone || c.up {
			return
		}
		s.note("resume %d", c.user)
		c.up, c.sent, c.downAt, c.upAt = true, c.received, s.now, s.now
		resumed := gateway.VoiceMessage{Op: opcode.VoiceResumed, Seq: -1}
		at := c.received
		if s.r.IntN(2) == 0 {
			at = len(c.inbox)
		}
		c.inbox = slices.Insert(c.inbox, at, resumed)
		s.pump(c)
	})
}

// run lets time pass until d from now.
func (s *sim) run(d time.Duration) {
	end := s.now.Add(d)
	for {
		next := s.delivery.NextDeadline()
		if len(s.events) > 0 {
			next = deadline.Earliest(next, s.events[0].at)
		}
		if next.IsZero() || next.After(end) {
			s.now = end
			return
		}
		if next.After(s.now) {
			s.now = next
		}
		if len(s.events) > 0 && !s.events[0].at.After(s.now) {
			heap.Pop(&s.events).(event).do()
			continue
		}
		s.deliver(s.delivery.HandleTimeout(s.now))
	}
}

// settle lets time pass until nothing happens any more.
func (s *sim) settle() {
	s.run(10 * time.Minute)
	require.Empty(s.t, s.events)
	require.Zero(s.t, s.delivery.NextDeadline())
}

// requireCall checks that all clients are in one group, or that there is none,
// and that they hear each other.
func (s *sim) requireCall() {
	s.t.Helper()
	defer func() {
		if s.t.Failed() {
			for _, line := range s.trace[max(0, len(s.trace)-400):] {
				s.t.Log(line)
			}
		}
	}()
	want := uint16(ProtocolVersion)
	var users []snowflake.ID
	for _, c := range s.clients {
		want = min(want, c.version)
		users = append(users, c.user)
	}
	slices.Sort(users)
	for _, c := range s.clients {
		if c.version == 0 {
			continue
		}
		require.Equal(s.t, want, c.session.Version(), "%d", c.user)
		require.True(s.t, c.session.Ready(), "%d", c.user)
		if want == 0 || len(users) == 1 {
			require.Zero(s.t, c.session.Epoch())
			require.Empty(s.t, c.session.PrivacyCode())
			require.Empty(s.t, c.session.EpochAuthenticator())
			continue
		}
		require.Equal(s.t, s.delivery.Epoch(), c.session.Epoch(), "%d", c.user)
		require.Equal(s.t, s.clients[0].session.PrivacyCode(), c.session.PrivacyCode(), "%d", c.user)
		require.Equal(s.t, s.clients[0].session.EpochAuthenticator(), c.session.EpochAuthenticator(), "%d", c.user)
		members := c.session.Members()
		slices.Sort(members)
		require.Equal(s.t, users, members, "%d", c.user)
	}
	if len(users) > 0 {
		require.Equal(s.t, want, s.delivery.Version())
	}
	s.requireFrames(want)
}

// requireFrames lets everybody speak.
func (s *sim) requireFrames(version uint16) {
	s.t.Helper()
	for _, from := range s.clients {
		if from.version == 0 {
			continue
		}
		said := fmt.Sprintf("%d speaks", from.user)
		frame, err := from.session.EncryptFrame(s.now, nil, []byte(said), Opus)
		require.NoError(s.t, err)
		require.Equal(s.t, version == 0, string(frame) == said)
		for _, to := range s.clients {
			if to == from || to.version == 0 {
				continue
			}
			heard, err := to.session.DecryptFrame(s.now, from.user, nil, frame)
			require.NoError(s.t, err, "%d hears %d", to.user, from.user)
			require.Equal(s.t, said, string(heard))
		}
	}
}

// voice makes a message as the server sends it.
func voice(op opcode.Voice, data any) gateway.VoiceMessage {
	switch data := data.(type) {
	case []byte:
		return binaryMessage(op, data)
	case string:
		return gateway.VoiceMessage{Op: op, Data: []byte(data), Seq: -1}
	}
	b, _ := json.Marshal(data)
	return gateway.VoiceMessage{Op: op, Data: b, Seq: -1}
}
