package inboxes

const sqliteKind = "sqlite"

// sqlite is an inbox in one file.
type sqlite struct {
	Kind string `yaml:"kind"` // "sqlite"
	Path string `yaml:"path"`
}

func (s *sqlite) validate() error {
	if s.Path == "" {
		return errNoPath
	}
	return nil
}
