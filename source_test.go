package gateway_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/discordpkg/gateway"

// source is one Go file of the repository, nested modules included.
type source struct {
	name  string // slash-separated, relative to the root
	dir   string // "." for the root
	text  string
	fset  *token.FileSet
	file  *ast.File
	lines int
	test  bool
	other bool // belongs to a nested module, whose go.mod is its law
}

// sources parses every Go file of the repository.
func sources(t *testing.T) []*source {
	t.Helper()
	var (
		all    []*source
		nested []string
	)
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && hidden(d.Name()) {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && name != "." {
				nested = append(nested, filepath.ToSlash(name))
			}
			return nil
		}
		if strings.HasSuffix(name, ".go") && !strings.HasPrefix(d.Name(), ".") {
			s := parse(t, filepath.ToSlash(name))
			s.other = under(s.dir, nested...)
			all = append(all, s)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// hidden reports whether the go command would not look into a directory.
func hidden(dir string) bool {
	return strings.HasPrefix(dir, ".") || strings.HasPrefix(dir, "_") || dir == "testdata" || dir == "node_modules"
}

func parse(t *testing.T, name string) *source {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return parseText(t, name, string(text))
}

func parseText(t *testing.T, name, text string) *source {
	t.Helper()
	s := &source{name: name, dir: path.Dir(name), text: text, fset: token.NewFileSet()}
	s.test = strings.HasSuffix(name, "_test.go")
	s.lines = strings.Count(text, "\n")
	var err error
	s.file, err = parser.ParseFile(s.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// at is the position of n in the form that editors open.
func (s *source) at(n ast.Node) string { return s.fset.Position(n.Pos()).String() }

// span is the number of lines that n covers.
func (s *source) span(n ast.Node) int {
	return s.fset.Position(n.End()).Line - s.fset.Position(n.Pos()).Line + 1
}

// imports returns the import paths of the file, each with the name it goes by.
func (s *source) imports() map[string]string {
	named := make(map[string]string, len(s.file.Imports))
	for _, im := range s.file.Imports {
		p, _ := strconv.Unquote(im.Path.Value)
		named[p] = path.Base(p)
		if im.Name != nil {
			named[p] = im.Name.Name
		}
	}
	return named
}

// under reports whether dir is one of the trees, or lies in one.
func under(dir string, trees ...string) bool {
	for _, tree := range trees {
		if dir == tree || strings.HasPrefix(dir, tree+"/") {
			return true
		}
	}
	return false
}
