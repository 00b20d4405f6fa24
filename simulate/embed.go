package simulate

import (
	"embed"
	"path"
	"strings"
)

//go:embed scenarios/*.yaml
var files embed.FS

// Names returns the sorted names of the scenarios that are built into this package.
func Names() []string {
	entries, err := files.ReadDir("scenarios")
	if err != nil { // impossible: the directory is part of the program
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// Named returns the built-in scenario with a name from [Names].
func Named(name string) (*Scenario, error) {
	file := path.Join("scenarios", name+".yaml")
	text, err := files.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, text)
}
