package roles

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestStoreIsChosenByKind(t *testing.T) {
	for text, want := range map[string]StoreConfig{
		"":                               {Kind: "sqlite", Path: "store.db"},
		"detector: {bin: 1m}\n":          {Kind: "sqlite", Path: "store.db"},
		"detector: {store: data/s.db}\n": {Kind: "sqlite", Path: "data/s.db"},
		"detector:\n  store: {kind: sqlite, path: s.db}\n":   {Kind: "sqlite", Path: "s.db"},
		"detector:\n  store:\n    path: s.db\n":              {Kind: "sqlite", Path: "s.db"},
		"detector:\n  store:\n    kind: sqlite\n    path: 7": {Kind: "sqlite", Path: "7"},
	} {
		c, err := parse("h.yaml", []byte(text))
		if err != nil || c.Detector.Store != want {
			t.Errorf("%q gives %+v, %v", text, c.Detector.Store, err)
		}
	}
	for text, want := range map[string]string{
		"detector:\n  bin: 1m\n  store: {kind: clickhouse}\n":       `h.yaml:3: detector.store: kind "clickhouse" is not one of sqlite`,
		"detector:\n  store: {kind: sqlite}\n":                      "h.yaml:2: detector.store: path is missing",
		"detector:\n  store: \"\"\n":                                "h.yaml:2: detector.store: path is missing",
		"detector:\n  store: {kind: sqlite, file: store.db}\n":      `unknown field "file"`,
		"detector:\n  store: [store.db]\n":                          "h.yaml:2: detector.store: ",
		"detector:\n  store: {kind: sqlite, path: {a: store.db}}\n": "h.yaml:2: detector.store: ",
	} {
		if _, err := parse("h.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestStoresAreOpened(t *testing.T) {
	c := defaults()
	c.dir = t.TempDir()
	c.Detector.Store.Path = "s.db"
	events, state, err := openStores(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{events.Ready(t.Context()), state.Ready(t.Context()), events.Close(), state.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
	c.Detector.Store.Path = filepath.Join("none", "s.db")
	if events, state, err := openStores(t.Context(), &c); err == nil || events != nil || state != nil || !strings.Contains(err.Error(), "detector.store") {
		t.Errorf("%v %v %v, want an error that names the key", events, state, err)
	}
}
