package event

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// golden returns the rows of a file of facts, split at " | ".
func golden(t *testing.T, name string) [][]string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	var rows [][]string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			rows = append(rows, strings.Split(line, " | "))
		}
	}
	return rows
}

// declared returns the exported constants of a type as the source of this
// package declares them, by name.
func declared(t *testing.T, typeName string) map[string]constant.Value {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range files {
		if !strings.HasSuffix(name, "_test.go") {
			file, err := parser.ParseFile(fset, name, nil, 0)
			require.NoError(t, err)
			parsed = append(parsed, file)
		}
	}
	// Imports stay unresolved: constants do not need them.
	config := types.Config{Error: func(error) {}}
	pkg, _ := config.Check("tables", fset, parsed, nil)
	constants := make(map[string]constant.Value)
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok || !c.Exported() {
			continue
		}
		if named, ok := c.Type().(*types.Named); ok && named.Obj().Name() == typeName {
			constants[name] = c.Val()
		}
	}
	require.NotEmpty(t, constants)
	return constants
}
