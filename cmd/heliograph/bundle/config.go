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
	own, err := o.hostFile(host)
	if err != nil {
		return nil, err
	}
	if own != nil {
		if text, err = merged(text, o.hostPath(host), own); err != nil {
			return nil, err
		}
	}
	const head = "# Made by heliograph bundle. What is not here has its default; heliograph init writes a file with all settings and comments.\n"
	text = append([]byte(head), text...)
	return text, o.checkAs(roles.ConfigName, host, text, func(file string) error { _, err := roles.Load(file); return err })
}

func (o Operator) hostPath(host string) string { return o.path(hostsDir + "/" + host + ".yaml") }

// hostFile reads the settings of a single host. It returns nil if there are none.
func (o Operator) hostFile(host string) ([]byte, error) {
	own, err := os.ReadFile(o.hostPath(host))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return own, err
}

// checkAs loads a configuration as the host will, from a file with the given base name.
func (o Operator) checkAs(base, host string, text []byte, load func(file string) error) error {
	dir, err := os.MkdirTemp("", "heliograph-bundle-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, base)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	if err := load(file); err != nil {
		if own := load(o.hostPath(host)); own != nil && !errors.Is(own, fs.ErrNotExist) {
			return own // it names the operator's file, and the line in it
		}
		return fmt.Errorf("the configuration of %s, with %s in it: %w", host, o.hostPath(host), err)
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

// merge overrides base with over, key by key. Who brings a certificate of their own does not want
// one by ACME.
func merge(base, over map[string]any) {
	if _, own := over["tls_cert"]; own {
		delete(base, "acme")
	}
	for key, value := range over {
		inner, ok := value.(map[string]any)
		if known, both := base[key].(map[string]any); ok && both {
			merge(known, inner)
			continue
		}
		base[key] = value
	}
}
