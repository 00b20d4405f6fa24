// Package source lets tests read the module above this one in a way that the go command notices.
//
// It keeps the result of a test until a file changes that the test has opened, but only looks at
// files below the root of the test's own module. So there is a link, tests/module, to the module
// above, and what is opened by way of it is noticed.
package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Root is the module above, for a test in a directory of tests: the one to run commands in.
var Root = filepath.Join("..", "..")

// link is Root by way of the link. With the dot it is a directory to [filepath.WalkDir].
const link = "../module/."

// Path is where to open what is called name below the module's root; name may be "".
func Path(name string) string { return link + "/" + name }

// Read opens the files that match patterns and does nothing with them: for a test that runs the go
// command, which compiles them without its knowledge. A pattern without a file is an error.
func Read(patterns ...string) error {
	for _, pattern := range patterns {
		files, err := filepath.Glob(Path(pattern))
		if err == nil && len(files) == 0 {
			err = errors.New("no such files")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", pattern, err)
		}
		for _, name := range files {
			if _, err := os.ReadFile(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// ReadCore reads what goes into a WebAssembly build of the agent's core, and its tests.
func ReadCore() error {
	return Read("go.mod", "report/*.go", "report/*/*.go", "privacy/*.go", "privacy/*/*.go", "internal/protocol/*.go", "agent/*.go", "agent/agenttest/*.go")
}
