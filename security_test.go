package gateway_test

import (
	"go/ast"
	"os"
	"regexp"
	"testing"
)

// TestSecurityNamesTests keeps the table of bounds true: each test that it names
// exists.
func TestSecurityNamesTests(t *testing.T) {
	exists := make(map[string]bool)
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test {
				exists[f.Name.Name] = true
			}
		}
	}
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllSubmatch(page, -1)
	if len(names) < 20 {
		t.Errorf("SECURITY.md names %d tests", len(names))
	}
	for _, name := range names {
		if !exists[string(name[1])] {
			t.Errorf("SECURITY.md names %s, which is gone", name[1])
		}
	}
}
