package stores

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
		Store Config `yaml:"store"`
	}{File("default.db")}
	err := yaml.NewDecoder(bytes.NewReader([]byte(text)), yaml.Strict()).Decode(&file)
	return file.Store, err
}

func TestEveryFormOpensItsFiles(t *testing.T) {
	dir := t.TempDir()
	for text, files := range map[string][]string{
		"store: store.db":                                            {"store.db"},
		"store: {kind: sqlite, path: other.db}":                      {"other.db"},
		"store:\n  path: third.db\n  kind: sqlite\n":                 {"third.db"},
		"store: {kind: sqlite, path: events.db, state: state.db}":    {"events.db", "state.db"},
		"store: " + filepath.Join(dir, "absolute.db"):                {"absolute.db"},
		"store: {kind: sqlite, path: a.db, state: " + dir + "/b.db}": {"a.db", "b.db"},
	} {
		c, err := parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		events, state, err := c.Open(t.Context(), dir)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, err := range []error{events.Ready(t.Context()), state.Ready(t.Context()), events.Close(), state.Close()} {
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
		for _, name := range files {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}

// TestServerMayBeAway: a store opens while its ClickHouse does not answer, and says so.
func TestServerMayBeAway(t *testing.T) {
	c, err := parse("store: {events: {kind: clickhouse, address: '127.0.0.1:1'}}")
	if err != nil {
		t.Fatal(err)
	}
	events, state, err := c.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := events.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("ready: %v, want the reason why the server is away", err)
	}
	for _, err := range []error{state.Ready(t.Context()), events.Close(), state.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
}

func TestFaultsAreNamed(t *testing.T) {
	known := strings.Join(slices.Sorted(maps.Keys(kinds)), ", ")
	for text, want := range map[string]string{
		"store: {kind: clickhouse, path: x}":                                                `kind "clickhouse" is not one of ` + known,
		"store: {events: {kind: sqlite, path: x}}":                                          `unknown field "path"`,
		"store: {events: {kind: sqlite}}":                                                   `events: kind "sqlite" is not clickhouse`,
		"store: {events: {kind: clickhouse}}":                                               "events: address is missing",
		"store: {events: {kind: clickhouse, address: x}}":                                   "is not a host and a port",
		"store: {events: {kind: clickhouse, address: 'x:1', journal: ''}}":                  "journal is missing",
		"store: {events: {kind: clickhouse, address: 'x:1'}, state: ''}":                    "state must be",
		"store: {events: {kind: clickhouse, address: 'x:1', ca: ca.pem}}":                   "ca needs tls",
		"store: {events: {kind: clickhouse, address: 'x:1', password_file: none/password}}": "no such file",
		"store: {path: x}":      `kind "" is not one of ` + known,
		"store: {kind: sqlite}": "path is missing",
		"store: ''":             "path is missing",
		"store: {kind: sqlite, path: x, state: x}": "state is the same file",
		"store: {kind: sqlite, path: x, size: 3}":  `unknown field "size"`,
		"store: [1]": "",
		"store: {kind: sqlite, path: none/store.db}":          "no such file",
		"store: {kind: sqlite, path: e.db, state: none/s.db}": "no such file",
	} {
		c, err := parse(text)
		if err == nil {
			var events, state any
			if events, state, err = c.Open(t.Context(), t.TempDir()); events != nil || state != nil {
				t.Errorf("%s: opened", text)
			}
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", text, err, want)
		}
	}
}
