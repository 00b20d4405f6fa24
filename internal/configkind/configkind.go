// Package configkind reads a part of a configuration file that is of one of several kinds: a
// mapping with the key kind and the options of that kind, or only the path of a file. Start
// with [Kinds].
package configkind

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Options are the options of one kind.
type Options interface {
	// Validate says what is wrong with the options.
	Validate() error
}

// Kinds maps the name of each kind to a function that returns a pointer to its options with their
// defaults. The options are a struct with a field for the key kind.
type Kinds[O Options] map[string]func() O

// Choice is the kind that a configuration file names, with its options. The zero value is not
// valid.
type Choice[O Options] struct {
	Options O // meaningless if the kind is unknown
	name    string
	known   bool
}

// Choose returns the choice of a kind with options.
func Choose[O Options](name string, options O) Choice[O] { return Choice[O]{options, name, true} }

// Decode reads either form with decode, which is the argument of an UnmarshalYAML method. For a
// path, it returns what file makes of it. The errors are those of decode. An unknown kind and
// invalid options are left to [Kinds.Validate].
func (k Kinds[O]) Decode(decode func(any) error, file func(path string) Choice[O]) (Choice[O], error) {
	var path string
	if decode(&path) == nil {
		return file(path), nil
	}
	var fields map[string]any
	if err := decode(&fields); err != nil {
		return Choice[O]{}, err
	}
	name, _ := fields["kind"].(string)
	newOptions := k[name]
	if newOptions == nil {
		return Choice[O]{name: name}, nil
	}
	c := Choose(name, newOptions())
	return c, decode(c.Options)
}

// Validate says what is wrong with a choice.
func (k Kinds[O]) Validate(c Choice[O]) error {
	if !c.known {
		return fmt.Errorf("kind %q is not one of %s", c.name, strings.Join(slices.Sorted(maps.Keys(k)), ", "))
	}
	return c.Options.Validate()
}

// ErrNoPath says that a kind needs the path of a file and has none.
var ErrNoPath = errors.New("path is missing")

// ErrNoSQLite says that a kind needs SQLite, which is written in C.
var ErrNoSQLite = errors.New("this build has no SQLite: rebuild with CGO_ENABLED=1")

// Below returns path, relative to dir unless it is absolute.
func Below(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
