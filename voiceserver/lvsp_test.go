package voiceserver_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

func TestLVSP(t *testing.T) {
	srv := newServer(t)
	v, addr := door(t, srv, admit("main"))
	b := linkUp(t, addr, "main", srv)
	require.Equal(t, 1.0, b.c.Health())
	one, two := b.join(srv, in(1)), b.join(srv, in(2))
	one.say("hello")
	require.Equal(t, "hello", two.hear())
	require.Len(t, v.VoiceStates(), 2)
	require.Equal(t, "main", v.Links()[0].Backend)
	require.Equal(t, lvsp.Extended, v.Links()[0].Dialect)

	// A moderator silences one; what is asked for later tells when it is done.
	require.NoError(t, b.c.Update(time.Now(), guild, 1, lvsp.Mute))
	b.sync()
	one.say("unheard")
	two.say("heard")
	require.Equal(t, "heard", one.hear())
	require.NoError(t, b.c.Update(time.Now(), guild, 1, 0))
	require.NoError(t, b.c.Update(time.Now(), guild, 2, lvsp.Deaf))
	b.sync()
	one.say("to nobody")
	two.say("and it was received")
	require.Equal(t, "and it was received", one.hear())
	require.NoError(t, b.c.Update(time.Now(), guild, 2, 0))
	b.sync()
	one.say("again")
	require.Equal(t, "again", two.hear(), "neither the muted nor what came while deaf")

	three := b.join(srv, in(3))
	require.NoError(t, b.c.Leave(time.Now(), guild, 3))
	b.flush()
	require.EqualValues(t, 4014, three.end())
	require.NoError(t, b.c.CloseChannel(time.Now(), channel))
	b.flush()
	require.EqualValues(t, 4022, one.end())
	require.EqualValues(t, 4022, two.end())
	elsewhere := in(5)
	elsewhere.Channel++
	require.NoError(t, b.c.Join(time.Now(), elsewhere))
	until[lvsp.StateCreated](b) // what was asked before is done
	require.Empty(t, srv.Members(channel))
}

// sync returns when all requests before were done.
func (b *backend) sync() {
	b.t.Helper()
	require.NoError(b.t, b.c.Join(time.Now(), in(99)))
	until[lvsp.StateCreated](b)
}

// A user who moves is thrown out of the one channel, and comes to the other.
func TestLVSPMove(t *testing.T) {
	srv := newServer(t)
	_, addr := door(t, srv, admit("main"))
	b := linkUp(t, addr, "main", srv)
	one := b.join(srv, in(1))
	moved := in(1)
	moved.Channel++
	again := b.join(srv, moved)
	require.EqualValues(t, 4014, one.end())
	listener := in(2)
	listener.Channel++
	two := b.join(srv, listener)
	again.say("there")
	require.Equal(t, "there", two.hear())
	call := b.join(srv, lvsp.VoiceState{Channel: 77, User: 1}) // outside of guilds
	call.dial("wss://"+srv.Endpoint()+"/?v=8", srv)
	call.call(rtp.AES256GCM)
}

// Backends choose the same ids, and do not notice each other.
func TestLVSPNamespaces(t *testing.T) {
	srv := newServer(t)
	v, addr := door(t, srv, admit("good"), admit("evil"))
	good, evil := linkUp(t, addr, "good", srv), linkUp(t, addr, "evil", srv)
	mine := in(1)
	mine.SessionID = "the same"
	one, two := good.join(srv, mine), good.join(srv, in(2))
	spy := evil.join(srv, in(3))
	evil.join(srv, mine)
	one.say("private")
	require.Equal(t, "private", two.hear())
	require.NoError(t, evil.c.CloseChannel(time.Now(), channel))
	evil.flush()
	require.EqualValues(t, 4022, spy.end())
	two.say("undisturbed")
	require.Equal(t, "undisturbed", one.hear())
	require.EqualValues(t, 2, srv.Stats().Relay.Forwarded, "nothing to the spy")
	require.Len(t, v.VoiceStates(), 2)
	require.Len(t, v.Links(), 2)
}

// What a hostile backend gets, while a call of another goes on.
func TestLVSPHostile(t *testing.T) {
	srv := newServer(t)
	_, addr := door(t, srv, admit("good"), admit("evil"))
	good := linkUp(t, addr, "good", srv)
	one, two := good.join(srv, in(1)), good.join(srv, in(2))
	huge := binary.BigEndian.AppendUint64([]byte{0x81, 0xff}, 1<<30)
	huge = append(huge, 1, 2, 3, 4)
	info := func(text string) func(b *backend) {
		return func(b *backend) { b.write(ws.OpText, []byte(`{"op":6,"d":{"type":`+text+`}}`)) }
	}
	for name, c := range map[string]struct {
		code     lvsp.CloseCode
		stranger bool
		do       func(b *backend)
	}{
		"garbage":            {lvsp.DecodeError, false, func(b *backend) { b.write(ws.OpText, []byte("garbage")) }},
		"a wrong HMAC":       {lvsp.AuthenticationFailed, true, func(b *backend) { b.write(ws.OpText, []byte(`{"op":1,"d":{"token":"00"}}`)) }},
		"INFO first":         {lvsp.NotAuthenticated, true, info(`0,"data":{"channel_id":"1"}`)},
		"IDENTIFY twice":     {lvsp.AlreadyAuthenticated, false, func(b *backend) { b.write(ws.OpText, []byte(`{"op":1,"d":{"token":"00"}}`)) }},
		"a message of 1 GiB": {lvsp.DecodeError, false, func(b *backend) { _, _ = b.conn.Write(huge) }},
		"much from a stranger": {lvsp.DecodeError, true, func(b *backend) {
			b.write(ws.OpText, bytes.Repeat([]byte(" "), 64<<10))
		}},
		"no websocket":       {lvsp.CloseCode(ws.StatusProtocolError), false, func(b *backend) { _, _ = b.conn.Write([]byte{0xff, 0}) }},
		"a snowflake number": {lvsp.DecodeError, false, info(`0,"data":{"channel_id":30,"guild_id":"20"}`)},
		"a giant snowflake":  {lvsp.DecodeError, false, info(`0,"data":{"channel_id":"99999999999999999999","guild_id":"20"}`)},
		"a flood": {lvsp.RateLimited, false, func(b *backend) {
			beat := frame.AppendClient(nil, ws.OpText, []byte(`{"op":4,"d":{}}`))
			_, _ = b.conn.Write(bytes.Repeat(beat, lvsp.MessageLimit+1))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := wire(t, "ws", addr, srv)
			if !c.stranger {
				b = linkUp(t, addr, "evil", srv)
			}
			go c.do(b)
			require.Equal(t, c.code, b.end())
			one.say(name)
			require.Equal(t, name, two.hear())
		})
	}
	good.sync()
}

// Dialects without tokens for users have one for the channel, which is good
// only together with a live session.
func TestLVSPChannelToken(t *testing.T) {
	srv := newServer(t)
	_, addr := door(t, srv, admit("main"))
	b := linkUp(t, addr, "main", srv, lvsp.WithDialect(lvsp.Final))
	require.NoError(t, b.c.OpenChannel(time.Now(), lvsp.Channel{Guild: guild, ID: channel, Bitrate: 64000}))
	assigned := until[lvsp.ChannelAssigned](b)
	require.Equal(t, srv.Endpoint(), assigned.Endpoint)
	require.NoError(t, b.c.Join(time.Now(), in(1)))
	session := until[lvsp.StateCreated](b).State.SessionID
	c := &caller{t: t, token: assigned.Token, member: voiceserver.Member{Guild: guild, User: 1, SessionID: session}}
	try := func(change func(c *caller)) (code int) {
		c := *c
		change(&c)
		c.dial("ws://"+srv.Endpoint()+"/?v=8", srv)
		c.login()
		return int(c.end())
	}
	require.Equal(t, 4006, try(func(c *caller) { c.member.SessionID = "another" }))
	require.Equal(t, 4006, try(func(c *caller) { c.member.User = 2 }))
	require.Equal(t, 4011, try(func(c *caller) { c.member.Guild = 2 }))
	require.Equal(t, 4004, try(func(c *caller) { c.token = strings.ToUpper(c.token) + "0" }))
	c.dial("ws://"+srv.Endpoint()+"/?v=8", srv)
	c.call(rtp.AES256GCM)
	require.NoError(t, b.c.CloseChannel(time.Now(), channel))
	b.flush()
	require.EqualValues(t, 4022, c.end())
	require.Equal(t, 4004, try(func(*caller) {}))
}

// Who lost its voice connection and does not come back leaves.
func TestLVSPGone(t *testing.T) {
	srv := newServer(t, voiceserver.WithSessionLife(0))
	_, addr := door(t, srv, admit("main"))
	b := linkUp(t, addr, "main", srv)
	c := b.join(srv, in(1))
	b.join(srv, in(2))
	require.NoError(t, c.conn.Close())
	require.EqualValues(t, 1, until[lvsp.StateEnded](b).State.User)
	require.Equal(t, 1, srv.Stats().Members)
	d := b.join(srv, in(3))
	_, err := d.conn.Write(frame.AppendClient(nil, ws.OpClose, ws.NewCloseFrameBody(1000, "")))
	require.NoError(t, err)
	require.EqualValues(t, 3, until[lvsp.StateEnded](b).State.User)
	b.join(srv, in(1))
}

// Tokens follow from a key: another server with it takes them.
func TestTokenKey(t *testing.T) {
	key, err := lvsp.NewTokenKey(lvspSecret)
	require.NoError(t, err)
	a := newServer(t, voiceserver.WithTokenKey(key, time.Hour))
	b := newServer(t, voiceserver.WithTokenKey(key, time.Hour))
	m := voiceserver.Member{Guild: guild, Channel: channel, User: 1, SessionID: "session-1"}
	_, token, err := a.Join(m)
	require.NoError(t, err)
	require.NoError(t, key.Verify(token, channel, 1, "session-1", time.Now()))
	c := &caller{t: t, token: token, member: m}
	c.dial("ws://"+b.Endpoint()+"/?v=8", b)
	c.login()
	require.EqualValues(t, 4004, c.end(), "not a member there")
	_, _, err = b.Join(m)
	require.NoError(t, err)
	c.dial("ws://"+b.Endpoint()+"/?v=8", b)
	c.call(rtp.AES256GCM)
}

// Draining tells the backend first, then the clients.
func TestLVSPDrain(t *testing.T) {
	srv := newServer(t)
	v, addr := door(t, srv, admit("main"))
	b := linkUp(t, addr, "main", srv)
	c := b.join(srv, in(1))
	drained := make(chan error)
	go func() { drained <- srv.Drain(context.Background()) }()
	require.Equal(t, lvsp.GeneralError, b.end())
	require.EqualValues(t, 4015, c.end())
	require.NoError(t, <-drained)
	_, err := net.Dial("tcp", addr)
	require.Error(t, err)
	require.ErrorIs(t, v.Serve(closedListener(t)), voiceserver.ErrClosed)
}

func closedListener(t *testing.T) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l
}

// Links outlive neither the server nor a backend that does not listen.
func TestLVSPHandler(t *testing.T) {
	srv := newServer(t)
	v, err := srv.ServeLVSP(nil, admit("main"))
	require.NoError(t, err)
	_, err = srv.ServeLVSP(nil, admit("main"))
	require.ErrorIs(t, err, voiceserver.ErrServed)
	web := httptest.NewServer(v)
	defer web.Close()
	b := wire(t, "ws", web.Listener.Addr().String(), srv)
	b.write(ws.OpPing, []byte("hello"))
	hello, ok := b.next()
	require.True(t, ok)
	require.Contains(t, string(hello), `"op":0`)
	srv.Close()
	require.Equal(t, lvsp.GeneralError, b.end())
	_, err = srv.ServeLVSP(nil)
	require.Error(t, err)
	_, err = newServer(t).ServeLVSP(nil)
	require.ErrorContains(t, err, "no backend")
	res, err := web.Client().Get(web.URL)
	require.NoError(t, err)
	require.Equal(t, 400, res.StatusCode)
	require.NoError(t, res.Body.Close())
}

func TestMetrics(t *testing.T) {
	srv := newServer(t)
	_, addr := door(t, srv, admit("main"))
	b := linkUp(t, addr, "main", srv)
	one, two := b.join(srv, in(1)), b.join(srv, in(2))
	one.say("counted")
	require.Equal(t, "counted", two.hear())
	w := httptest.NewRecorder()
	srv.MetricsHandler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		"# TYPE voiceserver_members gauge\nvoiceserver_members 2\n",
		"voiceserver_packets_forwarded_total 1\n",
		`voiceserver_packets_dropped_total{reason="forged"} 0` + "\n",
		`voiceserver_backend_links{backend="main"} 1` + "\n",
		`voiceserver_backend_voice_states{backend="main"} 2` + "\n",
		"voiceserver_health 0.9998\n",
	} {
		require.Contains(t, w.Body.String(), want)
	}
}

// The busier a server is the less health it has: by connections, or by packets.
func TestHealth(t *testing.T) {
	srv := newServer(t, voiceserver.WithMaxConnections(4), voiceserver.WithCapacity(1000))
	_, addr := door(t, srv, admit("main"))
	b := linkUp(t, addr, "main", srv)
	b.join(srv, in(1))
	require.Equal(t, 0.75, linkUp(t, addr, "main", srv).c.Health())
	b.join(srv, in(2))
	require.Equal(t, 0.5, linkUp(t, addr, "main", srv).c.Health())
}

// Stages do without end-to-end encryption, also where it is required.
func TestLVSPWithoutDAVE(t *testing.T) {
	srv := newServer(t, voiceserver.WithE2EERequired())
	_, addr := door(t, srv, admit("main"))
	b := linkUp(t, addr, "main", srv)
	for _, stage := range []bool{true, false} {
		v := lvsp.VoiceState{Guild: guild, Channel: channel, User: 1, WithoutDAVE: stage}
		if !stage {
			v.Channel++
		}
		require.NoError(t, b.c.Join(time.Now(), v))
		e := until[lvsp.StateCreated](b)
		c := &caller{t: t, token: e.Token, member: voiceserver.Member{Guild: guild, User: 1, SessionID: e.State.SessionID}}
		c.dial("ws://"+e.Endpoint+"/?v=8", srv)
		c.login()
		op, _, ok := c.next()
		require.Equal(t, stage, ok)
		if ok {
			require.Equal(t, opcode.VoiceReady, op)
		} else {
			require.EqualValues(t, 4017, c.closed)
		}
	}
}

// What a voice server cannot do it says, and the link goes on.
func TestLVSPRefused(t *testing.T) {
	srv := newServer(t, voiceserver.WithChannelSize(1))
	_, addr := door(t, srv, admit("main"))
	b := linkUp(t, addr, "main", srv)
	one := b.join(srv, in(1))
	require.NoError(t, b.c.Join(time.Now(), in(2)))
	require.Equal(t, lvsp.Full, until[lvsp.Refused](b).Err.Code)
	require.NoError(t, b.c.OpenChannel(time.Now(), lvsp.Channel{Guild: guild, ID: channel, Bitrate: 8000}))
	require.NoError(t, b.c.Join(time.Now(), in(3)))
	until[lvsp.Refused](b)
	one.say("alone")
	require.Len(t, srv.Members(channel), 1)
}
