package roles

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/detector"
)

// StoreConfig says where the detector keeps what it knows: the path of an SQLite file, or a mapping
// with a kind and what that kind needs.
type StoreConfig struct {
	Kind string `yaml:"kind"` // one of storeKinds
	Path string `yaml:"path"` // of a file

	bad string // why it could not be read; told by check, which knows the line
}

// UnmarshalYAML never fails; see check.
func (s *StoreConfig) UnmarshalYAML(text []byte) error {
	*s = StoreConfig{Kind: "sqlite"}
	var path string
	if err := yaml.Unmarshal(text, &path); err == nil {
		s.Path = path
		return nil
	}
	type plain StoreConfig
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode((*plain)(s)); err != nil {
		s.bad, _, _ = strings.Cut(yaml.FormatError(err, false, false), "\n")
	}
	return nil
}

// storeOpener opens the two stores of a detector.
type storeOpener func(ctx context.Context, c *Config) (detector.Events, detector.State, error)

// storeKinds are the kinds of store. Another kind takes a line here, and its keys in StoreConfig.
var storeKinds = map[string]storeOpener{
	"sqlite": openSQLiteStore,
}

// check says what is wrong with it.
func (s *StoreConfig) check(bad func(key, format string, args ...any)) {
	switch _, known := storeKinds[s.Kind]; {
	case s.bad != "":
		bad("detector.store", "%s; give the path of a file, or {kind: sqlite, path: store.db}", s.bad)
	case !known:
		bad("detector.store", "kind %q is not one of %s", s.Kind, strings.Join(slices.Sorted(maps.Keys(storeKinds)), ", "))
	case s.Path == "":
		bad("detector.store", "path is missing")
	}
}

// openStores opens the detector's stores as configured.
func openStores(ctx context.Context, c *Config) (detector.Events, detector.State, error) {
	events, state, err := storeKinds[c.Detector.Store.Kind](ctx, c)
	if err != nil {
		return nil, nil, fmt.Errorf("detector.store: %w", err)
	}
	return events, state, nil
}
