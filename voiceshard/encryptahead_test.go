package voiceshard

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// Sound that was encrypted ahead is encrypted anew when the keys change. In
// drawn histories members with and without DAVE come and go while a player
// with a look-ahead plays. A judge reads every datagram that the bot sends:
//
//   - none is in clear while the call is encrypted;
//   - none can be decrypted by a member that had left when the transition of
//     that was executed;
//   - each member gets every frame after the execution of the transition that
//     brought it in, and the one that is there all the time gets them all.
func TestAheadIsEncryptedAnew(t *testing.T) {
	histories := 24
	if testing.Short() {
		histories = 6
	}
	first := rand.Int64N(1 << 40)
	for seed := first; seed < first+int64(histories); seed++ {
		ahead := []time.Duration{0, DefaultLookAhead, 3 * time.Second, 14 * time.Second}[seed%4]
		t.Run(fmt.Sprintf("%d/%v", seed, ahead), func(t *testing.T) { playEncrypted(t, uint64(seed), ahead) })
	}
}

// playEncrypted plays thirty seconds in one drawn history.
func playEncrypted(t *testing.T, seed uint64, ahead time.Duration) {
	call := newEncryptedCall(t, seed)
	call.run(t, ahead, 1500, func() {
		for n := range 12 {
			sleep(call.draw(4 * time.Second))
			call.happen(snowflake.ID(1000 + n))
		}
	})
}

func newEncryptedCall(t *testing.T, seed uint64) *encryptedCall {
	d, err := dave.NewDelivery(lobby)
	require.NoError(t, err)
	return &encryptedCall{
		t: t, r: rand.New(rand.NewPCG(seed, 5)), delivery: d,
		members: make(map[snowflake.ID]*member), lead: make(map[uint16][]snowflake.ID),
	}
}

// run plays frames of 20 ms while something happens, and judges.
func (e *encryptedCall) run(t *testing.T, ahead time.Duration, frames int, happen func()) {
	run(t, func(t *testing.T, d *discord) {
		e.t, e.d, e.host = t, d, d.server(theHost)
		e.host.onMessage(e.serve)
		e.join(other, 1)
		p, err := d.join().Play(t.Context(), record(frames), WithLookAhead(ahead))
		require.NoError(t, err)
		happen()
		require.NoError(t, p.Wait(t.Context()))
		sleep(3 * time.Second)
		e.verdict(frames)
	}, WithE2EE(func(user, channel snowflake.ID) (FrameCryptor, error) {
		s, err := dave.NewSession(user, channel)
		return &witness{s, e}, err
	}), WithMediaDial(func(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
		nc, err := e.d.dialMedia(ctx, addr)
		return &judged{nc, e}, err
	}))
}

// A client without DAVE comes and goes fifty times, and so does a member, while
// a player with a look-ahead of 14 s plays: nothing is lost for the one who stays,
// and nothing is in clear while the call is encrypted.
func TestPlayWhileAClientWithoutDAVEComesAndGoes(t *testing.T) {
	times := 50
	if testing.Short() {
		times = 5
	}
	frames := times * 150 // three seconds each
	call := newEncryptedCall(t, 1)
	call.run(t, 14*time.Second, frames, func() {
		for n := range times {
			sleep(time.Second)
			call.join(snowflake.ID(2*n+1), uint16(n%5/4))
			sleep(time.Second)
			call.mu.Lock()
			last := call.order[len(call.order)-1]
			call.mu.Unlock()
			call.leave(last)
		}
	})
}

// An encryptedCall is a voice server with a delivery service, and members that
// are machines of package dave. Our bot is one member.
type encryptedCall struct {
	t    *testing.T
	r    *rand.Rand
	d    *discord
	host *server

	mu       sync.Mutex // guards what follows
	delivery *dave.Delivery
	members  map[snowflake.ID]*member
	order    []*member
	present  bool // our bot
	botAt    time.Time
	seq      uint16
	clock    *time.Timer
	problems []string

	version  uint16                    // that our bot sends with
	audience []snowflake.ID            // who is in the group that it sends to
	since    time.Time                 // of both
	lead     map[uint16][]snowflake.ID // audiences of transitions that are prepared
}

// A member is another user in the call, or one who was.
type member struct {
	call    *encryptedCall
	user    snowflake.ID
	version uint16
	session *dave.Session
	there   bool
	at      time.Time // when the last message arrives
	next    int       // the frame that must come
	early   []early
}

// An early frame could not be decrypted yet.
type early struct {
	frame []byte
	until time.Time
	must  bool // it is for the member
}

func (e *encryptedCall) problem(format string, args ...any) {
	if len(e.problems) < 5 {
		e.problems = append(e.problems, fmt.Sprintf(format, args...))
	}
}

// draw returns a random time below the limit.
func (e *encryptedCall) draw(limit time.Duration) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Duration(e.r.Int64N(int64(limit)))
}

// happen lets a member come or go.
func (e *encryptedCall) happen(user snowflake.ID) {
	e.mu.Lock()
	var there []*member
	for _, m := range e.order {
		if m.there && m.user != other {
			there = append(there, m)
		}
	}
	leaves, who, clear := len(there) > 0 && e.r.IntN(2) == 0, e.r.IntN(max(len(there), 1)), e.r.IntN(3) == 0
	e.mu.Unlock()
	switch {
	case leaves:
		e.leave(there[who])
	case clear:
		e.join(user, 0)
	default:
		e.join(user, 1)
	}
}

func (e *encryptedCall) join(user snowflake.ID, version uint16) {
	session, err := dave.NewSession(user, lobby)
	require.NoError(e.t, err)
	e.mu.Lock()
	defer e.mu.Unlock()
	m := &member{call: e, user: user, version: version, session: session, there: true}
	e.tellAll(opcode.VoiceClientsConnect, gateway.VoiceClientsConnect{UserIDs: []snowflake.ID{user}})
	e.members[user] = m
	e.order = append(e.order, m)
	selected, out, err := e.delivery.Join(time.Now(), user, version)
	require.NoError(e.t, err)
	m.send(opcode.VoiceSessionDescription, encode(gateway.VoiceSessionDescription{DAVEProtocolVersion: selected}))
	m.send(opcode.VoiceClientsConnect, encode(gateway.VoiceClientsConnect{UserIDs: e.others(user)}))
	e.deliver(out)
}

func (e *encryptedCall) leave(m *member) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m.there = false
	e.deliver(e.delivery.Leave(time.Now(), m.user))
	e.tellAll(opcode.VoiceClientDisconnect, gateway.VoiceClientDisconnect{UserID: m.user})
}

// others returns who is in the call, besides one.
func (e *encryptedCall) others(user snowflake.ID) (ids []snowflake.ID) {
	for _, m := range e.order {
		if m.there && m.user != user {
			ids = append(ids, m.user)
		}
	}
	if e.present && user != bot {
		ids = append(ids, bot)
	}
	return ids
}

func (e *encryptedCall) tellAll(op opcode.Voice, v any) {
	for _, m := range e.order {
		if m.there {
			m.send(op, encode(v))
		}
	}
	if e.present {
		e.sendBot(op, encode(v))
	}
}

// serve is the voice server towards our bot.
func (e *encryptedCall) serve(c *client, m gateway.VoiceMessage) {
	switch {
	case m.Op == opcode.VoiceSelectProtocol:
		e.mu.Lock()
		defer e.mu.Unlock()
		e.tellAll(opcode.VoiceClientsConnect, gateway.VoiceClientsConnect{UserIDs: []snowflake.ID{bot}})
		version, out, err := e.delivery.Join(time.Now(), bot, 1)
		require.NoError(e.t, err)
		e.present = true
		d := gateway.VoiceSessionDescription{Mode: string(rtp.AES256GCM), SecretKey: c.s.key, DAVEProtocolVersion: version}
		e.sendBot(opcode.VoiceSessionDescription, encode(d))
		e.sendBot(opcode.VoiceClientsConnect, encode(gateway.VoiceClientsConnect{UserIDs: e.others(bot)}))
		e.deliver(out)
	case m.Op.DAVE():
		e.mu.Lock()
		defer e.mu.Unlock()
		e.handle(bot, m)
	default:
		c.s.serve(c, m)
	}
}

// handle gives a message of a client to the delivery service.
func (e *encryptedCall) handle(user snowflake.ID, m gateway.VoiceMessage) {
	out, err := e.delivery.HandleVoice(time.Now(), user, m)
	if err != nil {
		e.problem("user %d: %v", user, err)
	}
	e.deliver(out)
}

// deliver sends what the delivery service wants sent.
func (e *encryptedCall) deliver(out []dave.Outgoing) {
	for _, o := range out {
		if o.To == bot {
			e.sendBot(o.Message.Op, o.Message.Data)
		} else if m := e.members[o.To]; m != nil && m.there {
			m.send(o.Message.Op, o.Message.Data)
		}
	}
	if at := e.delivery.NextDeadline(); !at.IsZero() {
		if e.clock != nil {
			e.clock.Stop()
		}
		e.clock = time.AfterFunc(time.Until(at), func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.deliver(e.delivery.HandleTimeout(time.Now()))
		})
	}
}

// inOrder does something after a random time, and not before what came earlier.
func (e *encryptedCall) inOrder(last *time.Time, do func()) {
	at := time.Now().Add(time.Duration(e.r.Int64N(int64(200 * time.Millisecond))))
	if !at.After(*last) {
		at = last.Add(time.Microsecond)
	}
	*last = at
	time.AfterFunc(time.Until(at), do)
}

// sendBot sends a message to our bot.
func (e *encryptedCall) sendBot(op opcode.Voice, data []byte) {
	e.seq++
	seq, c := e.seq, e.host.last()
	e.inOrder(&e.botAt, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if op.Binary() {
			c.write(2, append(binary.BigEndian.AppendUint16(nil, seq), append([]byte{byte(op)}, data...)...))
		} else {
			c.write(1, fmt.Appendf(nil, `{"op":%d,"seq":%d,"d":%s}`, op, seq, data))
		}
	})
}

// send sends a message to a member, whose answers go to the delivery service.
func (m *member) send(op opcode.Voice, data []byte) {
	e := m.call
	e.inOrder(&m.at, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if m.version == 0 {
			return // a client without DAVE does not know these messages
		}
		replies, err := m.session.HandleVoice(time.Now(), gateway.VoiceMessage{Op: op, Data: data, Seq: -1})
		if err != nil {
			e.problem("user %d: %v: %v", m.user, op, err)
		}
		m.retry()
		for _, r := range replies {
			e.inOrder(&m.at, func() {
				e.mu.Lock()
				defer e.mu.Unlock()
				if m.there {
					e.handle(m.user, r)
				}
			})
		}
	})
}

func encode(v any) []byte {
	data, _ := json.Marshal(v)
	return data
}

// A witness is our bot's encryption. It notes what the bot sends with.
type witness struct {
	*dave.Session
	call *encryptedCall
}

func (w *witness) HandleVoice(now time.Time, m gateway.VoiceMessage) ([]gateway.VoiceMessage, error) {
	replies, err := w.Session.HandleVoice(now, m)
	e := w.call
	e.mu.Lock()
	defer e.mu.Unlock()
	version := w.Session.Version()
	switch m.Op {
	case opcode.DAVEAnnounceCommit, opcode.DAVEWelcome:
		id := binary.BigEndian.Uint16(m.Data)
		e.lead[id] = w.Session.Members()
		if id == 0 {
			e.audience, e.since = e.lead[id], now
		}
	case opcode.DAVEExecuteTransition:
		var d struct {
			ID uint16 `json:"transition_id"`
		}
		_ = json.Unmarshal(m.Data, &d)
		if in := e.lead[d.ID]; in != nil {
			e.audience, e.since = in, now
		}
	}
	if version != e.version {
		e.version, e.since = version, now
	}
	return replies, err
}

// A judged connection shows each datagram of our bot to the judge.
type judged struct {
	net.Conn
	call *encryptedCall
}

func (j *judged) Write(b []byte) (int, error) {
	if rtp.KindOf(b) == rtp.KindRTP {
		j.call.judge(b)
	}
	return j.Conn.Write(b)
}

// judge looks at a datagram that our bot sends.
func (e *encryptedCall) judge(datagram []byte) {
	opener, err := rtp.NewOpener(rtp.AES256GCM, e.host.key[:])
	require.NoError(e.t, err)
	plain, err := opener.Open(slices.Clone(datagram))
	require.NoError(e.t, err)
	var p rtp.Packet
	require.NoError(e.t, p.Unmarshal(plain))
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	clear := p.Payload[0] == 0xfc && len(p.Payload) < 8
	settled := now.After(e.since) // else the datagram and the change are at the same time
	if rtp.IsSilence(p.Payload) {
		return
	}
	if clear && e.version > 0 && settled {
		e.problem("frame %q in clear, %v after the call was encrypted", p.Payload, now.Sub(e.since))
	}
	for _, m := range e.order {
		if m.version == 0 {
			continue
		}
		in := e.version > 0 && slices.Contains(e.audience, m.user) || m.user == other
		m.hear(slices.Clone(p.Payload), in && settled, now)
	}
}

// hear tries to decrypt a frame. A member that has left must not, once our
// bot sends to a group without it. One that is there must, if the bot sends to a
// group with it.
func (m *member) hear(frame []byte, in bool, now time.Time) {
	e := m.call
	if !m.there {
		if _, err := m.session.DecryptFrame(now, bot, nil, frame); err == nil && !in && now.After(e.since) && e.version > 0 {
			e.problem("user %d hears a frame %v after it was removed", m.user, now.Sub(e.since))
		}
		return
	}
	m.early = append(m.early, early{frame, now.Add(time.Second), in})
	m.retry()
}

// retry decrypts what could not be decrypted before.
func (m *member) retry() {
	now := time.Now()
	keep := m.early[:0]
	for _, f := range m.early {
		plain, err := m.session.DecryptFrame(now, bot, nil, f.frame)
		switch {
		case err == nil:
			m.got(plain)
		case now.Before(f.until):
			keep = append(keep, f)
		case f.must:
			m.call.problem("user %d cannot decrypt what follows frame %d: %v", m.user, m.next-1, err)
		}
	}
	m.early = keep
}

// got takes a frame, whose number must follow.
func (m *member) got(plain []byte) {
	var n int
	_, err := fmt.Sscan(string(plain[1:]), &n)
	if rtp.IsSilence(plain) {
		return
	}
	if err != nil || n < m.next || m.user == other && n > m.next {
		m.call.problem("user %d hears %q instead of frame %d", m.user, plain, m.next)
	}
	m.next = n + 1
}

// verdict wants that the one who was there all the time has heard everything.
func (e *encryptedCall) verdict(frames int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clock != nil {
		e.clock.Stop()
	}
	require.Empty(e.t, e.problems)
	require.Equal(e.t, frames, e.members[other].next, "frames until the last one that was heard")
}
