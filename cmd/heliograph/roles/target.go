package roles

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/prober"
	"github.com/heliograph-net/heliograph/prober/kinds"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
)

// TargetConfig is one server to probe. Besides the keys below, it has those of its kind of probe.
// One of these, such as url or tcp, determines the kind.
type TargetConfig struct {
	Name       string `yaml:"name"`
	DataCentre string `yaml:"data_centre"`
	Cluster    string `yaml:"cluster"`
	Row        string `yaml:"row"`

	Spec probe.Spec `yaml:"-"` // made from the other keys; nil if they are invalid

	badKey string // the invalid key; empty for the target itself
	bad    error  // what is wrong with its keys; the YAML library gives no line, so validate does
}

// target returns the target for the prober.
func (t *TargetConfig) target() prober.Target {
	return prober.Target{
		Name: t.Name, Spec: t.Spec, DataCentre: t.DataCentre, Cluster: t.Cluster, Row: t.Row,
	}
}

// UnmarshalYAML never fails; see TargetConfig.bad.
func (t *TargetConfig) UnmarshalYAML(text []byte) error {
	*t = TargetConfig{}
	t.badKey, t.bad = t.decode(text)
	return nil
}

func (t *TargetConfig) decode(text []byte) (badKey string, err error) {
	var keys map[string]any
	if err := yaml.Unmarshal(text, &keys); err != nil {
		return "", errors.New("want a map of keys: name, url or another way to probe it")
	}
	for key, field := range map[string]*string{
		"name": &t.Name, "data_centre": &t.DataCentre, "cluster": &t.Cluster, "row": &t.Row,
	} {
		if value, ok := keys[key]; ok && value != nil {
			*field = fmt.Sprint(value)
		}
		delete(keys, key)
	}
	kind, err := kindOf(keys)
	if err != nil {
		return "", err
	}
	spec := kind.New()
	rest, err := yaml.Marshal(keys)
	if err == nil {
		err = yaml.UnmarshalWithOptions(rest, spec, yaml.Strict())
	}
	if fault, ok := errors.AsType[yaml.Error](err); ok {
		return fault.GetToken().Value, errors.New(fault.GetMessage())
	}
	if err != nil {
		return "", err
	}
	t.Spec = spec
	return "", nil
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
		o.Witnesses = append(o.Witnesses, prober.Target{Name: w, Spec: &tcpprobe.Options{Target: w}})
	}
	return o, nil
}
