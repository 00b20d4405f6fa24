package roles

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/internal/yamlx"
	"github.com/heliograph-net/heliograph/prober"
	"github.com/heliograph-net/heliograph/prober/kinds"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
)

// TargetConfig is one server to probe. Besides the keys below, it has those of its kind of probe.
// One of these, such as url or tcp, determines the kind, unless module does.
type TargetConfig struct {
	Name       string `yaml:"name"`
	Region     string `yaml:"region"`
	DataCentre string `yaml:"data_centre"`
	Cluster    string `yaml:"cluster"`
	Row        string `yaml:"row"`
	Module     string `yaml:"module"` // one of ProberConfig.Modules; "": none
	Target     string `yaml:"target"` // the value of the key of the module's kind

	Spec    probe.Spec    `yaml:"-"` // made from the other keys; nil if they are invalid
	Timeout time.Duration `yaml:"-"` // of one attempt, from the module; 0: the prober's

	keys map[string]any // the other keys, until finish

	badKey string // the invalid key; empty for the target itself
	bad    error  // what is wrong with its keys; the YAML library gives no line, so validate does
}

// target returns the target for the prober.
func (t *TargetConfig) target() prober.Target {
	return prober.Target{
		Name: t.Name, Spec: t.Spec, Region: t.Region, DataCentre: t.DataCentre, Cluster: t.Cluster, Row: t.Row,
		Timeout: t.Timeout,
	}
}

// UnmarshalYAML never fails; see TargetConfig.bad. The target is complete after finish.
func (t *TargetConfig) UnmarshalYAML(text []byte) error {
	*t = TargetConfig{}
	if err := yaml.Unmarshal(text, &t.keys); err != nil {
		t.bad = errors.New("want a map of keys: name, url or another way to probe it")
		return nil
	}
	for key, field := range map[string]*string{
		"name": &t.Name, "region": &t.Region, "data_centre": &t.DataCentre, "cluster": &t.Cluster, "row": &t.Row,
		"module": &t.Module, "target": &t.Target,
	} {
		if value, ok := t.keys[key]; ok && value != nil {
			*field = fmt.Sprint(value)
		}
		delete(t.keys, key)
	}
	return nil
}

// finish makes the Spec, with what the modules say.
func (t *TargetConfig) finish(modules map[string]ModuleConfig) {
	if t.bad == nil {
		t.badKey, t.bad = t.decode(modules)
	}
	t.keys = nil
}

func (t *TargetConfig) decode(modules map[string]ModuleConfig) (badKey string, err error) {
	if t.Module == "" {
		if t.Target != "" {
			return "target", errors.New("belongs to a module; name one, or give the key of a kind of probe")
		}
		kind, err := kindOf(t.keys)
		if err != nil {
			return "", err
		}
		t.Spec, badKey, err = decodeSpec(kind, t.keys)
		return badKey, err
	}
	m, known := modules[t.Module]
	switch {
	case !known:
		return "module", fmt.Errorf("there is no module %q among prober.modules", t.Module)
	case m.kind == nil:
		return "", nil // validate complains about the module itself
	case t.Target == "":
		return "target", errors.New("must not be empty: it is what the module probes")
	}
	keys := maps.Clone(m.keys)
	maps.Copy(keys, t.keys)
	keys[m.kind.Key] = m.address(t.Target)
	t.Timeout = m.Timeout.Duration
	t.Spec, badKey, err = decodeSpec(m.kind, keys)
	return badKey, err
}

// decodeSpec makes a Spec of the keys of its kind.
func decodeSpec(kind *probe.Kind, keys map[string]any) (spec probe.Spec, badKey string, err error) {
	spec = kind.New()
	text, err := json.Marshal(keys) // which is YAML, and what yaml.Marshal makes of "\r" is not
	if err == nil {
		err = yamlx.Strictly(text, spec)
	}
	if fault, ok := errors.AsType[yaml.Error](err); ok {
		return nil, fault.GetToken().Value, errors.New(fault.GetMessage())
	}
	if err != nil {
		return nil, "", err
	}
	if c, ok := spec.(probe.Checker); ok {
		if badKey, err := c.Check(); err != nil {
			return nil, badKey, err
		}
	}
	return spec, "", nil
}

// kindOf returns the kind whose key is among keys.
func kindOf(keys map[string]any) (found *probe.Kind, err error) {
	var possible []string
	for i := range kinds.All {
		kind := &kinds.All[i]
		possible = append(possible, kind.Key)
		if _, ok := keys[kind.Key]; !ok {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("give either %s or %s, not both", found.Key, kind.Key)
		}
		found = kind
	}
	if found == nil {
		return nil, fmt.Errorf("give either %s", strings.Join(possible, " or "))
	}
	return found, nil
}

// proberOptions returns the prober's options for the configured targets and witnesses.
func proberOptions(c *Config) (o prober.Options, err error) {
	o = prober.Options{
		Interval: c.Prober.Interval.Duration, Timeout: c.Prober.Timeout.Duration,
		DownAfter: c.Prober.Failures,
	}
	o.Env.Dir = c.File(".")
	if o.Env.RootCAs, err = loadRoots(c.File(c.Prober.CA)); err != nil {
		return o, fmt.Errorf("prober.ca: %w", err)
	}
	for i := range c.Prober.Targets {
		o.Targets = append(o.Targets, c.Prober.Targets[i].target())
	}
	for _, w := range c.Prober.Witnesses {
		o.Witnesses = append(o.Witnesses, prober.Target{Name: w, Spec: witness(w)})
	}
	o.Maintenance = c.windows()
	o.Phase, o.Jitter = phase(c.Prober.Vantage), jitter
	return o, nil
}

// witness returns how a witness is probed. Any answer of a URL is one.
func witness(address string) probe.Spec {
	if strings.Contains(address, "://") {
		return &httpprobe.Options{URL: address, Method: http.MethodHead, StatusMin: 100, StatusMax: 599}
	}
	return &tcpprobe.Options{Target: address}
}

// jitter is by what share of the interval regular attempts come later at most.
const jitter = 0.1

// phase returns where in the interval a vantage begins, so that vantages that start together do not
// probe a server together.
func phase(vantage string) float64 {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(vantage)) // a hash takes everything
	return float64(hash.Sum32()) / (1 << 32)
}
