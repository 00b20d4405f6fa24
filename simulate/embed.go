package simulate

import (
	"embed"
	"path"
	"strings"
)

//go:embed scenarios/*.yaml
var files embed.FS

// Names are the names of the scenarios that come with this package, sorted.
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

// Named returns the scenario of a name in [Names].
func Named(name string) (*Scenario, error) {
	file := path.Join("scenarios", name+".yaml")
	text, err := files.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, text)
}
