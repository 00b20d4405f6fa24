package dashboards

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryFieldIsExplained: what users are told is complete. A new field of a report, or a new
// kind of record, fails here until there is a text for users; a text of a field that is gone fails,
// too.
func TestEveryFieldIsExplained(t *testing.T) {
	known := map[string]bool{}
	for _, r := range collected().Records {
		if r.Title == "" || r.Why == "" || len(r.Fields) == 0 {
			t.Errorf("a record without title, reason or fields: %+v", r)
		}
		for _, f := range r.Fields {
			known[f.Name] = true
			if len(f.Text) < 10 && f.Text != "How many." || !strings.HasSuffix(f.Text, ".") {
				t.Errorf("fields in collected.go has no sentence for users about %s: %q", f.Name, f.Text)
			}
			if f.Consent != "counts" && f.Consent != "diagnostics" {
				t.Errorf("%s: consent %q", f.Name, f.Consent)
			}
		}
	}
	for name := range fields {
		if !known[name] {
			t.Errorf("fields in collected.go has a text about %s, which no report has", name)
		}
	}
	for _, kind := range recordKinds(t) {
		if kind == "ProbeResults" {
			continue // of an operator's own probers, not of a user
		}
		if !slices.ContainsFunc(records, func(r recordText) bool { return r.of.Name() == kind }) {
			t.Errorf("records in collected.go has no %s, which a report may contain", kind)
		}
	}
}

// recordKinds returns the types of package report that are records: those with a number on the
// wire.
func recordKinds(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("../report/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			method, ok := decl.(*ast.FuncDecl)
			if !ok || method.Recv == nil || method.Name.Name != "kind" {
				continue
			}
			if star, ok := method.Recv.List[0].Type.(*ast.StarExpr); ok {
				names = append(names, star.X.(*ast.Ident).Name)
			}
		}
	}
	if len(names) < 8 {
		t.Fatalf("package report has only the records %q", names)
	}
	return names
}
