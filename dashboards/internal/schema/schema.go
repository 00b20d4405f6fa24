// Package schema reads the types of the API from their Go source, to generate TypeScript and
// documentation from them. Start with [Parse].
package schema

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Type is a type of the API: an object, or a word from a list.
type Type struct {
	Name   string
	Doc    string
	Embeds []string // embedded types, whose members it has too
	Fields []Field  // members of an object
	Words  []Word   // values of a list of words, which has no fields
}

// Field is a member of an object.
type Field struct {
	Name     string // in JSON
	Doc      string
	Type     string // in TypeScript, such as "number" or "Total[]"
	Optional bool   // may be absent
	Nullable bool   // may be null
}

// Word is one value of a list.
type Word struct{ Value, Doc string }

// Parse reads the Go files in a directory, except tests. It returns the types in the order of the
// file names, and of their lines within a file. It ignores structs without JSON tags.
func Parse(dir string) ([]Type, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	r := &reader{}
	for _, name := range names { // sorted
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range f.Decls {
			if d, ok := decl.(*ast.GenDecl); ok {
				r.declaration(d)
			}
		}
	}
	return r.result()
}

// reader collects types.
type reader struct {
	types  []Type
	words  map[string][]Word // by name of their type
	faults []error
}

func (r *reader) declaration(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			doc := s.Doc
			if doc == nil {
				doc = d.Doc
			}
			r.typeSpec(s, text(doc))
		case *ast.ValueSpec:
			r.constant(d.Tok, s)
		}
	}
}

func (r *reader) typeSpec(s *ast.TypeSpec, doc string) {
	switch t := s.Type.(type) {
	case *ast.StructType:
		if out, ok := r.object(s.Name.Name, t); ok {
			out.Doc = doc
			r.types = append(r.types, out)
		}
	case *ast.Ident:
		if t.Name == "string" {
			r.types = append(r.types, Type{Name: s.Name.Name, Doc: doc})
		}
	}
}

// object reads a struct. ok is false if it is not a type of the API.
func (r *reader) object(name string, t *ast.StructType) (out Type, ok bool) {
	out.Name = name
	tagged := 0
	for _, f := range t.Fields.List {
		if len(f.Names) == 0 {
			if embedded, isName := f.Type.(*ast.Ident); isName {
				out.Embeds = append(out.Embeds, embedded.Name)
			}
			continue
		}
		if f.Tag == nil {
			continue
		}
		tagged++
		r.field(&out, f)
	}
	return out, tagged > 0 || len(out.Embeds) > 0
}

func (r *reader) field(out *Type, f *ast.Field) {
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		r.faults = append(r.faults, fmt.Errorf("%s.%s: %w", out.Name, f.Names[0].Name, err))
		return
	}
	name, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
	typed, err := typeOf(f.Type)
	if err != nil || name == "" {
		r.faults = append(r.faults, fmt.Errorf("%s.%s has no name in JSON or no known type: %w", out.Name, f.Names[0].Name, err))
		return
	}
	doc := f.Doc
	if doc == nil {
		doc = f.Comment
	}
	optional := options == "omitempty" || options == "omitzero"
	_, pointer := f.Type.(*ast.StarExpr)
	out.Fields = append(out.Fields, Field{Name: name, Doc: text(doc), Type: typed, Optional: optional, Nullable: pointer && !optional})
}

// typeOf returns the type in TypeScript.
func typeOf(e ast.Expr) (string, error) {
	switch t := e.(type) {
	case *ast.StarExpr:
		return typeOf(t.X)
	case *ast.ArrayType:
		of, err := typeOf(t.Elt)
		return of + "[]", err
	case *ast.SelectorExpr: // times, outcomes and phases, which are all text
		return "string", nil
	case *ast.Ident:
		switch t.Name {
		case "string":
			return "string", nil
		case "bool":
			return "boolean", nil
		case "int", "int64", "uint16", "uint32", "uint64", "float64":
			return "number", nil
		}
		if ast.IsExported(t.Name) {
			return t.Name, nil
		}
	}
	return "", fmt.Errorf("no such type in JSON: %T", e)
}

// constant records a word of a list.
func (r *reader) constant(tok token.Token, s *ast.ValueSpec) {
	of, ok := s.Type.(*ast.Ident)
	if tok != token.CONST || !ok || len(s.Values) != 1 {
		return
	}
	lit, ok := s.Values[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return
	}
	value, err := strconv.Unquote(lit.Value)
	if err != nil {
		return
	}
	doc := s.Comment
	if doc == nil {
		doc = s.Doc
	}
	if r.words == nil {
		r.words = map[string][]Word{}
	}
	r.words[of.Name] = append(r.words[of.Name], Word{value, text(doc)})
}

// result adds the words to their lists and checks that every referenced type exists.
func (r *reader) result() ([]Type, error) {
	known := map[string]bool{"string": true, "number": true, "boolean": true}
	for i := range r.types {
		t := &r.types[i]
		t.Words = r.words[t.Name]
		known[t.Name] = true
	}
	for _, t := range r.types {
		names := slices.Clone(t.Embeds)
		for _, f := range t.Fields {
			names = append(names, strings.TrimRight(f.Type, "[]"))
		}
		for _, name := range names {
			if !known[name] {
				r.faults = append(r.faults, fmt.Errorf("%s names %s, which is no type of the API", t.Name, name))
			}
		}
	}
	return r.types, errors.Join(r.faults...)
}

// text returns a comment as one paragraph, without the brackets of links.
func text(c *ast.CommentGroup) string {
	words := strings.Join(strings.Fields(c.Text()), " ")
	return strings.NewReplacer("[*", "", "[", "", "]", "").Replace(words)
}
