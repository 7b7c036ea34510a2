package voiceshard

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// The deprecated default, a URL without a version, is on its way out.
func TestURLHasAVersion(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		d.join()
		require.Equal(t, "/?v=8", d.server(theHost).last().uri)
	})
}

func TestPing(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		d.join()
		c := d.server(theHost).last()
		c.mu.Lock()
		c.write(ws.OpPing, []byte("hello"))
		c.mu.Unlock()
		sleep(0)
		require.Equal(t, []string{"hello"}, c.all(pong))
	})
}

// A server that breaks the rules is told so, left, and tried again.
func TestServerBreaksTheRules(t *testing.T) {
	tooLarge := append([]byte{0x81, 127, 0, 0, 0, 0, 1, 0, 0, 0}, make([]byte, 100)...)
	for name, c := range map[string]struct {
		raw  []byte
		code ws.StatusCode
	}{
		"masked frame":         {[]byte{0x81, 0x80, 1, 2, 3, 4}, ws.StatusProtocolError},
		"continuation":         {[]byte{0x80, 0}, ws.StatusProtocolError},
		"too large":            {tooLarge, ws.StatusMessageTooBig},
		"malformed message":    {[]byte{0x81, 2, '{', '{'}, 1012},
		"short binary message": {[]byte{0x82, 2, 0, 0}, 1012},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, d *discord) {
				s := d.join()
				first := d.server(theHost).last()
				first.mu.Lock()
				_, err := first.nc.Write(c.raw)
				first.mu.Unlock()
				if err != nil {
					require.ErrorContains(t, err, "closed pipe")
				}
				sleep(time.Second)
				require.NoError(t, s.Ready(t.Context()))
				require.Equal(t, 2, d.server(theHost).count())
				require.Equal(t, c.code, *first.closed)
			})
		})
	}
}

// Heartbeats are sent, answered, and give the latency; keepalives keep the way
// of the datagrams open and give its round trip.
func TestBeats(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		host := d.server(theHost)
		host.onMessage(func(c *client, m gateway.VoiceMessage) {
			time.Sleep(30 * time.Millisecond)
			host.serve(c, m)
		})
		sleep(time.Minute)
		require.Equal(t, 30*time.Millisecond, s.Stats().Latency)
		require.Len(t, host.last().all(opcode.VoiceHeartbeat), 4)
		host.mu.Lock()
		defer host.mu.Unlock()
		require.Equal(t, 13, host.keepalives)
	})
}

// The way of the datagrams is gone, and nobody says so. Servers that never
// answer keepalives are no evidence.
func TestMediaFallsSilent(t *testing.T) {
	for _, answers := range []bool{true, false} {
		run(t, func(t *testing.T, d *discord) {
			host := d.server(theHost)
			host.mute = !answers
			s := d.join()
			sleep(time.Minute)
			host.mu.Lock()
			host.mute = true
			host.mu.Unlock()
			sleep(silentTime - time.Second)
			require.Equal(t, 1, host.count())
			sleep(10 * time.Minute)
			require.NoError(t, s.Ready(t.Context()))
			if answers {
				require.Equal(t, 2, host.count(), "once, and not again and again")
			} else {
				require.Equal(t, 1, host.count())
			}
		})
	}
}

// A socket that is broken for good costs the session, not the membership.
func TestMediaBreaks(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		s.mu.Lock()
		m := s.media
		s.mu.Unlock()
		m.fail(errors.New("permission denied"))
		sleep(time.Second)
		require.NoError(t, s.Ready(t.Context()))
		require.Equal(t, 2, d.server(theHost).count())
		require.Len(t, d.sent(), 3)
		m.fail(errors.New("permission denied"))
		sleep(time.Second)
		require.Equal(t, 2, d.server(theHost).count(), "an old transport has no say")
	})
}

// A transport that broke while the websocket was away is not resumed.
func TestMediaBreaksWhileResuming(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		d.server(theHost).last().close(4015)
		s.mu.Lock()
		m := s.media
		s.mu.Unlock()
		m.fail(errors.New("permission denied"))
		sleep(3 * time.Second)
		require.NoError(t, s.Ready(t.Context()))
		require.Len(t, d.sent(), 3)
	})
}

// The connection breaks before there is a key: what is left is made up for.
func TestResumeBeforeTheKey(t *testing.T) {
	for _, late := range []bool{false, true} {
		run(t, func(t *testing.T, d *discord) {
			host := d.server(theHost)
			host.deaf = late
			host.onMessage(func(c *client, m gateway.VoiceMessage) {
				switch {
				case m.Op == opcode.VoiceSelectProtocol && host.count() == 1:
					c.close(0)
				case m.Op == opcode.VoiceIdentify && late:
					host.serve(c, m)
					c.close(0)
					host.mu.Lock()
					host.deaf = false
					host.mu.Unlock()
				default:
					host.serve(c, m)
				}
			})
			s := d.join()
			require.Equal(t, 2, host.count())
			_, err := s.Write(opus(1))
			require.NoError(t, err)
			sleep(0)
			heard, _ := host.audio()
			require.Equal(t, [][]byte{opus(1)}, heard)
		})
	}
}

func TestOptions(t *testing.T) {
	var log bytes.Buffer
	c, err := newConfig([]Option{
		WithoutE2EE(), WithHeader(http.Header{"User-Agent": {"me"}}), WithReorder(time.Millisecond), WithHold(0),
		WithTimeouts(1, time.Second, 2), WithLogger(slog.New(slog.NewTextHandler(&log, nil))), WithQueue(0),
	})
	require.NoError(t, err)
	require.Nil(t, c.e2ee)
	require.Equal(t, "me", c.header.Get("User-Agent"))
	require.Equal(t, []time.Duration{time.Millisecond, 0, 1, time.Second, 2},
		[]time.Duration{c.reorder, c.hold, c.dialTimeout, c.handshake, c.writeTimeout})
	require.Zero(t, c.queue)
	v, err := New(GatewayFunc(nil), 1, set(func(o *config) { *o = c }))
	require.NoError(t, err)
	v.HandleEvent("READY", []byte(`{`))
	require.Contains(t, log.String(), "makes no sense")
}

// A value that makes no sense is an error of New, not another value.
func TestOptionsRefuse(t *testing.T) {
	for want, o := range map[string]Option{
		"queue of -1":      WithQueue(-1),
		"of 199 bytes":     WithMaxDatagram(199),
		"reorder window":   WithReorder(0),
		"hold time":        WithHold(-1),
		"dial timeout":     WithTimeouts(0, 1, 1),
		"handshake":        WithTimeouts(1, -1, 1),
		"write timeout":    WithTimeouts(1, 1, 0),
		"attempts":         WithAttempts(0),
		"backoff":          WithBackoff(lifecycle.Backoff{Min: 2, Max: 1}),
		"no logger":        WithLogger(nil),
		"no function":      WithNetDial(nil),
		"to dial with":     WithMediaDial(nil),
		"function to dial": WithWebsocketDial(nil),
	} {
		_, err := New(GatewayFunc(nil), 1, o)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "voiceshard: ")
	}
	_, err := New(nil, 1)
	require.ErrorIs(t, err, errNoGateway)
}

// The log says what happens, without tokens and keys.
func TestLogIsDiscreet(t *testing.T) {
	var log bytes.Buffer
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		d.server(theHost).last().close(4006)
		sleep(2 * time.Second)
		require.NoError(t, s.Leave(t.Context()))
		require.Contains(t, log.String(), "voice connected")
		require.NotContains(t, log.String(), "token-")
	}, WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
}

func TestEncryption(t *testing.T) {
	l := new(lock)
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		require.True(t, s.Encryption(func(c FrameCryptor) { require.Same(t, l, c) }))
	}, withLock(l))
	run(t, func(t *testing.T, d *discord) {
		require.False(t, d.join().Encryption(nil))
	}, WithoutE2EE())
}

// A machine with deadlines is called at them, but does not keep the processor
// busy; and its keys are wiped in the end.
func TestDeadlinesOfEncryption(t *testing.T) {
	i := new(impatient)
	run(t, func(t *testing.T, d *discord) {
		i.ready.Store(true)
		s := d.join()
		before := i.calls.Load()
		sleep(time.Second)
		require.InDelta(t, 100, i.calls.Load()-before, 5)
		require.NoError(t, s.Leave(t.Context()))
		require.True(t, i.wiped.Load())
	}, WithE2EE(func(user, _ snowflake.ID) (FrameCryptor, error) { i.user = user; return i, nil }))
}

// Of two servers named in a row the last one counts.
func TestStaleSettling(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		d.named("other.example:1", "token-2")
		sleep(lifecycle.VoiceServerSettle / 2)
		d.named("third.example:1", "token-3") // before the first one counted
		sleep(time.Second)
		require.NoError(t, s.Ready(t.Context()))
		require.Zero(t, d.server("other.example:1").count())
		require.Equal(t, 1, d.server("third.example:1").count())
	})
}

func TestModeOfTheDescription(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		host := d.server(theHost)
		host.onMessage(func(c *client, m gateway.VoiceMessage) {
			if m.Op == opcode.VoiceSelectProtocol && host.count() == 1 {
				c.send(opcode.VoiceSessionDescription, `{"mode":"xsalsa20_poly1305","secret_key":[1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8]}`)
				return
			}
			host.serve(c, m)
		})
		_, err := d.voice.Join(t.Context(), guild, lobby)
		require.ErrorIs(t, err, rtp.ErrNoMode, "a server that does not keep to what was selected")
	})
}
