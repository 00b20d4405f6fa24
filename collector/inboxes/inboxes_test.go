package inboxes

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// parse reads a configuration as the process does.
func parse(text string) (Config, error) {
	file := struct {
		Inbox Config `yaml:"inbox"`
	}{File("default.db")}
	err := yaml.NewDecoder(bytes.NewReader([]byte(text)), yaml.Strict()).Decode(&file)
	return file.Inbox, err
}

func TestBothFormsOpenTheSameInbox(t *testing.T) {
	dir := t.TempDir()
	for text, file := range map[string]string{
		"inbox: inbox.db":                             "inbox.db",
		"inbox: {kind: sqlite, path: other.db}":       "other.db",
		"inbox:\n  path: third.db\n  kind: sqlite\n":  "third.db",
		"inbox: " + filepath.Join(dir, "absolute.db"): "absolute.db",
	} {
		c, err := parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		inbox, err := c.Open(Options{Dir: dir, MaxBytes: 2 << 20})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if s, err := inbox.Stats(t.Context()); err != nil || s.MaxBytes != 2<<20 {
			t.Errorf("%s: %+v, %v", text, s, err)
		}
		if err := inbox.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestFaultsAreNamed(t *testing.T) {
	known := strings.Join(slices.Sorted(maps.Keys(kinds)), ", ")
	for text, want := range map[string]string{
		"inbox: {kind: scroll, path: x}":          `kind "scroll" is not one of ` + known,
		"inbox: {path: x}":                        `kind "" is not one of ` + known,
		"inbox: {kind: sqlite}":                   "path is missing",
		"inbox: ''":                               "path is missing",
		"inbox: {kind: sqlite, path: x, size: 3}": `unknown field "size"`,
		"inbox: [1]":                              "",
	} {
		c, err := parse(text)
		if err == nil {
			err = c.Validate()
			if _, openErr := c.Open(Options{}); openErr == nil {
				t.Errorf("%s: opened", text)
			}
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", text, err, want)
		}
	}
}
