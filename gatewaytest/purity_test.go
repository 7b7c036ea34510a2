package gatewaytest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The files around the sockets. All others are machines.
var shell = []string{"server.go", "peer.go", "rest.go", "control.go", "wait.go", "voiceserver.go", "voicecontrol.go", "lvsp.go", "lvspdial.go", "lvsppipe.go", "settings.go"}

// The world, its connections and the simulation know no clock but the one they are told.
func TestMachinesArePure(t *testing.T) {
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	files := token.NewFileSet()
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || slices.Contains(shell, name) {
			continue
		}
		f, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, i := range f.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			require.NoError(t, err)
			require.NotContains(t, []string{"net", "net/http", "net/url", "os", "sync", "sync/atomic", "context", "log", "log/slog"}, path, name)
			require.False(t, strings.Contains(path, "gobwas"), name)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt:
				t.Errorf("%v: goroutine or channel", files.Position(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" &&
					slices.Contains([]string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker"}, n.Sel.Name) {
					t.Errorf("%v: time.%s", files.Position(n.Pos()), n.Sel.Name)
				}
			}
			return true
		})
	}
}
