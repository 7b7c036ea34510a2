package sim

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// voiceNonces are those that were used with a key, by either end.
type voiceNonces struct {
	ssrc           uint32 // of the session that has the key
	client, server int64  // the last ones, -1 for none
}

// checkKey checks that each session has keys of its own.
func (m *voiceSimulation) checkKey(r relay.Route) {
	if r.Mode == "" {
		return
	}
	used := m.nonces[r.Key]
	if used == nil {
		m.nonces[r.Key] = &voiceNonces{ssrc: r.SSRC, client: -1, server: math.MaxInt32}
	} else if used.ssrc != r.SSRC {
		m.problem("sessions %d and %d have the same key", used.ssrc, r.SSRC)
	}
}

// checkNonce checks that a sealed packet has a nonce that was not used before
// with its key: each end counts upwards, in a half of its own.
func (m *voiceSimulation) checkNonce(key gateway.VoiceKey, sealed []byte, server bool) {
	used := m.nonces[key]
	if used == nil {
		m.problem("a packet with a key that no server gave away")
		return
	}
	nonce := int64(binary.BigEndian.Uint32(sealed[len(sealed)-4:]))
	last, limit := &used.client, int64(math.MaxInt32)
	if server {
		last, limit = &used.server, math.MaxUint32
	}
	if nonce <= *last || nonce > limit {
		m.problem("nonce %d after %d, by the server: %t", nonce, *last, server)
	}
	*last = nonce
}

// checkAudio checks who gets a packet that a relay sends, and returns the key
// that it is sealed with.
func (h *voiceHost) checkAudio(to *voiceMedia, sealed []byte, fresh bool) gateway.VoiceKey {
	var header rtp.Header
	if _, err := header.Unmarshal(sealed); err != nil {
		h.m.problem("server %d sends: %v", h.n, err)
	}
	from, known := h.routes[header.SSRC]
	receiver, ok := h.routes[to.ssrc]
	switch {
	case !ok || to.host != h:
		h.m.problem("audio for user %d, who has left", to.call.u.id)
		return gateway.VoiceKey{}
	case receiver.Deaf || to.call.u.state.Deaf && to.call.u.guild.host == h:
		h.m.problem("audio for user %d, who is deaf", receiver.User)
	case header.SSRC == to.ssrc:
		h.m.problem("user %d gets its own audio", receiver.User)
	case known && from.Channel != receiver.Channel:
		h.m.problem("user %d in channel %d gets audio of channel %d", receiver.User, receiver.Channel, from.Channel)
	case fresh && (!known || from.Muted):
		h.m.problem("audio of user %d, who may not speak", from.User)
	}
	h.m.checkNonce(receiver.Key, sealed, true)
	return receiver.Key
}

// checkSequence checks that no numbered message is lost or comes twice, across
// connections of a session too.
func (c *voiceCall) checkSequence(m *gateway.VoiceMessage) {
	if m == nil || m.Seq < 0 {
		return
	}
	want := int(uint16(c.lastSeq + 1))
	if c.lastSeq < 0 {
		want = int(c.link.host.first)
	}
	if m.Outdated || m.Seq != want {
		c.m.problem("user %d: message %d instead of %d (outdated: %t)", c.u.id, m.Seq, want, m.Outdated)
	}
	c.lastSeq = m.Seq
}

// judge looks at the rules that clients have broken since the last call.
func (h *voiceHost) judge() {
	violations := h.core.Violations()
	for _, v := range violations[h.judged:] {
		if !h.conns[v.Conn-1].mayViolate(v) {
			h.m.problem("violation by user %d: %d: %s", v.User, v.Code, v.Text)
		}
	}
	h.judged = len(violations)
}

// mayViolate reports whether it is for the network that a client broke a rule.
// What is said on a broken connection does not arrive, and a token may become
// wrong on its way.
func (l *voiceLink) mayViolate(v signaling.Violation) bool {
	switch {
	case v.Code == closecode.VoiceAuthenticationFailed, v.Code == closecode.VoiceSessionInvalid, l.broken:
		return true
	case v.Text == "audio without speaking": // which was lost with the connection before
		return l.call.media == nil || l.call.media.announced != l
	}
	return false
}

// voiceQuiet is how long calls may take to come to rest.
const voiceQuiet = 5 * time.Minute

// settle ends the faults, and lets the calls come to rest.
func (m *voiceSimulation) settle() {
	m.settled = m.now
	for _, u := range m.users {
		u.delay = voiceOnTime
		u.recover()
		u.restrict(signaling.MemberState{})
	}
	m.after(time.Second, m.check)
}

// check ends the run when every call is heard.
func (m *voiceSimulation) check() {
	if m.now > m.settled+voiceQuiet {
		m.problem("calls do not come to rest: %s", m.restless())
		return
	}
	m.reunite()
	for _, u := range m.users {
		if u.unrest() != "" {
			m.after(time.Second, m.check)
			return
		}
	}
	m.part()
}

// restless says what one of the users waits for.
func (m *voiceSimulation) restless() string {
	for _, u := range m.users {
		if why := u.unrest(); why != "" {
			return "user " + u.id.String() + ": " + why
		}
	}
	return ""
}

// unrest says what a user waits for, nothing if its call is well.
func (u *voiceUser) unrest() string {
	c := u.call
	switch {
	case c == nil:
		return "no call"
	case c.link == nil || c.link.broken || !c.link.state.Active():
		return "no connection"
	case !c.speaks():
		return "no audio"
	case u.heardAt < max(u.m.settled, u.faultAt):
		return "no member hears it"
	}
	if n := len(c.others.present) + 1; n != u.guild.host.audience(u.place.channel) {
		return "it does not know who is there"
	}
	for _, o := range u.guild.users {
		if o == u || o.place.channel != u.place.channel || o.call == nil || o.call.media == nil {
			continue
		}
		if !c.others.present[o.id] || c.others.who[o.call.media.ssrc] != o.id {
			return "it does not know user " + o.id.String()
		}
		if !c.agrees(o.call) {
			return "it has not the keys of user " + o.id.String()
		}
	}
	return ""
}

// reunite moves users that are alone to the other channel of their guild.
func (m *voiceSimulation) reunite() {
	for _, g := range m.guilds {
		if g.host == nil || slices.ContainsFunc(g.users, func(u *voiceUser) bool { return u.place.channel == 0 }) {
			continue
		}
		for i, channel := range g.channels {
			var in []*voiceUser
			for _, u := range g.users {
				if u.place.channel == channel {
					in = append(in, u)
				}
			}
			if len(in) == 1 {
				in[0].move(g.channels[1-i])
				break
			}
		}
	}
}

// part lets all users leave.
func (m *voiceSimulation) part() {
	m.leaving = true
	for _, u := range m.users {
		m.Speaking++
		u.call.leave(errVoiceParted)
		u.call = nil
	}
}

// finish adds up, and checks that the servers have forgotten all members.
func (m *voiceSimulation) finish() {
	m.Time = m.now
	stopped := 0
	for _, n := range m.Stopped {
		stopped += n
	}
	if !m.leaving || m.Begun != m.Speaking+stopped {
		m.problem("of %d calls %d are heard and %d stopped", m.Begun, m.Speaking, stopped)
	}
	for _, h := range m.hosts {
		h.checkEmpty()
	}
	m.mixIn(uint64(m.Connections), uint64(m.Begun), uint64(m.Sent), uint64(m.Lost), uint64(m.Heard), uint64(m.Time))
}

// checkEmpty checks that nothing is left of clients that have left: a relay
// tells nothing of itself, but it answers those that it knows.
func (h *voiceHost) checkEmpty() {
	if h.dead || !h.m.leaving {
		return
	}
	st := h.core.Stats()
	if st.Open+st.Members+st.Channels+st.Sessions != 0 || !h.core.NextDeadline().IsZero() || !h.relay.NextDeadline().IsZero() || len(h.routes) != 0 {
		h.m.problem("server %d remembers %d connections, %d members, %d channels, %d sessions and %d routes", h.n, st.Open, st.Members, st.Channels, st.Sessions, len(h.routes))
	}
	late := h.m.time().Add(time.Hour)
	for _, md := range h.media {
		for _, addr := range md.addrs {
			h.relay.Forward(late, addr, rtp.AppendDiscoveryRequest(nil, md.ssrc), &h.out)
			h.relay.Forward(late, addr, make([]byte, rtp.KeepaliveSize), &h.out)
		}
	}
	if n := len(h.out.Datagrams()); n > 0 {
		h.m.problem("the relay of server %d answers %d datagrams of clients that have left", h.n, n)
	}
}
