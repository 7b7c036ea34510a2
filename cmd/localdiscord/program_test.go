package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/voiceshard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A program is one that runs.
type program struct {
	t      *testing.T
	urls   map[string]string // by the name they are printed with
	client *http.Client
	stop   context.CancelFunc
	status chan int
	log    lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs the program, and returns when it has printed its URLs.
func start(t *testing.T, args ...string) *program {
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{t: t, urls: make(map[string]string), stop: cancel, status: make(chan int, 1)}
	transport := &http.Transport{DisableKeepAlives: true}
	p.client = &http.Client{Transport: transport, Timeout: 10 * time.Second}
	r, w := io.Pipe()
	go func() {
		status := run(ctx, args, w, &p.log)
		_ = w.Close()
		p.status <- status
	}()
	t.Cleanup(func() { cancel(); _ = r.Close() })
	want := 4
	if strings.Contains(strings.Join(args, " "), "-ca") {
		want++
	}
	lines := bufio.NewScanner(r)
	for len(p.urls) < want && lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "=")
		require.True(t, ok, lines.Text())
		p.urls[name] = value
	}
	require.Len(t, p.urls, want, p.log.String())
	return p
}

// end interrupts the program and wants it to end well.
func (p *program) end() {
	p.t.Helper()
	p.stop()
	require.Equal(p.t, exitOK, <-p.status, p.log.String())
	require.Contains(p.t, p.log.String(), "msg=stopped")
}

// call sends a request and decodes the answer.
func (p *program) call(method, url, body string, into any) int {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, url, strings.NewReader(body))
	require.NoError(p.t, err)
	req.Header.Set("Authorization", "Bot local")
	res, err := p.client.Do(req)
	require.NoError(p.t, err)
	defer res.Body.Close()
	if into != nil {
		require.NoError(p.t, json.NewDecoder(res.Body).Decode(into))
	}
	return res.StatusCode
}

// A client is a shard that runs.
type client struct {
	*gatewayshard.Shard
	events <-chan happening
	ended  <-chan error // what Run returned
}

// A happening is an event.
type happening struct {
	name event.Type
	data []byte
}

// connect runs a shard.
func (p *program) connect(config gatewayshard.Config, token string) *client {
	p.t.Helper()
	var bot struct{ URL string }
	require.Equal(p.t, http.StatusOK, p.call("GET", p.urls["http"]+"/api/v10/gateway/bot", "", &bot))
	require.Equal(p.t, p.urls["gateway"], bot.URL)
	events := make(chan happening, 1000)
	config.Backoff.Min = time.Millisecond
	shard, err := config.NewShard(0, token,
		func(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
			events <- happening{name, bytes.Clone(data)}
		},
		gateway.WithURL(bot.URL+"/?v=10&encoding=json"), gateway.WithIntents(intent.All))
	require.NoError(p.t, err)
	ended := make(chan error, 1)
	go func() { ended <- shard.Run(context.Background()) }()
	return &client{shard, events, ended}
}

// end closes the shard.
func (c *client) end(t *testing.T) {
	t.Helper()
	require.NoError(t, c.Close(t.Context(), gatewayshard.EndSession))
	require.NoError(t, <-c.ended)
}

// await returns when the event arrives.
func (c *client) await(t *testing.T, want event.Type) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case e := <-c.events:
			if e.name == want {
				return
			}
		case err := <-c.ended:
			t.Fatalf("no %s: %v", want, err)
		case <-limit:
			t.Fatalf("no %s", want)
		}
	}
}

func TestProgram(t *testing.T) {
	p := start(t, "-guilds", "2", "-heartbeat", "30s", "-seed", "5")
	control := p.urls["control"]
	c := p.connect(gatewayshard.Config{}, "local")
	c.await(t, event.Ready)

	var sessions []gatewaytest.SessionInfo
	require.Equal(t, http.StatusOK, p.call("GET", control+"/sessions", "", &sessions))
	session, ok := c.Session()
	require.True(t, ok)
	require.Len(t, sessions, 1)
	require.Equal(t, session.ID, sessions[0].ID)

	var guilds []gatewaytest.Guild
	require.Equal(t, http.StatusOK, p.call("GET", control+"/guilds", "", &guilds))
	require.Len(t, guilds, 2)

	var sent struct{ Sessions int }
	require.Equal(t, http.StatusOK, p.call("POST", control+"/dispatch",
		`{"event":"MESSAGE_CREATE","guild_id":"`+guilds[0].ID.String()+`","data":{"id":"1","content":"hello"}}`, &sent))
	require.Equal(t, 1, sent.Sessions)
	c.await(t, event.MessageCreate)

	require.Equal(t, http.StatusOK, p.call("POST", control+"/fault", `{"kind":"cut"}`, nil))
	c.await(t, event.Resumed)
	require.Equal(t, http.StatusBadRequest, p.call("POST", control+"/fault", `{"kind":"no such fault"}`, nil))

	var stats gatewaytest.Stats
	p.call("GET", control+"/stats", "", &stats)
	require.Equal(t, 1, stats.Resumes)
	c.end(t)
	p.end()
	for _, want := range []string{"session started", "session resumed", "faults happened", "dispatches="} {
		require.Contains(t, p.log.String(), want)
	}
}

func TestProgramWithTLS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	p := start(t, "-tls", "-ca", file)
	require.Equal(t, file, p.urls["ca"])
	require.True(t, strings.HasPrefix(p.urls["gateway"], "wss://"))
	pem, err := os.ReadFile(file)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	trust := &tls.Config{RootCAs: pool}
	p.client.Transport.(*http.Transport).TLSClientConfig = trust

	c := p.connect(gatewayshard.Config{TLS: trust}, "local")
	c.await(t, event.Ready)
	c.end(t)
	p.end()
}

// TestProgramWithVoice joins a voice channel.
func TestProgramWithVoice(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	p := start(t, "-ca", file, "-token", "local", "-guilds", "1")
	pem, err := os.ReadFile(file)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(pem))
	c := p.connect(gatewayshard.Config{}, "local")
	c.await(t, event.Ready)
	var guilds []gatewaytest.Guild
	p.call("GET", p.urls["control"]+"/guilds", "", &guilds)
	g := &guilds[0]

	voice, err := voiceshard.New(c.Shard, gatewaytest.Bot, voiceshard.WithTLS(&tls.Config{RootCAs: pool}))
	require.NoError(t, err)
	joined := make(chan error, 1)
	var session *voiceshard.Session
	go func() {
		var err error
		session, err = voice.Join(t.Context(), g.ID, g.VoiceChannel(0))
		joined <- err
	}()
	for ready := false; !ready; {
		select {
		case e := <-c.events:
			voice.HandleEvent(e.name, e.data)
		case err := <-joined:
			require.NoError(t, err)
			ready = true
		}
	}
	var in []gatewaytest.VoiceJoin
	require.Equal(t, http.StatusOK, p.call("GET", p.urls["control"]+"/voice", "", &in))
	require.Len(t, in, 1)
	require.Equal(t, g.VoiceChannel(0), session.Channel())
	require.NoError(t, voice.Close(t.Context()))
	c.end(t)
	p.end()
	require.Contains(t, p.log.String(), "voice connection over")
}

func TestProgramWithTrafficAndTokens(t *testing.T) {
	p := start(t, "-traffic", "500", "-token", "other, local", "-shards", "7", "-max-concurrency", "4")
	var bot struct {
		Shards int
		Limit  struct {
			MaxConcurrency int `json:"max_concurrency"`
		} `json:"session_start_limit"`
	}
	p.call("GET", p.urls["http"]+"/api/v10/gateway/bot", "", &bot)
	require.Equal(t, 7, bot.Shards)
	require.Equal(t, 4, bot.Limit.MaxConcurrency)

	c := p.connect(gatewayshard.Config{}, "local")
	c.await(t, event.TypingStart)
	c.end(t)

	var fatal *gatewayshard.FatalError
	require.ErrorAs(t, <-p.connect(gatewayshard.Config{}, "wrong").ended, &fatal)
	p.end()
	require.Contains(t, p.log.String(), "code=4004")
}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	for _, flag := range []string{"-addr", "-control"} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitWrong, run(t.Context(), []string{flag, l.Addr().String()}, &stdout, &stderr))
		require.Contains(t, stderr.String(), "localdiscord: listen tcp")
		require.Empty(t, stdout.String())
	}
}

func TestCertificateFileThatCannotBeWritten(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitWrong, run(t.Context(), []string{"-tls", "-ca", t.TempDir()}, &stdout, &stderr))
	require.Contains(t, stderr.String(), "localdiscord: open")
}
