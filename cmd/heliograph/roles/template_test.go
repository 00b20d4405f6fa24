package roles

import (
	"log/slog"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTemplatesNameEverySetting: the file that init makes names every setting.
func TestTemplatesNameEverySetting(t *testing.T) {
	for name, c := range map[string]struct {
		template []byte
		config   any
	}{"heliograph.yaml": {configTemplate, Config{}}, "relay.yaml": {relayTemplate, RelayConfig{}}, "policy.yaml": {policyTemplate, PolicySource{}}} {
		keys := yamlKeys(reflect.TypeOf(c.config))
		if len(keys) < 10 {
			t.Fatalf("%s: only %d keys were found in its type", name, len(keys))
		}
		for _, key := range keys {
			if !regexp.MustCompile(`(?m)(^|[ {#])` + key + `:( |$)`).Match(c.template) {
				t.Errorf("%s does not show %s", name, key)
			}
		}
	}
}

// TestTemplateMarksWhatTakesARestart: the asterisks mark the settings that require a restart.
func TestTemplateMarksWhatTakesARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := Init(dir, InitOptions{Config: []byte("collector: {listen: \"127.0.0.1:0\"}\ndashboard: {listen: \"127.0.0.1:0\"}\noperations: {listen: \"127.0.0.1:0\"}\n")}); err != nil {
		t.Fatal(err)
	}
	c, err := Load(filepath.Join(dir, ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(t.Context(), Options{Config: c, Roles: Roles{Collector: true, Detector: true, Prober: true}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var fixed, marked []string
	for _, f := range p.reloads.fixed {
		if f.key != "networks" { // which is explained instead
			fixed = append(fixed, f.key)
		}
	}
	section := ""
	for line := range strings.Lines(string(configTemplate)) {
		if m := regexp.MustCompile(`^(\w+):$`).FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			section = m[1]
		} else if m := regexp.MustCompile(`^  (?:# )?(\w+):.* # \*`).FindStringSubmatch(line); m != nil {
			marked = append(marked, section+"."+m[1])
		}
	}
	slices.Sort(fixed)
	slices.Sort(marked)
	if !slices.Equal(fixed, marked) {
		t.Errorf("take a restart:\n%s\nhave an asterisk:\n%s", fixed, marked)
	}
}

// yamlKeys returns the keys of a configuration's type and of the types in it.
func yamlKeys(t reflect.Type) (keys []string) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || !strings.HasSuffix(t.PkgPath(), "/roles") {
		return nil
	}
	for f := range t.Fields() {
		if key := f.Tag.Get("yaml"); key != "" && key != "-" {
			keys = append(append(keys, key), yamlKeys(f.Type)...)
		}
	}
	return keys
}
