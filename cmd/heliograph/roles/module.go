package roles

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/internal/yamlx"
	"github.com/heliograph-net/heliograph/prober/kinds"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
)

// ModuleConfig is a way to probe many targets, in the form of blackbox_exporter's modules: a kind
// of probe, and its keys below its name.
type ModuleConfig struct {
	Prober  string   `yaml:"prober"`  // name of the kind
	Timeout Duration `yaml:"timeout"` // of one attempt; 0: the prober's

	kind *probe.Kind    // nil if the module is invalid
	keys map[string]any // the keys of the kind

	badKey string // of the module, "" for the module itself
	bad    error  // see TargetConfig.bad
}

// UnmarshalYAML never fails; see ModuleConfig.bad.
func (m *ModuleConfig) UnmarshalYAML(text []byte) error {
	*m = ModuleConfig{}
	m.badKey, m.bad = m.decode(text)
	if m.bad != nil {
		m.kind = nil
	}
	return nil
}

func (m *ModuleConfig) decode(text []byte) (badKey string, err error) {
	var head struct {
		Prober  string   `yaml:"prober"`
		Timeout Duration `yaml:"timeout"`
	}
	var sections map[string]any
	if err := yaml.Unmarshal(text, &sections); err != nil {
		return "", errors.New("want a map of keys: prober, timeout, and those of its kind")
	}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return "", errors.New("want a name as prober, and a duration as timeout")
	}
	m.Prober, m.Timeout = head.Prober, head.Timeout
	var names []string
	for i := range kinds.All {
		if names = append(names, kinds.All[i].Name); kinds.All[i].Name == m.Prober {
			m.kind = &kinds.All[i]
		}
	}
	if m.kind == nil {
		return "prober", fmt.Errorf("want %s", strings.Join(names, ", "))
	}
	for key := range sections {
		// as in blackbox_exporter, sections of other kinds are ignored
		if key != "prober" && key != "timeout" && !slices.Contains(names, key) {
			return key, errors.New("unknown key of a module")
		}
	}
	switch keys := sections[m.Prober].(type) {
	case nil:
		m.keys = map[string]any{}
	case map[string]any:
		m.keys = keys
	default:
		return m.Prober, errors.New("want a map of keys")
	}
	m.renameOld()
	if _, there := m.keys[m.kind.Key]; there {
		return m.Prober + "." + m.kind.Key, errors.New("is the target's; give it there, as target")
	}
	if _, badKey, err := decodeSpec(m.kind, m.keys); err != nil {
		return strings.TrimSuffix(m.Prober+"."+badKey, "."), err
	}
	if m.Prober == httpprobe.Name {
		m.setHTTPDefaults()
	}
	return "", nil
}

// renameOld replaces keys that blackbox_exporter has renamed and still accepts, or calls otherwise.
func (m *ModuleConfig) renameOld() {
	if m.Prober != httpprobe.Name {
		return
	}
	if no, ok := m.keys["no_follow_redirects"].(bool); ok {
		delete(m.keys, "no_follow_redirects")
		m.keys["follow_redirects"] = !no
	}
	if h3, ok := m.keys["enable_http3"].(bool); ok {
		if delete(m.keys, "enable_http3"); h3 {
			m.keys["version"] = "h3"
		}
	}
	for old, key := range map[string]string{"bearer_token": "credentials", "bearer_token_file": "credentials_file"} {
		if value, ok := m.keys[old]; ok && m.keys["authorization"] == nil {
			delete(m.keys, old)
			m.keys["authorization"] = map[string]any{key: value}
		}
	}
	if codes, ok := m.keys["valid_status_codes"].([]any); ok && len(codes) == 0 {
		delete(m.keys, "valid_status_codes") // the default
	}
}

// setHTTPDefaults sets the defaults of blackbox_exporter.
func (m *ModuleConfig) setHTTPDefaults() {
	for _, key := range []string{"follow_redirects", "enable_http2"} {
		if _, there := m.keys[key]; !there {
			m.keys[key] = true
		}
	}
	for _, key := range []string{"valid_status_codes", "status_min", "status_max"} {
		if _, there := m.keys[key]; there {
			return
		}
	}
	m.keys["status_max"] = 299
}

// address returns the value of the kind's key for a target. As in blackbox_exporter, a URL without
// a scheme is an http URL.
func (m *ModuleConfig) address(target string) string {
	if m.Prober == httpprobe.Name && !strings.Contains(target, "://") {
		return "http://" + target
	}
	return target
}

// readModules adds the modules of a blackbox.yml. Its error names lines and keys.
func (c *Config) readModules() error {
	if c.Prober.ModulesFile == "" {
		return nil
	}
	path := c.File(c.Prober.ModulesFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("prober.modules_file: %w", err)
	}
	var file struct {
		Modules map[string]ModuleConfig `yaml:"modules"`
	}
	if err := yamlx.Strictly(text, &file); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s:%s", path, yaml.FormatError(err, false, true))
	}
	in := &Config{path: path, text: text} // for the lines
	var faults []error
	checkModules("modules.", file.Modules, func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s:%s: %s: %s", path, in.line(key), key, fmt.Sprintf(format, args...)))
	})
	for name := range file.Modules {
		if _, twice := c.Prober.Modules[name]; twice {
			faults = append(faults, fmt.Errorf("%s:%s: modules.%s: is also among prober.modules", path, in.line("modules."+name), name))
		}
	}
	if len(faults) > 0 {
		slices.SortFunc(faults, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
		return errors.Join(faults...)
	}
	if c.Prober.Modules == nil {
		c.Prober.Modules = map[string]ModuleConfig{}
	}
	maps.Copy(c.Prober.Modules, file.Modules)
	return nil
}

func checkModules(prefix string, modules map[string]ModuleConfig, bad complaint) {
	for name, m := range modules {
		key := prefix + name
		if m.bad != nil {
			bad(strings.TrimSuffix(key+"."+m.badKey, "."), "%v", m.bad)
		}
		if m.Timeout.bad != "" || m.Timeout.Duration < 0 {
			bad(key+".timeout", "want a duration, 5s for instance")
		}
	}
}
