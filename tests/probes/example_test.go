package probes

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// examples is where Debian's blackbox_exporter has its example configuration.
const examples = "/usr/share/doc/prometheus-blackbox-exporter/examples/"

// notTaken are the modules of the example that this prober refuses, and why. docs/prober.md
// lists them.
var notTaken = map[string]string{"http_with_proxy": "unknown field \"proxy_url\""}

// readExample reads a file that Debian may have compressed.
func readExample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(examples + name)
	if errors.Is(err, os.ErrNotExist) {
		if b, err = os.ReadFile(examples + name + ".gz"); err == nil {
			var z *gzip.Reader
			if z, err = gzip.NewReader(bytes.NewReader(b)); err == nil {
				b, err = io.ReadAll(z)
			}
		}
	}
	if err != nil {
		t.Fatalf("%v; make setup installs it", err)
	}
	return b
}

// TestExampleOfBlackboxExporter loads each module of blackbox_exporter's example configuration, and
// of the one that Debian installs.
func TestExampleOfBlackboxExporter(t *testing.T) {
	for _, name := range []string{"example.yml", "blackbox.yml"} {
		var file struct {
			Modules map[string]any `yaml:"modules"`
		}
		if err := yaml.Unmarshal(readExample(t, name), &file); err != nil || len(file.Modules) < 10 {
			t.Fatalf("%s: %d modules, %v", name, len(file.Modules), err)
		}
		for module, keys := range file.Modules {
			// which is YAML
			b, err := json.Marshal(map[string]any{"modules": map[string]any{module: keys}})
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			path := filepath.Join(dir, "heliograph.yaml")
			if err := errors.Join(os.WriteFile(filepath.Join(dir, "blackbox.yml"), b, 0o600),
				os.WriteFile(path, []byte("prober: {modules_file: blackbox.yml}\n"), 0o600)); err != nil {
				t.Fatal(err)
			}
			_, err = roles.Load(path)
			want, refused := notTaken[module]
			switch {
			case !refused && err != nil:
				t.Errorf("%s: %s: %v", name, module, err)
			case refused && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "blackbox.yml:")):
				t.Errorf("%s: %s: %v, want %s", name, module, err, want)
			}
		}
	}
}
