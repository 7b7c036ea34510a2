package gateway_test

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A law says what the packages of some directory trees may import, tests
// apart. The laws are tried in order, the first that names the tree holds.
type law struct {
	trees   []string
	ours    []string // trees of this repository; "." is the root package
	foreign []string // module prefixes
	banned  []string // trees of the standard library
	pure    bool     // no clock, goroutine, channel
}

var (
	leaves = []string{"opcode", "closecode", "command", "event", "intent", "snowflake"}
	core   = slices.Concat([]string{"ratelimit", "internal/wire", "internal/heart", "internal/phase", "internal/deadline", "internal/buffer", "internal/redact"}, leaves)
	below  = slices.Concat([]string{".", "dave", "etf", "compress", "lvsp", "lifecycle", "internal"}, core)

	impure = []string{"context", "log", "net", "os", "runtime", "sync", "syscall", "testing", "unsafe"}
	crypto = []string{"golang.org/x/crypto"}
	socket = []string{"github.com/gobwas/ws", "github.com/gobwas/httphead"}
	shell  = slices.Concat(socket, crypto, []string{"golang.org/x/time"})
)

var laws = []law{
	{trees: []string{"opcode", "closecode", "event"}, pure: true, banned: slices.Concat(impure, []string{"io", "time"})},
	{trees: []string{"snowflake"}, banned: impure, pure: true},
	{trees: []string{"command", "intent"}, ours: leaves, banned: impure, pure: true},
	{trees: []string{"ratelimit"}, ours: leaves, foreign: []string{"golang.org/x/time/rate"}, banned: without(impure, "sync"), pure: true},
	{trees: []string{"internal/frame"}, ours: append([]string{"internal/buffer"}, leaves...), foreign: socket, banned: []string{"log", "os"}},
	{trees: []string{"internal/websocket"}, ours: []string{"internal/frame", "internal/alarm", "internal/deadline"}, foreign: socket, banned: []string{"context", "log", "os"}},
	{trees: []string{"internal/useragent"}, banned: without(impure, "runtime"), pure: true},
	{trees: []string{"internal/filelock"}, foreign: []string{"golang.org/x/sys/windows"}, banned: without(impure, "os", "syscall"), pure: true},
	{trees: []string{"internal/hostile"}, ours: append([]string{"compress", "etf", "internal"}, leaves...), foreign: socket, banned: []string{"context", "log", "os"}},
	{trees: []string{"internal/certificate"}, banned: []string{"context", "log", "os"}},
	{trees: []string{"internal/alarm"}, banned: []string{"context", "log", "net", "os", "sync"}},
	{trees: []string{"internal/golden"}, foreign: []string{"github.com/stretchr/testify"}},
	{trees: []string{"internal"}, ours: slices.Concat([]string{"internal"}, leaves), foreign: crypto, banned: impure, pure: true},
	// The root names net.ErrClosed and runtime.GOOS, see exact.
	{trees: []string{"."}, ours: core, foreign: []string{"golang.org/x/net/publicsuffix"}, banned: without(impure, "net", "runtime"), pure: true},
	{trees: []string{"lifecycle"}, ours: slices.Concat([]string{"."}, core), banned: impure, pure: true},
	{trees: []string{"lvsp"}, ours: core, banned: impure, pure: true},
	{trees: []string{"dave"}, ours: slices.Concat([]string{".", "internal/mls", "internal/deadline"}, leaves), foreign: crypto, banned: impure, pure: true},
	// The types of events know nothing of machines, which know nothing of them.
	{trees: []string{"discord"}, ours: []string{"snowflake", "event"}, banned: without(impure, "unsafe"), pure: true},
	{trees: []string{"etf"}, ours: []string{"internal/buffer"}, banned: impure, pure: true},
	// Decoders outlive their connection in a pool, which is a sync.Pool.
	{trees: []string{"compress"}, ours: []string{"internal/buffer"}, foreign: []string{"github.com/klauspost/compress"}, banned: without(impure, "sync"), pure: true},
	{trees: []string{"gatewayshard"}, ours: below, foreign: shell},
	{trees: []string{"sharding/handover", "sharding/internal"}, ours: slices.Concat([]string{".", "internal/wire", "internal/deadline"}, leaves), banned: impure, pure: true},
	{trees: []string{"sharding"}, ours: append([]string{"gatewayshard", "sharding"}, below...)},
	{trees: []string{"voiceshard/internal/jitter", "voiceshard/internal/histogram"}, ours: []string{"voiceshard/internal"}, banned: impure, pure: true},
	{trees: []string{"voiceshard/internal/pace"}, ours: []string{"voiceshard/internal"}},
	{trees: []string{"voiceshard/audio"}, ours: []string{"internal/rtp"}, banned: without(impure, "os"), pure: true},
	{trees: []string{"voiceshard"}, ours: append([]string{"voiceshard"}, below...), foreign: shell},
	{trees: []string{"voiceserver/admission"}, ours: []string{"internal/cellrate", "internal/deadline"}, banned: impure, pure: true},
	{trees: []string{"voiceserver/relay"}, ours: []string{".", "internal/rtp", "internal/cellrate", "snowflake"}, banned: impure, pure: true},
	{trees: []string{"voiceserver/signaling"}, ours: slices.Concat([]string{".", "dave", "lvsp", "internal/rtp", "voiceserver/relay"}, core), banned: impure, pure: true},
	{trees: []string{"voiceserver"}, ours: append([]string{"voiceserver"}, below...), foreign: append([]string{"golang.org/x/net/ipv4"}, shell...)},
	{trees: []string{"gatewaytest/world"}, ours: slices.Concat([]string{"etf", "compress", "internal/splitmix"}, core), banned: impure, pure: true},
	{trees: []string{"gatewaytest/sim"}, ours: slices.Concat([]string{".", "dave", "etf", "compress", "lifecycle", "gatewaytest/world", "voiceserver/signaling", "voiceserver/relay", "internal/rtp", "internal/splitmix"}, core), banned: impure, pure: true},
	{trees: []string{"gatewaytest"}, ours: append([]string{"gatewaytest", "voiceserver"}, below...), foreign: shell},
	{trees: []string{"cmd", "examples"}, ours: append([]string{"gatewayshard", "sharding", "voiceshard", "gatewaytest", "voiceserver", "cmd"}, below...), foreign: shell},
}

// exact lists the only names that a package may use of an import that would
// else be out of bounds.
var exact = map[string]map[string][]string{
	".":                 {"net": {"ErrClosed"}, "runtime": {"GOOS"}, "log/slog": redacting},
	"lvsp":              {"log/slog": redacting},
	"lifecycle":         {"log/slog": redacting},
	"voiceserver/relay": {"log/slog": redacting},
	"gatewaytest/world": {"log/slog": redacting},
}

// redacting is what a type that holds a secret needs of log/slog, to keep it out
// of the logs of others.
var redacting = []string{"Value", "StringValue"}

// aliasFile is the only file that may import unsafe.
const aliasFile = "discord/alias.go"

// clock lists what reads the time or waits for it.
var clock = []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep", "Timer", "Ticker"}

// TestImports decides who may import whom: constants know nothing, the core
// knows constants, the transforms know the core, the shells know both, and
// the servers never know the shards.
func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.other {
			continue
		}
		l, ok := lawOf(s.dir)
		if !ok {
			t.Errorf("%s: no law names %s, add it to laws", s.name, s.dir)
			continue
		}
		for _, p := range slices.Sorted(maps.Keys(s.imports())) {
			if why := l.judge(s.dir, p); why != "" {
				t.Errorf("%s: imports %s: %s", s.name, p, why)
			}
			if p == "unsafe" && s.name != aliasFile {
				t.Errorf("%s: imports unsafe, which only %s may", s.name, aliasFile)
			}
		}
	}
}

// TestPure keeps clocks, goroutines and channels out of the pure packages:
// time comes in as an argument and goes out as a deadline. What a pure package
// imports of this repository is pure as well, so that no helper hides a clock.
func TestPure(t *testing.T) {
	for _, s := range sources(t) {
		for _, why := range impurities(s) {
			t.Error(why)
		}
	}
}

// impurities says what a file has that a pure package must not have. All files
// of a package that is not pure are free of it.
func impurities(s *source) (found []string) {
	l, _ := lawOf(s.dir)
	if s.test || s.other || !l.pure {
		return nil
	}
	named := s.imports()
	for _, p := range slices.Sorted(maps.Keys(named)) {
		if to, ours := inside(p); ours {
			if below, _ := lawOf(to); !below.pure {
				found = append(found, s.name+": imports "+p+", which is not pure")
			}
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if why := impurity(s.dir, n, named); why != "" {
			found = append(found, s.at(n)+": "+why)
		}
		return true
	})
	return found
}

// inside returns the directory of a package of this repository.
func inside(p string) (dir string, ours bool) {
	if p == module {
		return ".", true
	}
	return strings.CutPrefix(p, module+"/")
}

// TestLaws feeds the judges what they must refuse, so that a rule that has
// gone blind does not pass for a rule that is obeyed.
func TestLaws(t *testing.T) {
	for _, c := range []struct {
		dir, path string
		ok        bool
	}{
		{".", module + "/internal/wire", true},
		{".", module + "/ratelimit", true},
		{".", module + "/dave", false},
		{".", module + "/etf", false},
		{".", module + "/compress", false},
		{".", module + "/internal/mls", false},
		{".", "github.com/gobwas/ws", false},
		{".", "net", true},
		{".", "net/url", true},
		{".", "net/http", false},
		{".", "sync/atomic", false},
		{"opcode", module + "/closecode", false},
		{"event", "time", false},
		{"intent", module + "/event", true},
		{"internal/heart", module, false},
		{"internal/mls", "golang.org/x/crypto/hkdf", true},
		{"etf", module + "/event", false},
		{"discord", module + "/snowflake", true},
		{"discord", module, false},
		{".", module + "/discord", false},
		{"gatewayshard", module + "/discord", false},
		{"discord", "sync", false},
		{"compress", "sync", true},
		{"compress", "net", false},
		{"dave", module, true},
		{"internal/websocket", module + "/internal/frame", true},
		{"internal/websocket", module + "/gatewaytest", false},
		{"internal/websocket", "log", false},
		{"lifecycle", module, true},
		{"lifecycle", "net/url", true},
		{"lifecycle", "net/http", false},
		{"lifecycle", "sync", false},
		{"lifecycle", module + "/gatewayshard", false},
		{"gatewayshard", "net", true},
		{"gatewayshard", module + "/gatewaytest", false},
		{"gatewayshard", module + "/sharding", false},
		{"sharding", module + "/gatewayshard", true},
		{"sharding", "github.com/gobwas/ws", false},
		{"sharding", module + "/gatewaytest", false},
		{"sharding/handover", "sync", false},
		{"sharding/internal/progress", module + "/gatewayshard", false},
		{"gatewaytest", module + "/gatewayshard", false},
		{"gatewaytest", module + "/voiceserver", true},
		{"voiceserver", module + "/voiceshard", false},
		{"voiceserver", module + "/voiceserver/signaling", true},
		{"voiceserver/signaling", module + "/voiceserver", false},
		{"voiceserver/signaling", "net", false},
		{"voiceserver/relay", module + "/voiceserver/signaling", false},
		{"voiceserver/relay", "sync", false},
		{"gatewaytest/world", module + "/voiceserver", false},
		{"gatewaytest/world", "net/http", false},
		{"gatewaytest/sim", module + "/gatewaytest", false},
		{"gatewaytest/sim", "context", false},
		{"voiceshard", module + "/voiceshard/audio", true},
		{"voiceshard", module + "/gatewayshard", false},
		{"voiceshard/audio", module + "/voiceshard", false},
		{"voiceshard/internal/jitter", "sync", false},
		{"cmd/gatewaybot", module + "/gatewayshard", true},
		{"cmd/gatewaybot", "example.com/heavy", false},
	} {
		l, found := lawOf(c.dir)
		if why := l.judge(c.dir, c.path); !found || (why == "") != c.ok {
			t.Errorf("%s imports %s: law found %v, judged %q", c.dir, c.path, found, why)
		}
	}
}

// TestClockBehindHelper puts a clock where a list of file names did not look:
// into another file of the package, and into a package below it.
func TestClockBehindHelper(t *testing.T) {
	const helper = "import \"time\"\n\nfunc wallClock() time.Time { return time.Now() }\n"
	const caller = "import \"" + module + "/internal/alarm\"\n\nvar wake = alarm.New(nil)\n"
	for _, c := range []struct {
		name, text string
		found      int
	}{
		{"voiceserver/signaling/options.go", helper, 1},
		{"voiceserver/signaling/server.go", caller, 1},
		{"gatewaytest/world/record.go", helper, 1},
		{"gatewaytest/sim/hash.go", "import \"" + module + "/gatewaytest\"\n\nvar _ = gatewaytest.Bot\n", 1},
		{"gatewaytest/world/guild.go", "func f() { go f() }\n", 1},
		{"voiceserver/settings.go", helper, 0},
		{"voiceserver/signaling/server.go", "import \"time\"\n\nfunc f(now time.Time) time.Time { return now.Add(time.Second) }\n", 0},
	} {
		if found := impurities(parseText(t, c.name, "package p\n\n"+c.text)); len(found) != c.found {
			t.Errorf("%s: found %q in\n%s", c.name, found, c.text)
		}
	}
}

func lawOf(dir string) (law, bool) {
	for _, l := range laws {
		for _, tree := range l.trees {
			if dir == tree || tree != "." && under(dir, tree) {
				return l, true
			}
		}
	}
	return law{}, false
}

// judge says what is wrong with an import, or nothing.
func (l law) judge(dir, p string) string {
	if to, ours := inside(p); ours {
		if to != dir && !under(to, l.ours...) {
			return "not below this package"
		}
		return ""
	}
	if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") {
		if !under(p, l.foreign...) {
			return "not a module this package may need"
		}
		return ""
	}
	if _, named := exact[dir][p]; named {
		return ""
	}
	if p == "net/netip" || p == "net/url" && dir == "lifecycle" { // addresses as values, without a network
		return ""
	}
	if under(p, l.banned...) || dir == "." && under(p, "net") && p != "net" && p != "net/url" {
		return "the protocol packages do without"
	}
	return ""
}

// impurity says why a node has no place in a pure file, or nothing.
func impurity(dir string, n ast.Node, named map[string]string) string {
	switch n := n.(type) {
	case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
		return "goroutine or channel"
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			return "channel receive"
		}
	case *ast.ImportSpec:
		if n.Name != nil && n.Name.Name == "." {
			return "dot import"
		}
	case *ast.SelectorExpr:
		x, ok := n.X.(*ast.Ident)
		if !ok {
			break
		}
		if x.Name == named["time"] && slices.Contains(clock, n.Sel.Name) {
			return "reads a clock: time." + n.Sel.Name
		}
		for p, allowed := range exact[dir] {
			if x.Name == named[p] && !slices.Contains(allowed, n.Sel.Name) {
				return "uses " + p + "." + n.Sel.Name
			}
		}
	}
	return ""
}

func without(list []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(names, s) })
}
