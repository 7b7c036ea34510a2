package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

const daveChannel snowflake.ID = 81384788862181376

// A call is a voice channel with clients of both kinds, whose messages travel
// in any order, except that each connection keeps its own.
type call struct {
	t        *testing.T
	r        *rand.Rand
	davey    *daveyProcess
	delivery *dave.Delivery
	now      time.Time
	members  []*member // by joining

	first   func(m *member) bool          // whose messages travel before those of others
	blocked func(m *member, up bool) bool // whose messages do not travel
	tamper  func(m *member, v *gateway.VoiceMessage)
	won     []*member // who committed the epochs
}

// A member is a client in the call. It has no peer if it knows nothing of
// encryption.
type member struct {
	user     snowflake.ID
	peer     peer
	foreign  bool
	down, up []gateway.VoiceMessage // on their way
}

func newCall(t *testing.T, davey *daveyProcess, seed uint64) *call {
	delivery, err := dave.NewDelivery(daveChannel)
	require.NoError(t, err)
	davey.t = t
	davey.must(daveyOrder{Order: "reset"})
	return &call{t: t, r: rand.New(rand.NewPCG(seed, 0)), davey: davey, delivery: delivery, now: time.Now()}
}

// The kinds of clients.
const (
	weJoin   = 'o'
	theyJoin = 't'
	oldJoins = '-' // without encryption
)

func (c *call) join(user snowflake.ID, kind rune) *member {
	m := &member{user: user, foreign: kind == theyJoin}
	version := uint16(dave.ProtocolVersion)
	switch kind {
	case weJoin:
		m.peer = newOurs(c.t, user, daveChannel)
	case theyJoin:
		c.davey.must(daveyOrder{Order: "join", User: user, Channel: daveChannel})
		m.peer = &theirs{process: c.davey, user: user}
	case oldJoins:
		version = 0
	}
	selected, out, err := c.delivery.Join(c.now, user, version)
	require.NoError(c.t, err)
	m.tell(opcode.VoiceSessionDescription, description(selected))
	var others gateway.VoiceClientsConnect
	for _, o := range c.members {
		o.tell(opcode.VoiceClientsConnect, gateway.VoiceClientsConnect{UserIDs: []snowflake.ID{user}})
		others.UserIDs = append(others.UserIDs, o.user)
	}
	if len(others.UserIDs) > 0 {
		m.tell(opcode.VoiceClientsConnect, others)
	}
	c.members = append(c.members, m)
	c.send(out)
	return m
}

// joinAll lets clients of some kinds join, as users 1, 2 and so on.
func (c *call) joinAll(kinds string) {
	for i, kind := range kinds {
		c.join(snowflake.ID(i+1), kind)
	}
}

// otherKind is the kind of client that m is not.
func (m *member) otherKind() rune {
	if m.foreign {
		return weJoin
	}
	return theyJoin
}

// description is a Session Description, with a key that nobody uses.
func description(version uint16) any {
	return map[string]any{"mode": "aead_aes256_gcm_rtpsize", "secret_key": make([]int, 32), "dave_protocol_version": version}
}

func (c *call) leave(m *member) {
	c.members = slices.DeleteFunc(c.members, func(o *member) bool { return o == m })
	if m.foreign {
		c.davey.must(daveyOrder{Order: "leave", User: m.user})
	}
	for _, o := range c.members {
		o.tell(opcode.VoiceClientDisconnect, gateway.VoiceClientDisconnect{UserID: m.user})
	}
	c.send(c.delivery.Leave(c.now, m.user))
}

func (m *member) tell(op opcode.Voice, data any) {
	b, _ := json.Marshal(data) // numbers, ids and lists of them
	m.down = append(m.down, gateway.VoiceMessage{Op: op, Data: b, Seq: -1})
}

func (c *call) member(user snowflake.ID) *member {
	for _, m := range c.members {
		if m.user == user {
			return m
		}
	}
	return nil
}

func (c *call) send(out []dave.Outgoing) {
	for _, o := range out {
		m := c.member(o.To)
		require.NotNil(c.t, m, "message for %d, who is not there", o.To)
		m.down = append(m.down, o.Message)
	}
}

// step lets one message travel. It reports whether there was one.
func (c *call) step() bool {
	type way struct {
		m  *member
		up bool
	}
	var all, early []way
	for _, m := range c.members {
		for _, w := range []way{{m, false}, {m, true}} {
			if w.up && len(m.up) == 0 || !w.up && len(m.down) == 0 || c.blocked != nil && c.blocked(m, w.up) {
				continue
			}
			all = append(all, w)
			if c.first != nil && c.first(m) {
				early = append(early, w)
			}
		}
	}
	if len(early) > 0 {
		all = early
	}
	if len(all) == 0 {
		return false
	}
	if w := all[c.r.IntN(len(all))]; w.up {
		c.arriveUp(w.m)
	} else {
		c.arriveDown(w.m)
	}
	return true
}

func (c *call) arriveDown(m *member) {
	v := m.down[0]
	m.down = m.down[1:]
	if m.peer == nil {
		require.False(c.t, v.Op.DAVE(), "%v for a client without encryption", v.Op)
		return
	}
	if c.tamper != nil {
		v.Data = bytes.Clone(v.Data)
		c.tamper(m, &v)
	}
	m.up = append(m.up, m.peer.receive(c.now, v)...)
}

func (c *call) arriveUp(m *member) {
	v := m.up[0]
	m.up = m.up[1:]
	before := c.delivery.Epoch()
	out, err := c.delivery.HandleVoice(c.now, m.user, v)
	require.NoError(c.t, err, "%v of %d, foreign: %t", v.Op, m.user, m.foreign)
	if v.Op == opcode.DAVECommitWelcome && c.delivery.Epoch() != before {
		c.won = append(c.won, m)
	}
	c.send(out)
}

// travel lets all messages travel that are not blocked.
func (c *call) travel() {
	for c.step() {
	}
}

// settle lets all messages travel, and time pass until nothing is due.
func (c *call) settle() {
	c.t.Helper()
	for range 10_000 {
		if c.step() {
			continue
		}
		at := c.delivery.NextDeadline()
		if at.IsZero() {
			return
		}
		if at.After(c.now) {
			c.now = at
		}
		c.send(c.delivery.HandleTimeout(c.now))
	}
	require.Fail(c.t, "the call never settles")
}

// agree settles, and checks that all are in one group and hear each other.
func (c *call) agree() {
	c.t.Helper()
	c.settle()
	var users []snowflake.ID
	version := uint16(dave.ProtocolVersion)
	for _, m := range c.members {
		users = append(users, m.user)
		if m.peer == nil {
			version = 0
		}
	}
	slices.Sort(users)
	want := standing{Version: version, Epoch: c.delivery.Epoch(), Members: users}
	for _, m := range c.members {
		if m.peer == nil {
			continue
		}
		got := m.peer.standing()
		if version == 0 || len(users) == 1 {
			// The library takes a version that was announced for one that is in
			// use, also when nothing came of it; it does not act like that.
			require.True(c.t, got.Version == version || m.foreign, "of %d", m.user)
			continue
		}
		if want.Code == "" {
			require.Len(c.t, got.Code, 30)
			require.Len(c.t, got.Authenticator, 32)
			want.Code, want.Authenticator = got.Code, got.Authenticator
		}
		require.Equal(c.t, want, got, "of %d, foreign: %t", m.user, m.foreign)
	}
	c.converse(version)
}

// converse lets everybody say something to all others.
func (c *call) converse(version uint16) {
	c.t.Helper()
	for _, from := range c.members {
		if from.peer == nil || len(c.members) == 1 {
			continue
		}
		said := fmt.Appendf([]byte{0xfc}, "%d speaks in epoch %d", from.user, c.delivery.Epoch())
		frame := from.peer.encrypt(c.now, said, dave.Opus)
		require.Equal(c.t, version == 0, bytes.Equal(frame, said))
		for _, to := range c.members {
			if to == from || to.peer == nil {
				continue
			}
			heard, err := to.peer.decrypt(c.now, from.user, frame, dave.Opus)
			require.NoError(c.t, err, "%d hears %d", to.user, from.user)
			require.Equal(c.t, said, heard)
		}
	}
}
