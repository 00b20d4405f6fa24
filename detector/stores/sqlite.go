package stores

import (
	"errors"

	"github.com/heliograph-net/heliograph/internal/configkind"
)

const sqliteKind = "sqlite"

// sqlite is both stores, in one file or in a file each.
type sqlite struct {
	Kind  string `yaml:"kind"` // "sqlite"
	Path  string `yaml:"path"`
	State string `yaml:"state"` // a file for the state; "": that of Path
}

func (s *sqlite) Validate() error {
	if s.Path == "" {
		return configkind.ErrNoPath
	}
	if s.State == s.Path {
		return errors.New("state is the same file as path: leave it out")
	}
	return nil
}
