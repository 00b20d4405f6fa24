package inboxes

import "github.com/heliograph-net/heliograph/internal/configkind"

const sqliteKind = "sqlite"

// sqlite is an inbox in one file.
type sqlite struct {
	Kind string `yaml:"kind"` // "sqlite"
	Path string `yaml:"path"`
}

func (s *sqlite) Validate() error {
	if s.Path == "" {
		return configkind.ErrNoPath
	}
	return nil
}
