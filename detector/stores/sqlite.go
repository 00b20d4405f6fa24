package stores

import "errors"

const sqliteKind = "sqlite"

// sqlite is both stores in one file, or each in its own.
type sqlite struct {
	Kind  string `yaml:"kind"` // "sqlite"
	Path  string `yaml:"path"`
	State string `yaml:"state"` // a file for the state; "": that of Path
}

func (s *sqlite) validate() error {
	if s.Path == "" {
		return errNoPath
	}
	if s.State == s.Path {
		return errors.New("state is the same file as path: leave it out")
	}
	return nil
}
