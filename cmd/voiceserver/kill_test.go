package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/voiceshard"
)

// A process is the program in a process of its own.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	urls map[string]string
	log  lockedBuffer
}

func spawn(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], args...)}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stderr = &p.log
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	p.urls = printed(stdout, 2)
	require.Len(t, p.urls, 2, p.log.String())
	return p
}

// host returns host and port of a URL that the program printed.
func (p *process) host(name string) string {
	u, err := url.Parse(p.urls[name])
	require.NoError(p.t, err)
	return u.Host
}

// A caller is a bot in a voice channel.
type caller struct {
	voice   *voiceshard.Voice
	session *voiceshard.Session
	said    int
}

// atOnce admits everybody: the local Discord of these tests has no limit.
type atOnce struct{}

func (atOnce) Take(uint, time.Time) (time.Time, bool) { return time.Time{}, true }

func call(ctx context.Context, t *testing.T, d *gatewaytest.Server, token string, trust *tls.Config) *caller {
	t.Helper()
	c := &caller{}
	ready := make(chan struct{})
	var once sync.Once
	shard, err := gatewayshard.NewShard(0, token, func(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
		c.voice.HandleEvent(name, data)
		if name == event.Ready {
			once.Do(func() { close(ready) })
		}
	}, gateway.WithURL(d.DialURL), gateway.WithIntents(intent.Guilds|intent.GuildVoiceStates), gateway.WithIdentifyRateLimiter(atOnce{}))
	require.NoError(t, err)
	c.voice, err = voiceshard.New(shard, 0, voiceshard.WithTLS(trust))
	require.NoError(t, err)
	running := make(chan error, 1)
	go func() { running <- shard.Run(context.WithoutCancel(ctx)) }()
	t.Cleanup(func() {
		_ = c.voice.Close(context.Background())
		require.NoError(t, shard.Close(context.Background(), gatewayshard.EndSession))
		require.NoError(t, <-running)
	})
	<-ready
	g := d.Guilds()[0]
	c.session, err = c.voice.Join(ctx, g.ID, g.VoiceChannel(0))
	require.NoError(t, err)
	return c
}

// reach says something every 20 ms until the other hears what is said now.
func (c *caller) reach(ctx context.Context, t *testing.T, other *caller) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	var talking sync.WaitGroup
	defer talking.Wait()
	defer cancel()
	first := c.said
	talking.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			c.said++
			if _, err := c.session.Write(fmt.Appendf(nil, "\xfc%d", c.said)); err != nil && !errors.Is(err, voiceshard.ErrNotConnected) {
				t.Error(err)
				cancel()
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	for {
		p, err := other.session.Receive(ctx)
		require.NoError(t, err)
		var n int
		if _, err := fmt.Sscanf(string(p.Opus), "\xfc%d", &n); err == nil && n > first && p.Verdict == voiceshard.OK {
			return
		}
	}
}

// The program is killed in a call and started again, and then asked to stop:
// each time its successor has the call going within moments. That these are no
// more than five seconds is tested in virtual time, in package gatewaytest.
func TestKilledInACall(t *testing.T) {
	cert, key, ca := writePair(t, t.TempDir())
	trust := &tls.Config{RootCAs: x509.NewCertPool()}
	trust.RootCAs.AddCert(ca)
	args := []string{"-secret-file", secretFile(t), "-tls-cert", cert, "-tls-key", key, "-udp", "127.0.0.1:0", "-drain", "10s"}
	p := spawn(t, append(args, "-listen", "127.0.0.1:0", "-lvsp", "127.0.0.1:0")...)
	args = append(args, "-listen", p.host("voice"), "-lvsp", p.host("lvsp"))

	d := gatewaytest.NewServer(gatewaytest.WithToken("a", "b"), gatewaytest.WithIdentifyInterval(0),
		gatewaytest.WithLVSP(gatewaytest.LVSP{URL: p.urls["lvsp"], Secret: sealed([]byte(secretText)), TLS: trust}))
	t.Cleanup(d.Close) // after the callers, which say goodbye to it
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	a, b := call(ctx, t, d, "a", trust), call(ctx, t, d, "b", trust)
	a.reach(ctx, t, b)
	b.reach(ctx, t, a)

	for _, end := range []os.Signal{os.Kill, syscall.SIGTERM} {
		require.NoError(t, p.cmd.Process.Signal(end))
		err := p.cmd.Wait()
		require.Equal(t, end == os.Kill, err != nil, "%v: %v", end, err)
		restarted := time.Now()
		p = spawn(t, args...)
		a.reach(ctx, t, b)
		b.reach(ctx, t, a)
		t.Logf("after %v: everybody hears everybody %v after the restart", end, time.Since(restarted).Round(time.Millisecond))
	}
	require.Len(t, d.InVoice(), 2)
	require.Contains(t, p.log.String(), "backend linked")
}

// sealed returns a secret, the zero one if it is too short.
func sealed(b []byte) lvsp.Secret {
	s, _ := lvsp.NewSecret(b)
	return s
}
