package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/internal/yamlx"
)

// fleetName is the file in which the operator's directory records the probers and relays for which
// bundles were made, because the detector and the collectors must know them.
const fleetName = "fleet.yaml"

type fleet struct {
	Probers []prober `yaml:"probers"`
	Relays  []string `yaml:"relays"`
}

// prober is one vantage.
type prober struct {
	Name string `yaml:"name"`
	ASN  uint32 `yaml:"asn"`
}

func (o Operator) fleet() (f fleet, err error) {
	text, err := os.ReadFile(o.path(fleetName))
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = yamlx.Decode(o.path(fleetName), text, &f)
	}
	return f, err
}

// addProber records a prober, or its new autonomous system.
func (o Operator) addProber(p prober) error {
	f, err := o.fleet()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(f.Probers, func(q prober) bool { return q.Name == p.Name })
	switch {
	case at < 0:
		f.Probers = append(f.Probers, p)
	case f.Probers[at] == p:
		return nil
	default:
		f.Probers[at] = p
	}
	return o.save(f)
}

// addRelay records a relay.
func (o Operator) addRelay(name string) error {
	f, err := o.fleet()
	if err != nil || slices.Contains(f.Relays, name) {
		return err
	}
	f.Relays = append(f.Relays, name)
	return o.save(f)
}

func (o Operator) save(f fleet) error {
	text, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("writing %s: %w", fleetName, err)
	}
	const head = "# The probers and relays that bundles were made for: detectors believe these vantages, collectors these relays.\n"
	return replace(o.path(fleetName), append([]byte(head), text...), 0o644)
}
