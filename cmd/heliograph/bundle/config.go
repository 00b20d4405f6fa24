package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/yamlx"
)

// hostsDir is the subdirectory with settings of single hosts: hosts/NAME.yaml. They are merged into
// the configuration of the host's bundles, so that a newer bundle does not lose them.
const hostsDir = "hosts"

// configOf returns the configuration of a host: settings, overridden by its file in hosts. The
// result is valid.
func (o Operator) configOf(host, settings string) ([]byte, error) {
	text := []byte(settings)
	name := o.path(hostsDir + "/" + host + ".yaml")
	own, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if text, err = merged(text, name, own); err != nil {
			return nil, err
		}
	}
	const head = "# Made by heliograph bundle. What is not here has its default; heliograph init writes a file with all settings and comments.\n"
	text = append([]byte(head), text...)
	return text, o.check(host, text)
}

// check loads a configuration as the host will.
func (o Operator) check(host string, text []byte) error {
	dir, err := os.MkdirTemp("", "heliograph-bundle-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, roles.ConfigName)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	if _, err := roles.Load(file); err != nil {
		return fmt.Errorf("the configuration of %s, with %s in it: %w", host, o.path(hostsDir+"/"+host+".yaml"), err)
	}
	return nil
}

// merged overrides text with own, key by key. Lists are replaced as a whole.
func merged(text []byte, name string, own []byte) ([]byte, error) {
	var base, over map[string]any
	if err := yaml.Unmarshal(text, &base); err != nil {
		return nil, err
	}
	if err := yamlx.Decode(name, own, &over); err != nil && !errors.Is(err, yamlx.ErrEmpty) {
		return nil, err
	}
	merge(base, over)
	return yaml.Marshal(base)
}

func merge(base, over map[string]any) {
	for key, value := range over {
		inner, ok := value.(map[string]any)
		if known, both := base[key].(map[string]any); ok && both {
			merge(known, inner)
			continue
		}
		base[key] = value
	}
}
