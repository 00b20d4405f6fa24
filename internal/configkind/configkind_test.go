package configkind

import (
	"bytes"
	"errors"
	"testing"

	"github.com/goccy/go-yaml"
)

// box is the only kind.
type box struct {
	Kind string `yaml:"kind"`
	Path string `yaml:"path"`
	Size int    `yaml:"size"`
}

func (b *box) Validate() error {
	if b.Path == "" {
		return ErrNoPath
	}
	return nil
}

var kinds = Kinds[*box]{"box": func() *box { return &box{Size: 3} }}

// part is a part of a configuration file.
type part struct{ Choice[*box] }

func (p *part) UnmarshalYAML(decode func(any) error) (err error) {
	p.Choice, err = kinds.Decode(decode, func(path string) Choice[*box] { return Choose("box", &box{Path: path}) })
	return err
}

func TestDecode(t *testing.T) {
	for text, want := range map[string]struct {
		options box
		fault   string
	}{
		"part: a.db":                          {box{Path: "a.db"}, ""},
		"part: {kind: box, path: a}":          {box{"box", "a", 3}, ""},
		"part: {path: a, size: 4}":            {fault: `kind "" is not one of box`},
		"part: {kind: [box]}":                 {fault: `kind "" is not one of box`},
		"part: {kind: crate, path: a}":        {fault: `kind "crate" is not one of box`},
		"part: {kind: box}":                   {fault: "path is missing"},
		"part: {kind: box, path: a, x: 1}":    {fault: "decode"},
		"part: [a]":                           {fault: "decode"},
		"part: {kind: box, path: {a: 1}}":     {fault: "decode"},
		"part: {kind: box, path: a, size: 0}": {box{"box", "a", 0}, ""},
	} {
		var file struct {
			Part part `yaml:"part"`
		}
		if err := yaml.NewDecoder(bytes.NewReader([]byte(text)), yaml.Strict()).Decode(&file); (err != nil) != (want.fault == "decode") {
			t.Errorf("%s: decoded with %v", text, err)
		} else if err != nil {
			continue
		}
		err := kinds.Validate(file.Part.Choice)
		if want.fault != "" {
			if err == nil || err.Error() != want.fault {
				t.Errorf("%s: %v, want %s", text, err, want.fault)
			}
			continue
		}
		if err != nil || *file.Part.Options != want.options {
			t.Errorf("%s: %+v, %v", text, file.Part.Options, err)
		}
	}
	if err := kinds.Validate(Choice[*box]{}); err == nil || errors.Is(err, ErrNoPath) {
		t.Errorf("the zero value: %v", err)
	}
}

func TestBelow(t *testing.T) {
	for _, c := range [][3]string{{"", "a", "a"}, {"d", "a/b", "d/a/b"}, {"d", "/a", "/a"}} {
		if got := Below(c[0], c[1]); got != c[2] {
			t.Errorf("Below(%q, %q) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}
