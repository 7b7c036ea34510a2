package gatewaytest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/discordpkg/gateway/voiceshard"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

// A town is a local Discord with a voice server in another process, and bots,
// all of them in virtual time.
type town struct {
	t       *testing.T
	net     *network
	discord *gatewaytest.Server
	voice   *voiceserver.Server
	backend *voiceserver.LVSP
	sockets []net.PacketConn
}

var (
	townSecret = bytes.Repeat([]byte("town"), 8)
	evilSecret = bytes.Repeat([]byte("evil"), 8)
)

const (
	discordName = "discord.test:80"
	voiceName   = "voice.test:443"
	lvspName    = "lvsp.test:443"
)

func newTown(t *testing.T) *town {
	to := &town{t: t, net: newNetwork(t)}
	to.start()
	to.discord = gatewaytest.NewServer(gatewaytest.WithListener(to.net.listen(discordName)),
		gatewaytest.WithToken("a", "b", "c"), gatewaytest.WithIdentifyInterval(0),
		gatewaytest.WithLVSP(gatewaytest.LVSP{URL: "ws://" + lvspName, Secret: sealed(townSecret), NetDial: to.net.dial}))
	return to
}

// start starts the voice server.
func (to *town) start() {
	to.sockets = []net.PacketConn{to.net.packets(), to.net.packets()}
	key, err := lvsp.NewTokenKey(townSecret)
	require.NoError(to.t, err)
	to.voice, err = voiceserver.New(voiceserver.WithListener(to.net.listen(voiceName)), voiceserver.WithEndpoint(voiceName),
		voiceserver.WithPacketConns(to.sockets...), voiceserver.WithTokenKey(key, time.Hour))
	require.NoError(to.t, err)
	to.backend, err = to.voice.ServeLVSP(to.net.listen(lvspName), lvsp.WithBackend(lvsp.Backend{Name: "town", Secret: sealed(townSecret)}),
		lvsp.WithBackend(lvsp.Backend{Name: "evil", Secret: sealed(evilSecret)}))
	require.NoError(to.t, err)
}

// kill ends the voice server without a word to anybody.
func (to *town) kill() {
	to.net.kill(to.sockets, voiceName, lvspName)
	to.voice.Close()
}

func (to *town) close() {
	to.discord.Close()
	to.voice.Close()
}

// A townBot is a bot in a voice channel.
type townBot struct {
	to      *town
	voice   *voiceshard.Voice
	session *voiceshard.Session
	shard   *gatewayshard.Shard
	running chan error
	said    int
}

func (to *town) bot(token string) *townBot {
	b := &townBot{to: to, running: make(chan error, 1)}
	ready := make(chan struct{}, 1)
	var err error
	b.shard, err = gatewayshard.Config{NetDial: to.net.dial}.NewShard(0, token, func(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
		b.voice.HandleEvent(name, data)
		if name == event.Ready {
			ready <- struct{}{}
		}
	}, gateway.WithURL("ws://"+discordName+"/?v=10&encoding=json"), gateway.WithIntents(intent.Guilds|intent.GuildVoiceStates),
		gateway.WithIdentifyRateLimiter(townLimiter{}))
	require.NoError(to.t, err)
	b.voice, err = voiceshard.New(b.shard, 0, voiceshard.WithNetDial(to.net.dial),
		voiceshard.WithTLS(trustAnybody()), voiceshard.WithListenPacket(func(context.Context) (net.PacketConn, error) {
			return to.net.packets(), nil
		}))
	require.NoError(to.t, err)
	go func() { b.running <- b.shard.Run(context.Background()) }()
	<-ready
	g := to.discord.Guilds()[0]
	b.session, err = b.voice.Join(to.t.Context(), g.ID, g.VoiceChannel(0))
	require.NoError(to.t, err)
	return b
}

// trustAnybody is for voice servers that make another certificate each time.
func trustAnybody() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

type townLimiter struct{}

func (townLimiter) Take(uint, time.Time) (time.Time, bool) { return time.Time{}, true }

func (b *townBot) close() {
	_ = b.voice.Close(context.Background())
	require.NoError(b.to.t, b.shard.Close(context.Background(), gatewayshard.EndSession))
	require.NoError(b.to.t, <-b.running)
}

// reaches says something every 20 ms until another hears what was said after
// the call. It reports false if the other hears nothing for a limit.
func (b *townBot) reaches(other *townBot, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(b.to.t.Context(), limit)
	defer cancel()
	ended := make(chan struct{})
	defer func() { <-ended }()
	defer cancel()
	first := b.said
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			b.said++
			if _, err := b.session.Write(fmt.Appendf(nil, "\xfc%d", b.said)); err != nil && !errors.Is(err, voiceshard.ErrNotConnected) {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		p, err := other.session.Receive(ctx)
		if err != nil {
			return false
		}
		var n int
		if _, err := fmt.Sscanf(string(p.Opus), "\xfc%d", &n); err == nil && n > first && p.Verdict == voiceshard.OK {
			return true
		}
	}
}

// The voice server is killed in a call and comes back: within five seconds
// everybody hears everybody, however long it was away.
func TestVoiceServerIsKilled(t *testing.T) {
	for _, away := range []time.Duration{0, time.Second, 10 * time.Second, time.Minute} {
		t.Run(away.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				to := newTown(t)
				defer to.close()
				a, b := to.bot("a"), to.bot("b")
				defer a.close()
				defer b.close()
				require.True(t, a.reaches(b, 5*time.Second))
				require.True(t, b.reaches(a, 5*time.Second))
				to.kill()
				if away > 0 {
					require.False(t, a.reaches(b, away))
				}
				restarted := time.Now()
				to.start()
				require.True(t, a.reaches(b, 5*time.Second))
				require.True(t, b.reaches(a, 5*time.Second))
				require.Less(t, time.Since(restarted), 5*time.Second)
				require.Len(t, to.backend.VoiceStates(), 2)
				require.Len(t, to.discord.InVoice(), 2)
				require.Empty(t, to.discord.Violations())
			})
		})
	}
}

// The link is lost, the calls are not.
func TestVoiceServerLinkIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := newTown(t)
		defer to.close()
		a, b := to.bot("a"), to.bot("b")
		defer a.close()
		defer b.close()
		require.True(t, a.reaches(b, 5*time.Second))
		connections := to.voice.Stats().Connections
		to.net.cut(lvspName)
		time.Sleep(10 * time.Minute)
		require.True(t, a.reaches(b, time.Second))
		c := to.bot("c")
		defer c.close()
		require.True(t, a.reaches(c, 5*time.Second))
		require.Equal(t, connections+1, to.voice.Stats().Connections, "nobody but the newcomer connected")
		require.Len(t, to.backend.VoiceStates(), 3)
	})
}

// The backend goes and does not come back: what it asked for ends.
func TestBackendIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := newTown(t)
		defer to.voice.Close()
		a := to.bot("a")
		a.close()
		b := to.bot("b")
		to.discord.Close()
		time.Sleep(4 * time.Minute)
		require.Len(t, to.backend.VoiceStates(), 1, "it may come back")
		time.Sleep(2 * time.Minute)
		require.Empty(t, to.backend.VoiceStates())
		require.Zero(t, to.voice.Stats().Members)
		_ = b.voice.Close(context.Background())
		_ = b.shard.Close(context.Background(), gatewayshard.EndSession)
		<-b.running
	})
}

// A voice server that drains says so: to the backend, and to the clients. They
// speak with its successor.
func TestVoiceServerIsDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := newTown(t)
		defer to.close()
		a, b := to.bot("a"), to.bot("b")
		defer a.close()
		defer b.close()
		require.True(t, a.reaches(b, 5*time.Second))
		require.NoError(t, to.voice.Drain(t.Context()))
		require.Equal(t, 2, to.voice.Stats().Closes[4015])
		to.voice.Close()
		restarted := time.Now()
		to.start()
		require.True(t, a.reaches(b, 5*time.Second))
		require.True(t, b.reaches(a, 5*time.Second))
		require.Less(t, time.Since(restarted), 5*time.Second)
	})
}

// Backends that fall silent, or never say who they are, lose their links in
// time. A call of another backend goes on.
func TestSilentBackends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := newTown(t)
		defer to.close()
		a, b := to.bot("a"), to.bot("b")
		defer a.close()
		defer b.close()
		silent, stranger := to.evil(), to.evil()
		silent.identify()
		require.Equal(t, 10*time.Second, stranger.ends(lvsp.NotAuthenticated))
		require.Equal(t, 5*time.Second, silent.ends(lvsp.SessionTimedOut), "15 seconds in all")
		require.True(t, a.reaches(b, time.Second))
		synctest.Wait() // a client sees the end of a connection before the server has forgotten it
		require.Len(t, to.backend.Links(), 1)
	})
}

// A backend that sends large messages is read slowly, so that the others get
// their turn.
func TestGreedyBackend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := newTown(t)
		defer to.close()
		greedy := to.evil()
		greedy.identify()
		large := append([]byte(`{"op":4,"d":{}}`), bytes.Repeat([]byte(" "), 1<<20-100)...)
		for range 5 {
			greedy.send(large)
		}
		greedy.send([]byte("garbage"))
		require.Greater(t, greedy.ends(lvsp.DecodeError), 7*time.Second, "5 MiB, of which one at once")
	})
}

// An evil backend is a socket.
type evil struct {
	t    *testing.T
	conn net.Conn
	in   *frame.Reader
}

func (to *town) evil() *evil {
	conn, early, _, err := ws.Dialer{NetDial: to.net.dial}.Dial(to.t.Context(), "ws://"+lvspName)
	require.NoError(to.t, err)
	var rest []byte
	if early != nil {
		rest, _ = early.Peek(early.Buffered())
	}
	return &evil{to.t, conn, frame.NewReader(conn, ws.StateClientSide, lvsp.MaxMessage, rest)}
}

// identify answers HELLO with what proves who it is.
func (e *evil) identify() {
	_, payload, err := e.in.Next()
	require.NoError(e.t, err)
	var hello struct{ D lvsp.Hello }
	require.NoError(e.t, json.Unmarshal(payload, &hello))
	e.send(fmt.Appendf(nil, `{"op":1,"d":{"token":%q,"dialect":"final"}}`, lvsp.Sign(evilSecret, hello.D.Nonce)))
}

func (e *evil) send(msg []byte) {
	_, err := e.conn.Write(frame.AppendClient(nil, ws.OpText, msg))
	require.NoError(e.t, err)
}

// ends reads to the end, and returns how long it took.
func (e *evil) ends(want lvsp.CloseCode) time.Duration {
	began := time.Now()
	for {
		op, payload, err := e.in.Next()
		require.NoError(e.t, err)
		if op == ws.OpClose {
			code, _ := frame.ParseClose(payload)
			require.Equal(e.t, want, lvsp.CloseCode(code))
			_ = e.conn.Close()
			return time.Since(began)
		}
	}
}
