package gateway_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

const (
	fileLines     = 400 // the aim, a longer file is reported
	fileLinesHard = 500
	funcLines     = 40
	caseLines     = 12 // a flat switch may be long, its cases may not
)

// longFuncs lists the functions that are longer than the house allows, each
// with the reason why it reads better in one piece.
var longFuncs = map[string]string{
	"compress.inflater.symbols":   "the state of the input stays in registers",
	"etf.writeTerm":               "the loop over an explicit stack, on the path of every dispatch",
	"internal/wire.skipContainer": "the loop over an explicit stack, on the path of every dispatch",
}

// TestSizes keeps files to one idea and functions to one screen.
func TestSizes(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range sources(t) {
		if ast.IsGenerated(s.file) {
			continue
		}
		switch {
		case s.lines > fileLinesHard:
			t.Errorf("%s: %d lines, at most %d", s.name, s.lines, fileLinesHard)
		case s.lines > fileLines:
			t.Logf("%s: %d lines, aim for %d", s.name, s.lines, fileLines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || s.test || s.span(f) <= funcLines || flat(s, f) {
				continue
			}
			name := s.dir + "." + funcName(f)
			seen[name] = true
			if longFuncs[name] == "" {
				t.Errorf("%s: %s has %d lines, at most %d", s.at(f), name, s.span(f), funcLines)
			}
		}
	}
	for name := range longFuncs {
		if !seen[name] {
			t.Errorf("longFuncs: %s is gone or short enough, strike it out", name)
		}
	}
}

// flat reports whether f is hardly more than one switch with short cases.
func flat(s *source, f *ast.FuncDecl) bool {
	if f.Body == nil {
		return false
	}
	for _, stmt := range f.Body.List {
		var body *ast.BlockStmt
		switch stmt := stmt.(type) {
		case *ast.SwitchStmt:
			body = stmt.Body
		case *ast.TypeSwitchStmt:
			body = stmt.Body
		default:
			continue
		}
		short := s.span(f)-s.span(body) <= funcLines/2
		for _, c := range body.List {
			short = short && s.span(c) <= caseLines
		}
		if short {
			return true
		}
	}
	return false
}

func funcName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	return receiver(f) + "." + f.Name.Name
}

func receiver(f *ast.FuncDecl) string {
	x := f.Recv.List[0].Type
	for {
		switch y := x.(type) {
		case *ast.StarExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.IndexListExpr:
			x = y.X
		case *ast.Ident:
			return y.Name
		default:
			return ""
		}
	}
}

// TestDocComments wants a comment on everything a caller can name.
func TestDocComments(t *testing.T) {
	documented := make(map[string]bool) // packages
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		documented[s.dir] = documented[s.dir] || s.file.Doc != nil
		if s.file.Name.Name == "main" {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				method := d.Recv != nil
				if d.Name.IsExported() && !(method && (wellKnown[d.Name.Name] || !ast.IsExported(receiver(d)))) {
					wantDoc(t, s, d.Name, d.Doc)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					wantSpecDoc(t, s, d, spec)
				}
			}
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no package comment", dir)
		}
	}
}

// wellKnown are the methods that say nothing new: their interface does.
var wellKnown = map[string]bool{"Error": true, "Unwrap": true, "Is": true, "String": true, "LogValue": true}

// wantSpecDoc accepts one comment for a whole block of constants or
// variables, the comment at the end of a line, and a constant whose type
// tells what it is.
func wantSpecDoc(t *testing.T, s *source, d *ast.GenDecl, spec ast.Spec) {
	t.Helper()
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		doc := spec.Doc
		if doc == nil && !d.Lparen.IsValid() {
			doc = d.Doc
		}
		if spec.Name.IsExported() {
			wantDoc(t, s, spec.Name, doc)
		}
	case *ast.ValueSpec:
		if d.Tok == token.CONST && (spec.Type != nil || spec.Values == nil) {
			return
		}
		for _, name := range spec.Names {
			if name.IsExported() && spec.Doc == nil && spec.Comment == nil && d.Doc == nil {
				t.Errorf("%s: %s has no comment", s.at(name), name.Name)
			}
		}
	}
}

// article is what may come before the name: "A Session is ...".
var article = regexp.MustCompile(`^(A|An|The) `)

func wantDoc(t *testing.T, s *source, name *ast.Ident, doc *ast.CommentGroup) {
	t.Helper()
	switch text := article.ReplaceAllString(doc.Text(), ""); {
	case text == "":
		t.Errorf("%s: %s has no comment", s.at(name), name.Name)
	case strings.HasPrefix(text, "Deprecated:"):
	case !strings.HasPrefix(text, name.Name):
		t.Errorf("%s: the comment on %s starts with other words", s.at(name), name.Name)
	}
}

// TestNoLooseEnds refuses notes to self: what is worth doing is done, or
// written down where users look.
func TestNoLooseEnds(t *testing.T) {
	note := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)
	for _, s := range sources(t) {
		for _, at := range note.FindAllStringIndex(s.text, -1) {
			p := s.fset.File(s.file.FileStart).Pos(at[0])
			t.Errorf("%s: %s", s.fset.Position(p), s.text[at[0]:at[1]])
		}
	}
}

// TestHouseRules feeds the judges what they must refuse.
func TestHouseRules(t *testing.T) {
	if hidden("dave") || !hidden(".git") || !hidden("testdata") {
		t.Error("hidden: wrong directories")
	}
	if under("etfx", "etf") || !under("internal/wire", "internal") || under("opcode", ".") {
		t.Error("under: wrong trees")
	}
	clauses := strings.Repeat("\tcase 1:\n\t\treturn\n", funcLines)
	for body, want := range map[string]bool{
		"\tswitch {\n" + clauses + "\t}\n": true,
		"\tswitch {\n" + clauses + "\tcase 2:\n" + strings.Repeat("\t\tf()\n", caseLines) + "\t}\n": false,
		"\tswitch {\n" + clauses + "\t}\n" + strings.Repeat("\tf()\n", funcLines):                   false,
		strings.Repeat("\tf()\n", funcLines):                                                        false,
	} {
		s := parseText(t, "p/p.go", "package p\n\nfunc f() {\n"+body+"}\n")
		if f := s.file.Decls[0].(*ast.FuncDecl); flat(s, f) != want || s.span(f) <= funcLines {
			t.Errorf("flat: want %v for\n%s", want, s.text)
		}
	}
}
