package yamlx

import (
	"bytes"
	"errors"
	"reflect"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxUnknown is how many unknown keys are looked at to find the first.
const maxUnknown = 100

// passed is how keys begin that were found unknown. No file has such a key.
const passed = "\x00unknown"

// Strictly decodes text into v, a pointer, and refuses unknown keys. If there are several, its
// error, a [yaml.Error], is about the first in the text; that of the decoder alone is about any of
// them. It returns io.EOF for a text without a document, and may have zeroed v.
func Strictly(text []byte, v any) error {
	err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(v)
	if unknown, ok := errors.AsType[*yaml.UnknownFieldError](err); ok {
		return firstUnknown(text, v, unknown)
	}
	return err
}

// firstUnknown returns the error about the unknown key that is the first in the text. It renames
// the one that was found, which lets the decoder find another, until there is none.
func firstUnknown(text []byte, v any, found *yaml.UnknownFieldError) error {
	file, err := parser.ParseBytes(text, 0)
	if err != nil || len(file.Docs) == 0 {
		return found
	}
	first, body := found, file.Docs[0].Body
	for n := range maxUnknown {
		if !rename(body, found, passed+strconv.Itoa(n)) {
			break
		}
		again := reflect.New(reflect.TypeOf(v).Elem()).Interface()
		err := yaml.NodeToValue(body, again, yaml.Strict(), yaml.AllowFieldPrefixes(passed))
		next, unknown := errors.AsType[*yaml.UnknownFieldError](err)
		if !unknown {
			break
		}
		if found = next; found.Token.Position.Offset < first.Token.Position.Offset {
			first = found
		}
	}
	return first
}

// rename renames the key that an error is about, and reports whether it found it.
func rename(n ast.Node, e *yaml.UnknownFieldError, name string) bool {
	keys := ast.Filter(ast.StringType, n)
	for _, key := range keys {
		s, ok := key.(*ast.StringNode)
		if ok && s.Token.Position.Offset == e.Token.Position.Offset && s.Token.Value == e.Token.Value && s.Value == s.Token.Value {
			s.Value = name
			return true
		}
	}
	return false
}
