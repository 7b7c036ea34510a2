package gatewayshard

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/lifecycle"
)

// upgrade is an HTTP handler that says Hello, and closes with 4000.
func upgrade(seen func(*http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen(r)
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Write(frame.AppendServer(nil, ws.OpText, []byte(`{"op":10,"d":{"heartbeat_interval":41250}}`)))
		_, _ = conn.Write(frame.AppendServer(nil, ws.OpClose, ws.NewCloseFrameBody(4000, "")))
		_, _ = io.Copy(io.Discard, conn)
	})
}

func dialURL(server *httptest.Server) string {
	return strings.Replace(server.URL, "http", "ws", 1) + "/?v=10&encoding=json"
}

func visit(t *testing.T, c Config, target string) error {
	t.Helper()
	s, err := c.NewShard(0, "token", nil, gateway.WithURL(target))
	require.NoError(t, err)
	conn, err := s.Dial(t.Context(), "")
	if err != nil {
		return err
	}
	require.NotNil(t, conn)
	var de *gateway.DiscordError
	require.ErrorAs(t, s.EventLoop(t.Context()), &de)
	return nil
}

func TestDialTLS(t *testing.T) {
	var agent string
	server := httptest.NewUnstartedServer(upgrade(func(r *http.Request) { agent = r.UserAgent() }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	require.NoError(t, visit(t, Config{Proxy: noProxy, TLS: &tls.Config{RootCAs: roots}}, dialURL(server)))
	require.Regexp(t, `^DiscordBot \(https://github.com/discordpkg/gateway, [^ ]+\)$`, agent)

	var unknown *tls.CertificateVerificationError
	require.ErrorAs(t, visit(t, Config{Proxy: noProxy, TLS: &tls.Config{RootCAs: x509.NewCertPool()}}, dialURL(server)), &unknown)
}

func TestDialHeader(t *testing.T) {
	var seen http.Header
	server := httptest.NewServer(upgrade(func(r *http.Request) { seen = r.Header.Clone() }))
	defer server.Close()
	given := http.Header{"User-Agent": {"DiscordBot (https://example.com, 3)"}, "X-More": {"1"}}
	require.NoError(t, visit(t, Config{Proxy: noProxy, Header: given}, dialURL(server)))
	require.Equal(t, given.Get("User-Agent"), seen.Get("User-Agent"))
	require.Equal(t, "1", seen.Get("X-More"))
}

// A proxy tunnels to the given server whatever is asked for.
func proxy(t *testing.T, to string, asked *http.Request) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = *r
		if r.Header.Get("Proxy-Authorization") != "Basic dXNlcjpwYXNz" {
			http.Error(w, "who are you", http.StatusProxyAuthRequired)
			return
		}
		out, err := net.Dial("tcp", to)
		if err != nil {
			t.Error(err)
			return
		}
		defer out.Close()
		in, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer in.Close()
		_, _ = io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n")
		var up sync.WaitGroup
		up.Go(func() { _, _ = io.Copy(out, buffered); _ = out.Close() })
		_, _ = io.Copy(in, out)
		_ = in.Close()
		up.Wait()
	})
}

func TestDialThroughProxy(t *testing.T) {
	server := httptest.NewServer(upgrade(func(*http.Request) {}))
	defer server.Close()
	var asked http.Request
	handler := proxy(t, server.Listener.Addr().String(), &asked)
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())

	for _, via := range []string{plain.URL, secure.URL} {
		u, err := url.Parse(via)
		require.NoError(t, err)
		config := func(user *url.Userinfo) Config {
			return Config{TLS: &tls.Config{RootCAs: roots}, Proxy: func(r *http.Request) (*url.URL, error) {
				require.Equal(t, "http://discord.test/", r.URL.Scheme+"://"+r.URL.Host+r.URL.Path)
				u.User = user
				return u, nil
			}}
		}
		const target = "ws://discord.test/?v=10&encoding=json"
		require.NoError(t, visit(t, config(url.UserPassword("user", "pass")), target))
		require.Equal(t, http.MethodConnect, asked.Method)
		require.Equal(t, "discord.test:80", asked.Host)

		err = visit(t, config(url.UserPassword("user", "SECRET")), target)
		require.ErrorContains(t, err, "407")
		require.NotContains(t, err.Error(), "SECRET")
	}
}

func TestProxyErrors(t *testing.T) {
	via := func(proxy string, err error) Config {
		return Config{Proxy: func(*http.Request) (*url.URL, error) {
			u, _ := url.Parse(proxy)
			return u, err
		}}
	}
	wrong := errors.New("wrong")
	require.ErrorIs(t, visit(t, via("", wrong), testURL), wrong)
	require.ErrorContains(t, visit(t, via("socks5://127.0.0.1:1", nil), testURL), `unsupported scheme "socks5"`)
	c := via("http://proxy.test", nil)
	c.NetDial = func(_ context.Context, _, addr string) (net.Conn, error) {
		require.Equal(t, "proxy.test:80", addr)
		return nil, wrong
	}
	require.ErrorIs(t, visit(t, c, testURL), wrong)
	for name, answer := range map[string]string{
		"eager":   "HTTP/1.1 200 OK\r\n\r\n\x81\x00",
		"garbled": "220 smtp.test\r\n\r\n",
		"endless": strings.Repeat("x", 1<<20),
	} {
		c.NetDial = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				_, _ = http.ReadRequest(bufio.NewReader(server))
				_, _ = io.WriteString(server, answer)
			}()
			return client, nil
		}
		err := visit(t, c, testURL)
		require.ErrorContains(t, err, "proxy.test", name)
		require.Equal(t, name == "endless", errors.Is(err, ErrAnswerTooLarge), name)
	}
}

// A server answers the handshake without end, in one line or in many.
func TestDialEndlessAnswers(t *testing.T) {
	for start, piece := range map[string]string{
		"":                                     "y",
		"HTTP/1.1 101 Switching Protocols\r\n": "X: y\r\n",
	} {
		sent := make(chan int, 1)
		c := Config{Proxy: noProxy, NetDial: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				_, _ = http.ReadRequest(bufio.NewReader(server))
				n, err := io.WriteString(server, start)
				for chunk := []byte(strings.Repeat(piece, 4096/len(piece))); err == nil && n < 64<<20; {
					var m int
					m, err = server.Write(chunk)
					n += m
				}
				sent <- n
			}()
			return client, nil
		}}
		require.ErrorIs(t, visit(t, c, testURL), ErrAnswerTooLarge, start)
		require.LessOrEqual(t, <-sent, frame.MaxAnswer, start)
	}
}

// FuzzTunnel is a proxy that answers CONNECT with foreign bytes.
func FuzzTunnel(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 Connection established\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	f.Add([]byte("HTTP/1.1 407 SECRET\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\n" + strings.Repeat("a:\n", 200) + "\n"))
	f.Add([]byte("220 smtp.test\r\n\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		conn := &readOnly{b: answer}
		err := tunnel(conn, "gateway.test:443", url.UserPassword("user", "SECRET"))
		if taken := answer[:len(answer)-len(conn.b)]; err == nil && !bytes.HasSuffix(taken, []byte("\n\n")) && !bytes.HasSuffix(taken, []byte("\n\r\n")) {
			t.Fatalf("a tunnel after %q", taken)
		}
		if err != nil && !bytes.Contains(answer, []byte("SECRET")) && strings.Contains(err.Error(), "SECRET") {
			t.Fatal(err)
		}
	})
}

// A readOnly connection ends after its bytes, and takes what is written to it.
type readOnly struct {
	net.Conn
	b []byte
}

func (r *readOnly) Write(p []byte) (int, error) { return len(p), nil }

func (r *readOnly) Read(p []byte) (int, error) {
	n := copy(p, r.b)
	if r.b = r.b[n:]; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// A server that sends the token back finds no help in bringing it into a log.
func TestDialShowsNoToken(t *testing.T) {
	for _, body := range []string{"denied: tok3n", strings.Repeat("x", 197) + "tok3n"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, body, http.StatusForbidden)
		}))
		s, err := Config{Proxy: noProxy}.NewShard(0, "tok3n", nil, gateway.WithURL(dialURL(server)))
		require.NoError(t, err)
		_, err = s.Dial(t.Context(), "")
		server.Close()
		require.ErrorContains(t, err, "403")
		require.NotContains(t, err.Error(), "tok")
	}
}

func TestDialErrors(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	err := visit(t, Config{Proxy: noProxy}, dialURL(server))
	require.ErrorContains(t, err, "503")
	require.ErrorContains(t, err, "too many connections")
	var status ws.StatusError
	require.ErrorAs(t, err, &status)

	s, err := NewShard(0, "token", nil)
	require.NoError(t, err)
	for _, wrong := range []string{"ws://gateway.test", "https://gateway.test/?v=10&encoding=json", "ws://gateway.test/?v=6&encoding=json"} {
		_, err = s.Dial(t.Context(), wrong)
		require.Error(t, err)
	}
	require.NoError(t, s.PrepareForReconnect(), "nothing has happened")
}

func TestDialTimeouts(t *testing.T) {
	silent := func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			_, _ = io.Copy(io.Discard, server)
			_ = server.Close()
		}()
		return client, nil
	}
	proxied := func(*http.Request) (*url.URL, error) { return &url.URL{Scheme: "http", Host: "proxy.test"}, nil }
	for name, c := range map[string]Config{
		"a server that does not answer": {Proxy: noProxy, NetDial: silent},
		"a proxy that does not answer":  {Proxy: proxied, NetDial: silent},
		"a network that does not answer": {Proxy: noProxy, NetDial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}},
	} {
		bubble(t, name, func(t *testing.T) {
			start := time.Now()
			require.ErrorIs(t, visit(t, c, testURL), context.DeadlineExceeded)
			require.Equal(t, 30*time.Second, time.Since(start))
		})
	}
}

func TestDialURL(t *testing.T) {
	bubble(t, "is the ordinary URL, with the encoding and compression of the state", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		var dialed []string
		s.config.NetDial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialed = append(dialed, addr)
			return n.dial(ctx, network, addr)
		}
		const own = "ws://own.test/?v=10&encoding=json"
		for range 2 {
			_, err := s.Dial(t.Context(), own)
			require.NoError(t, err)
			done := make(chan error, 1)
			go func() { done <- s.EventLoop(t.Context()) }()
			p := <-n.peers
			p.hello(time.Minute)
			if len(dialed) == 1 {
				p.expect(2)
				p.ready(1)
				synctest.Wait()
			} else {
				p.expect(6)
			}
			p.nc.Close()
			require.Error(t, <-done)
			require.NoError(t, s.PrepareForReconnect())
		}
		require.Equal(t, []string{"own.test:80", "resume.test:80"}, dialed)
	})
}

func TestDialedButNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		for range 2 {
			_, err := s.Dial(t.Context(), "")
			require.NoError(t, err)
			require.NoError(t, s.PrepareForReconnect())
			p := <-n.peers
			_, err = p.nc.Read(make([]byte, 1))
			require.Equal(t, io.EOF, err)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	for name, c := range map[string]Config{
		"negative dial timeout":  {DialTimeout: -1},
		"negative write timeout": {WriteTimeout: -1},
		"negative read limit":    {ReadLimit: -1},
		"negative handshake":     {HandshakeTimeout: -1},
		"handshake upside down":  {HandshakeTimeout: 2, HandshakeMax: 1},
		"foreign state":          {State: lifecycle.ShardState{Version: 99}},
		"backoff upside down":    {Backoff: lifecycle.Backoff{Min: 2, Max: 1}},
	} {
		_, err := c.NewShard(0, "token", nil)
		require.Error(t, err, name)
	}
	both := Config{PayloadHandler: func(gateway.ShardID, *gateway.GatewayPayload) {}}
	_, err := both.NewShard(0, "token", func(gateway.ShardID, event.Type, gateway.RawMessage) {})
	require.Error(t, err)
	_, err = NewShard(1, "token", nil)
	require.ErrorContains(t, err, "shard count")
	_, err = NewShard(0, "", nil)
	require.Error(t, err)
}
