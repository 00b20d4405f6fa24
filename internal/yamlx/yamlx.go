// Package yamlx decodes YAML files strictly. Its errors name the line and the key, what was
// expected and what is there, in the terms of the file. Start with [Decode].
package yamlx

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// ErrEmpty says that the text has no document. Decode may then have zeroed v.
var ErrEmpty = errors.New("no YAML document")

// Decode decodes text into v and refuses unknown keys. An error begins with file and line. If the
// text is valid YAML, the key follows. Of several unknown keys it names the first in the file.
func Decode(file string, text []byte, v any) error {
	err := Strictly(text, v)
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", file, ErrEmpty)
	}
	fault, ok := errors.AsType[yaml.Error](err)
	if !ok || fault.GetToken() == nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	at := fault.GetToken()
	key, hint := keyAt(text, at), ""
	if _, unknown := errors.AsType[*yaml.UnknownFieldError](err); unknown {
		hint = suggestion(v, key)
	}
	if key != "" {
		key += ": "
	}
	return fmt.Errorf("%s:%d: %s%s%s", file, at.Position.Line, key, wording(err, fault.GetMessage(), at), hint)
}

// wording words an error in terms of the file instead of the program.
func wording(err error, message string, at *token.Token) string {
	if t, ok := errors.AsType[*yaml.TypeError](err); ok {
		return fmt.Sprintf("want %s, got %s", nameOf(t.DstType), valueOf(t, at))
	}
	if t, ok := errors.AsType[*yaml.UnexpectedNodeTypeError](err); ok {
		return fmt.Sprintf("want %s, got %s", kindOf(t.Expected), kindOf(t.Actual))
	}
	if t, ok := errors.AsType[*yaml.OverflowError](err); ok {
		return fmt.Sprintf("%s is out of range", t.SrcNum)
	}
	return message
}

// kindOf returns the word for a kind of node.
func kindOf(t ast.NodeType) string {
	switch t {
	case ast.MappingType, ast.MappingValueType:
		return "a mapping"
	case ast.SequenceType:
		return "a list"
	case ast.StringType, ast.LiteralType:
		return "a text"
	case ast.IntegerType, ast.FloatType:
		return "a number"
	case ast.BoolType:
		return "true or false"
	case ast.NullType:
		return "nothing"
	default:
		return t.YAMLName()
	}
}

func valueOf(t *yaml.TypeError, at *token.Token) string {
	switch t.SrcType.Kind() {
	case reflect.Slice:
		return "a list"
	case reflect.Map:
		return "a mapping"
	default:
		return fmt.Sprintf("%q", at.Value)
	}
}

// nameOf returns the word for what a type is decoded from.
func nameOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return "a list"
	default:
		return "a mapping"
	}
}

// keyAt returns the path of the node at a token, such as "collector.feed_keys[1]", or "" if there
// is none.
func keyAt(text []byte, at *token.Token) string {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return ""
	}
	f := &finder{at: at.Position.Offset}
	for _, doc := range file.Docs {
		ast.Walk(f, doc)
	}
	return strings.TrimPrefix(strings.TrimPrefix(f.path, "$"), ".")
}

// finder finds the outermost node that begins at an offset.
type finder struct {
	at   int
	path string
}

// Visit implements ast.Visitor.
func (f *finder) Visit(n ast.Node) ast.Visitor {
	if t := n.GetToken(); f.path == "" && t != nil && t.Position.Offset == f.at && n.GetPath() != "$" {
		f.path = n.GetPath()
	}
	return f
}
