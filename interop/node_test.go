package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/gatewaytest"
)

func TestNode(t *testing.T) {
	t.Parallel()
	node := installNode(t)
	for _, c := range []struct {
		name, script, options string
		wire                  wire
	}{
		{"discord.js", "discordjs.mjs", `{}`, wire{params: "v=10 encoding=json"}},
		{"discordjs-ws", "discordjsws.mjs", `{}`, wire{params: "v=10 encoding=json"}},
		{"discordjs-ws/payload", "discordjsws.mjs", `{"compress":"payload"}`, wire{params: "v=10 encoding=json", compressed: true}},
		{"discordjs-ws/zlib-stream", "discordjsws.mjs", `{"compress":"zlib-stream"}`, wire{params: "v=10 encoding=json compress=zlib-stream", compressed: true}},
		{"oceanic/zstd-stream", "oceanic.mjs", `{"compress":"zstd-stream"}`, wire{params: "v=10 encoding=json compress=zstd-stream", compressed: true, repeats: true}},
		{"oceanic/etf", "oceanic.mjs", `{"encoding":"etf"}`, wire{params: "v=10 encoding=etf"}},
		{"oceanic/etf/zlib-stream", "oceanic.mjs", `{"encoding":"etf","compress":"zlib-stream"}`, wire{params: "v=10 encoding=etf compress=zlib-stream", compressed: true, repeats: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(c.wire.params, "etf") {
				needErlpack(t, node)
			}
			liveThrough(t, c.wire, func(t *testing.T, srv *gatewaytest.Server, d *diary) bot {
				return startNodeBot(t, d, nil, c.script, srv.URL, c.options)
			})
		})
	}
}

// installNode returns a Node that has what the scripts need.
func installNode(t *testing.T) (node string) {
	found := theNode()
	if found.lack != "" {
		t.Skip(found.lack + "; .ci/node installs one and prints where")
	}
	require.NoError(t, found.err)
	return found.node
}

// An installation is a Node, or says why there is none.
type installation struct {
	node, lack string
	err        error
}

// theNode is shared by all tests: npm must not run twice at a time.
var theNode = sync.OnceValue(func() installation {
	node, err := exec.LookPath("node")
	if err != nil {
		return installation{lack: "no Node on PATH"}
	}
	const enough = `const [major, minor] = process.versions.node.split('.').map(Number); process.exit(major > 22 || major === 22 && minor >= 15 ? 0 : 1)`
	if exec.Command(node, "-e", enough).Run() != nil {
		return installation{lack: "the Node on PATH is older than 22.15"}
	}
	// npm leaves a copy of the lock file, which is older than a changed one.
	lock, err := os.Stat("node/package-lock.json")
	if err != nil {
		return installation{err: err}
	}
	if installed, err := os.Stat("node/node_modules/.package-lock.json"); err == nil && installed.ModTime().After(lock.ModTime()) {
		return installation{node: node}
	}
	npm := exec.Command("npm", "ci", "--omit=peer")
	npm.Dir = "node"
	npm.Env = append(os.Environ(), headers(node)...)
	if out, err := npm.CombinedOutput(); err != nil {
		return installation{err: fmt.Errorf("npm ci: %w: %s", err, out)}
	}
	return installation{node: node}
})

// headers tells where erlpack finds the headers of this very Node, if they
// came with it: what is built with those of another one does not load.
func headers(node string) []string {
	if file, err := filepath.EvalSymlinks(node); err == nil {
		node = file
	}
	prefix := filepath.Join(filepath.Dir(node), "..")
	for _, pattern := range []string{".", "node_modules/node-*"} { // the second is the npm package "node"
		dirs, _ := filepath.Glob(filepath.Join(prefix, pattern))
		for _, dir := range dirs {
			if _, err := fs.Stat(os.DirFS(dir), "include/node/node.h"); err == nil {
				return []string{"npm_config_nodedir=" + dir}
			}
		}
	}
	return nil
}

// needErlpack skips the test when nothing could compile the only codec that
// clients on Node use.
func needErlpack(t *testing.T, node string) {
	load := exec.CommandContext(t.Context(), node, "-e", "require('erlpack')")
	load.Dir = "node"
	if out, err := load.CombinedOutput(); err != nil {
		t.Skipf("erlpack, which needs a C++ compiler, does not load: %s", out)
	}
}

// startNode starts a script, whose output goes to read, and returns its input.
// With the test both end.
func startNode(t *testing.T, read func(io.Reader), env []string, script string, args ...string) io.Writer {
	cmd := exec.CommandContext(t.Context(), installNode(t), append([]string{script}, args...)...)
	cmd.Dir = "node"
	cmd.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var reading sync.WaitGroup
	reading.Go(func() { read(out) })
	t.Cleanup(func() {
		_ = in.Close()
		reading.Wait()
		_ = cmd.Wait() // killed, for all we know
		if t.Failed() {
			t.Log(stderr.String())
		}
	})
	return in
}

// A nodeBot is a bot in a process of its own: it takes orders from its
// standard input and writes its diary to its standard output.
type nodeBot struct {
	orders io.Writer
	diary  *diary
	done   chan string // orders carried out, closed with the process
}

func startNodeBot(t *testing.T, d *diary, env []string, script string, args ...string) *nodeBot {
	b := &nodeBot{diary: d, done: make(chan string, 1)}
	b.orders = startNode(t, b.read, env, script, args...)
	return b
}

// read copies what the script writes into the diary.
func (b *nodeBot) read(entries io.Reader) {
	defer close(b.done)
	d := b.diary
	lines := bufio.NewScanner(entries)
	for lines.Scan() {
		var e struct {
			Ready   bool
			Guild   string
			Message *string
			Chunk   *struct{ Count, Members int }
			Heard   []byte
			Problem string
			Done    string
		}
		err := json.Unmarshal(lines.Bytes(), &e)
		switch {
		case err != nil:
			d.problem("%s", lines.Text()) // libraries complain here too
		case e.Ready:
			d.ready()
		case e.Guild != "":
			d.guild(e.Guild)
		case e.Message != nil:
			d.message(*e.Message)
		case e.Chunk != nil:
			d.chunk(e.Chunk.Count, e.Chunk.Members)
		case e.Heard != nil:
			d.hear(e.Heard)
		case e.Problem != "":
			d.problem("%s", e.Problem)
		case e.Done != "":
			b.done <- e.Done
		}
	}
}

// order has something done, and returns when it is.
func (b *nodeBot) order(ctx context.Context, name, guild string) error {
	return b.orderWith(ctx, map[string]any{"order": name, "guild": guild})
}

// orderWith is order for those that need more than a guild.
func (b *nodeBot) orderWith(ctx context.Context, order map[string]any) error {
	if err := json.NewEncoder(b.orders).Encode(order); err != nil {
		return err
	}
	select {
	case _, running := <-b.done:
		if !running {
			return fmt.Errorf("%s: the process has ended", order["order"])
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", order["order"], context.Cause(ctx))
	}
}

func (b *nodeBot) open(ctx context.Context) error { return b.order(ctx, "open", "") }

func (b *nodeBot) requestMembers(ctx context.Context, guild string) error {
	return b.order(ctx, "requestMembers", guild)
}

func (b *nodeBot) idle(ctx context.Context) error { return b.order(ctx, "idle", "") }

func (b *nodeBot) close(ctx context.Context) error { return b.order(ctx, "close", "") }
