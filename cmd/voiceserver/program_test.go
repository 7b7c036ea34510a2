package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
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

	"github.com/discordpkg/gateway/internal/certificate"
	"github.com/discordpkg/gateway/lvsp"
)

// asProgram makes a process of the test binary the program itself.
const asProgram = "VOICESERVER_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

const secretText = "a secret of more than thirty-two bytes"

func secretFile(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(secretText+"\n"), 0o600))
	return file
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

// A service is the program within this process.
type service struct {
	t      *testing.T
	urls   map[string]string // by the name they are printed with
	stop   context.CancelFunc
	status chan int
	log    lockedBuffer
}

// serve runs the program, and returns when it has printed its URLs.
func serve(t *testing.T, want int, args ...string) *service {
	ctx, cancel := context.WithCancel(context.Background())
	s := &service{t: t, stop: cancel, status: make(chan int, 1)}
	r, w := io.Pipe()
	go func() {
		status := run(ctx, append([]string{"-listen", "127.0.0.1:0", "-lvsp", "127.0.0.1:0", "-udp", "127.0.0.1:0"}, args...), nothing, w, &s.log)
		_ = w.Close()
		s.status <- status
	}()
	t.Cleanup(func() { cancel(); _ = r.Close() })
	s.urls = printed(r, want)
	require.Len(t, s.urls, want, s.log.String())
	return s
}

// printed reads lines of names and values.
func printed(r io.Reader, want int) map[string]string {
	values := make(map[string]string)
	lines := bufio.NewScanner(r)
	for len(values) < want && lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "=")
		values[name] = value
	}
	return values
}

// end stops the program and wants it to end well.
func (s *service) end() {
	s.t.Helper()
	s.stop()
	require.Equal(s.t, exitOK, <-s.status, s.log.String())
}

func fetch(t *testing.T, url string) (status int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	res, err := client.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(b)
}

func TestProgram(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	s := serve(t, 4, "-secret-file", secretFile(t), "-ca", ca, "-metrics", "127.0.0.1:0", "-log-format", "json", "-udp-ports", "3",
		"-hello-seconds", "-require-e2ee")
	require.Equal(t, ca, s.urls["ca"])
	require.NotEqual(t, s.urls["voice"], s.urls["lvsp"])
	status, text := fetch(t, s.urls["metrics"])
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, "voiceserver_health 1\n")
	status, text = fetch(t, strings.Replace(s.urls["metrics"], "/metrics", "/healthz", 1))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "ok\n", text)

	b, err := os.ReadFile(ca)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(b))
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.urls["lvsp"], "wss://"), &tls.Config{RootCAs: pool})
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	s.end()
	for _, want := range []string{`"msg":"serving"`, `"msg":"draining"`, `"msg":"stopped"`} {
		require.Contains(t, s.log.String(), want)
	}
	require.NotContains(t, s.log.String(), secretText)
}

// writePair makes a certificate for the loopback interface.
func writePair(t *testing.T, dir string) (cert, key string, ca *x509.Certificate) {
	t.Helper()
	pair, ca, err := certificate.SelfSigned("test", time.Now())
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, writeCertificate(cert, ca))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return cert, key, ca
}

// A certificate that somebody renews is used without a restart, and one that
// is broken is not.
func TestCertificateIsRenewed(t *testing.T) {
	dir := t.TempDir()
	cert, key, first := writePair(t, dir)
	s := serve(t, 2, "-secret-file", secretFile(t), "-tls-cert", cert, "-tls-key", key)
	pool := x509.NewCertPool()
	pool.AddCert(first)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.urls["voice"], "wss://"), &tls.Config{RootCAs: pool})
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	s.end()

	k, err := loadKeyPair(cert, key)
	require.NoError(t, err)
	now := time.Now()
	old := k.get(now)
	require.NoError(t, os.WriteFile(cert, []byte("half of a file"), 0o600))
	require.NoError(t, os.Chtimes(cert, now, now.Add(time.Second)))
	require.Same(t, old, k.get(now.Add(reloadPeriod)))
	writePair(t, dir)
	require.NoError(t, os.Chtimes(cert, now, now.Add(2*time.Second)))
	require.Same(t, old, k.get(now.Add(reloadPeriod+1)), "not looked at yet")
	require.NotEqual(t, old.Certificate, k.get(now.Add(3*reloadPeriod)).Certificate)
	_, err = loadKeyPair(filepath.Join(dir, "missing"), key)
	require.ErrorContains(t, err, "certificate:")
}

func TestWithoutTLS(t *testing.T) {
	s := serve(t, 2, "-backend", "a="+secretFile(t), "-without-tls", "-without-e2ee")
	require.True(t, strings.HasPrefix(s.urls["voice"], "ws://127.0.0.1:"))
	require.True(t, strings.HasPrefix(s.urls["lvsp"], "ws://127.0.0.1:"))
	s.end()
}

func TestCannotRun(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	taken, secret := l.Addr().String(), secretFile(t)
	short := filepath.Join(t.TempDir(), "short")
	require.NoError(t, os.WriteFile(short, []byte("short"), 0o600))
	missing := filepath.Join(t.TempDir(), "missing")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-secret-file", secret, "-listen", taken}, "voiceserver: listen tcp"},
		{[]string{"-secret-file", secret, "-lvsp", taken}, "listen tcp"},
		{[]string{"-secret-file", secret, "-metrics", taken}, "listen tcp"},
		{[]string{"-secret-file", secret, "-udp", "192.0.2.1:1"}, "listen udp"},
		{[]string{"-secret-file", secret, "-udp", ":http"}, "no number"},
		{[]string{"-secret-file", secret, "-ca", t.TempDir()}, "voiceserver: open"},
		{[]string{"-secret-file", secret, "-tls-cert", missing, "-tls-key", missing}, "certificate:"},
		{[]string{"-secret-file", missing}, "secret of backend"},
		{[]string{"-secret-file", short}, lvsp.ErrShortSecret.Error()},
	} {
		var stdout, stderr bytes.Buffer
		args := append([]string{"-listen", "127.0.0.1:0", "-lvsp", "127.0.0.1:0", "-udp", "127.0.0.1:0"}, c.args...)
		require.Equal(t, exitWrong, run(t.Context(), args, nothing, &stdout, &stderr), c.args)
		require.Contains(t, stderr.String(), c.want)
		require.Empty(t, stdout.String())
	}
}

// The numbers are for this machine, unless the operator names an address.
func TestMetricsAreOnLoopback(t *testing.T) {
	for address, want := range map[string]string{
		":9090": "127.0.0.1:9090", "0.0.0.0:9090": "0.0.0.0:9090", "[::]:1": "[::]:1", "metrics.example:80": "metrics.example:80", "nonsense": "nonsense",
	} {
		require.Equal(t, want, loopback(address))
	}
}
