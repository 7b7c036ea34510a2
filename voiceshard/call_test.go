package voiceshard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/discordpkg/gateway/voiceshard"
)

// A caller is a bot in a voice channel of the local Discord.
type caller struct {
	user     snowflake.ID
	identity *dave.Identity
	voice    *voiceshard.Voice
	session  *voiceshard.Session
	said     int
}

// atOnce admits everybody: the local Discord of these tests has no limit.
type atOnce struct{}

func (atOnce) Take(uint, time.Time) (time.Time, bool) { return time.Time{}, true }

// call starts a local Discord, and two bots that are in a voice channel of it.
func call(t *testing.T, options ...voiceserver.Option) (ctx context.Context, d *gatewaytest.Server, a, b *caller) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	d = gatewaytest.NewServer(gatewaytest.WithToken("a", "b"), gatewaytest.WithIdentifyInterval(0), gatewaytest.WithVoiceServer(options...))
	t.Cleanup(d.Close)
	return ctx, d, dial(ctx, t, d, 0), dial(ctx, t, d, 1)
}

// dial connects one of the bots and joins the first voice channel.
func dial(ctx context.Context, t *testing.T, d *gatewaytest.Server, n int, options ...voiceshard.Option) *caller {
	t.Helper()
	identity, err := dave.NewIdentity()
	require.NoError(t, err)
	c := &caller{user: gatewaytest.BotID(n), identity: identity}
	ready := make(chan struct{})
	var once sync.Once
	shard, err := gatewayshard.NewShard(0, string(rune('a'+n)), func(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
		c.voice.HandleEvent(name, data)
		if name == event.Ready {
			once.Do(func() { close(ready) })
		}
	}, gateway.WithURL(d.DialURL), gateway.WithIntents(intent.Guilds|intent.GuildVoiceStates), gateway.WithIdentifyRateLimiter(atOnce{}))
	require.NoError(t, err)
	c.voice, err = voiceshard.New(shard, 0, append([]voiceshard.Option{
		voiceshard.WithDAVE(dave.WithIdentity(identity)), voiceshard.WithTLS(d.TLSClientConfig()),
		voiceshard.WithBackoff(lifecycle.Backoff{Min: 10 * time.Millisecond, Max: 100 * time.Millisecond}), voiceshard.WithAttempts(50),
	}, options...)...)
	require.NoError(t, err)

	running := make(chan error, 1)
	go func() { running <- shard.Run(context.WithoutCancel(ctx)) }()
	t.Cleanup(func() {
		_ = c.voice.Close(context.Background())
		require.NoError(t, shard.Close(context.Background(), gatewayshard.EndSession))
		require.NoError(t, <-running)
	})
	<-ready
	c.session, err = c.voice.Join(ctx, d.Guilds()[0].ID, d.Guilds()[0].VoiceChannel(0))
	require.NoError(t, err)
	return c
}

// heard returns when b hears a speak, who goes on until then.
func heard(ctx context.Context, t *testing.T, a, b *caller) *voiceshard.Packet {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	var talking sync.WaitGroup
	defer talking.Wait()
	defer cancel()
	first := a.said
	talking.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			a.said++
			_, err := a.session.Write(word(a.said))
			if err != nil && !errors.Is(err, voiceshard.ErrNotConnected) {
				t.Error(err)
				cancel()
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	for {
		p, err := b.session.Receive(ctx)
		require.NoError(t, err)
		var n int
		if _, err := fmt.Sscanf(string(p.Opus), "\xfc%d", &n); err == nil && n > first && p.Verdict == voiceshard.OK {
			require.Equal(t, a.user, p.User)
			return p
		}
	}
}

// word returns an Opus packet of 20 ms that says n.
func word(n int) []byte { return fmt.Appendf(nil, "\xfc%d", n) }

func TestCall(t *testing.T) {
	ctx, d, a, b := call(t)
	heard(ctx, t, a, b)
	heard(ctx, t, b, a)
	before := b.session.Stats() // the first words were for a group of one
	require.Equal(t, []snowflake.ID{b.user}, a.session.Users())
	for n := range 100 {
		_, err := a.session.Write(word(1000 + n))
		require.NoError(t, err)
	}
	require.NoError(t, a.session.StopSpeaking(ctx))
	for n := 0; n < 100; {
		p, err := b.session.Receive(ctx)
		require.NoError(t, err)
		require.Equal(t, voiceshard.OK, p.Verdict)
		if p.Opus[1] == '1' && len(p.Opus) == 5 {
			require.Equal(t, word(1000+n), p.Opus)
			n++
		}
	}
	require.Empty(t, d.Voice().Violations())
	requirePrivate(t, a, b)
	require.NoError(t, a.session.Leave(ctx))
	require.Eventually(t, func() bool { return len(d.InVoice()) == 1 }, 10*time.Second, time.Millisecond)
	after := b.session.Stats()
	after.Received.Packets, after.Received.OK = before.Received.Packets, before.Received.OK
	require.Equal(t, before.Received, after.Received, "nothing is lost, late or undecryptable")
	require.Equal(t, before.Forged, after.Forged)
}

// requirePrivate wants both to be in one group, as themselves, and nobody else.
func requirePrivate(t *testing.T, a, b *caller) {
	t.Helper()
	require.Eventually(t, func() bool {
		codes := make(map[string]int)
		for _, c := range []*caller{a, b} {
			c.session.Encryption(func(e voiceshard.FrameCryptor) {
				s := e.(*dave.Session)
				known := bytes.Equal(s.IdentityKey(a.user), a.identity.PublicKey()) && bytes.Equal(s.IdentityKey(b.user), b.identity.PublicKey())
				if known && len(s.Members()) == 2 && s.PrivacyCode() != "" {
					codes[s.PrivacyCode()]++
				}
			})
		}
		return len(codes) == 1 && codes[slices.Collect(maps.Keys(codes))[0]] == 2
	}, 20*time.Second, time.Millisecond)
}

// Whatever happens to one of them, they hear each other again.
func TestCallGoesOn(t *testing.T) {
	for name, happens := range map[string]func(t *testing.T, d *gatewaytest.Server, a *caller){
		"4006": func(t *testing.T, d *gatewaytest.Server, a *caller) {
			require.Equal(t, 1, d.Voice().Faults().Close(a.user, closecode.VoiceSessionInvalid))
		},
		"4009": func(t *testing.T, d *gatewaytest.Server, a *caller) {
			require.Equal(t, 1, d.Voice().Faults().Close(a.user, closecode.VoiceSessionTimedOut))
		},
		"4015": func(t *testing.T, d *gatewaytest.Server, a *caller) {
			require.Equal(t, 1, d.Voice().Faults().Close(a.user, closecode.VoiceServerCrashed))
		},
		"cut": func(t *testing.T, d *gatewaytest.Server, a *caller) {
			require.Equal(t, 1, d.Voice().Faults().Cut(a.user))
		},
		"server change": func(t *testing.T, d *gatewaytest.Server, a *caller) { require.NoError(t, d.MoveVoice()) },
		"endpoint null": func(t *testing.T, d *gatewaytest.Server, a *caller) {
			require.NoError(t, d.StopVoice())
			require.NoError(t, d.MoveVoice())
		},
		"moved to and fro": func(t *testing.T, d *gatewaytest.Server, a *caller) {
			g := d.Guilds()[0]
			require.NoError(t, d.MoveMember(g.ID, a.user, g.VoiceChannel(1)))
			require.NoError(t, d.MoveMember(g.ID, a.user, g.VoiceChannel(0)))
		},
		"main gateway resumes": func(t *testing.T, d *gatewaytest.Server, _ *caller) {
			require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.Reconnect}))
		},
		"main gateway identifies": func(t *testing.T, d *gatewaytest.Server, _ *caller) {
			require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.InvalidSession}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, d, a, b := call(t)
			heard(ctx, t, a, b)
			happens(t, d, a)
			heard(ctx, t, a, b)
			heard(ctx, t, b, a)
			requirePrivate(t, a, b)
			require.NoError(t, a.session.Err())
		})
	}
}

func TestCallMovesTogether(t *testing.T) {
	ctx, d, a, b := call(t)
	heard(ctx, t, a, b)
	g := d.Guilds()[0]
	require.NoError(t, a.session.Move(ctx, g.VoiceChannel(1)))
	again, err := b.voice.Join(ctx, g.ID, g.VoiceChannel(1))
	require.NoError(t, err)
	require.Same(t, b.session, again)
	heard(ctx, t, a, b)
	heard(ctx, t, b, a)
}

func TestCallKicked(t *testing.T) {
	ctx, d, a, _ := call(t)
	require.NoError(t, d.MoveMember(d.Guilds()[0].ID, a.user, 0))
	select {
	case <-a.session.Done():
	case <-ctx.Done():
	}
	require.ErrorIs(t, a.session.Err(), voiceshard.ErrDisconnected)
}

// A bad network is heard as it is: each packet has one fate.
func TestCallOverABadNetwork(t *testing.T) {
	ctx, d, a, b := call(t, voiceserver.WithSeed(7))
	heard(ctx, t, a, b)
	heard(ctx, t, b, a)
	before := b.session.Stats()
	d.Voice().Faults().SetNetwork(voiceserver.Network{Loss: 0.1, Duplicate: 0.1, Reorder: 0.1, Padding: 0.5}, b.user)
	said, end := []byte{0xe8, 1, 2, 3}, []byte{0xe8, 9} // 5 ms each
	var talking sync.WaitGroup
	defer talking.Wait()
	talking.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		say := func(frame []byte) {
			<-tick.C
			_, err := a.session.Write(frame)
			require.NoError(t, err)
		}
		for range 150 {
			say(said)
		}
		d.Voice().Faults().SetNetwork(voiceserver.Network{}, b.user)
		say(end)
	})
	lost := 0
	for {
		p, err := b.session.Receive(ctx)
		require.NoError(t, err)
		if p.Verdict == voiceshard.Lost {
			lost += p.Count
			continue
		}
		require.NoError(t, p.Err)
		if bytes.Equal(p.Opus, end) {
			break
		}
		if p.Opus[0] == said[0] {
			require.Equal(t, said, p.Opus)
		}
	}
	require.NotZero(t, lost)
	st := b.session.Stats()
	require.Equal(t, before.Received.Undecryptable(), st.Received.Undecryptable())
	require.NotZero(t, st.Received.Duplicates)
	require.Zero(t, st.Forged+st.Malformed)
}
