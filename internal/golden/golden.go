// Package golden holds tables against facts, and machines against traces, that
// were written down once. Only tests import it.
package golden

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

// Rows returns the rows of a file of facts in the package's testdata, split at
// " | ". Empty lines and those that start with # are none.
func Rows(t *testing.T, name string) [][]string {
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

// Constants returns the exported constants of a type by name, as the source of
// the package under test declares them.
func Constants(t *testing.T, typeName string) map[string]constant.Value {
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
