package bundle

import (
	"fmt"
	"os"
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/heliograph-net/heliograph/privacy/policy"
)

// RevokeCollector removes a collector from policy.yaml, signs the new policy, and deletes the
// collector's receipt key, so that a later collector with this name gets another. The other
// collectors must serve the new policy, and the detector needs a new bundle.
func (o Operator) RevokeCollector(name string) error {
	p, err := o.policy()
	if err != nil {
		return err
	}
	i := indexOf(p, name)
	switch {
	case i < 0:
		return o.noCollector(p, name)
	case len(p.Collectors) == 1:
		return fmt.Errorf("%s is the only collector: agents would have nowhere to deliver. Make the bundle of another one first", name)
	}
	text, err := o.read(policySource)
	if err != nil {
		return err
	}
	next, err := without(text, "collectors", i)
	if err != nil {
		return err
	}
	if err := o.rewrite(raised(next, p.Version+1), "the list without "+name, func(p *policy.Policy) bool {
		return collectorOf(p, name) == nil
	}); err != nil {
		return err
	}
	if _, err := o.signed(); err != nil {
		return err
	}
	return o.destroy("keys/receipt-"+name+".pem", "keys/receipt-"+name+".pub.pem")
}

// RevokeProber makes the detector's next bundle reject the results of a vantage.
func (o Operator) RevokeProber(name string) error {
	f, err := o.fleet()
	if err != nil {
		return err
	}
	n := len(f.Probers)
	if f.Probers = slices.DeleteFunc(f.Probers, func(p prober) bool { return p.Name == name }); len(f.Probers) == n {
		return fmt.Errorf("%s names no prober %q", o.path(fleetName), name)
	}
	return o.save(f)
}

// RevokeRelay makes the collectors' next bundles not trust a relay. It does not change policy.yaml,
// which may still send agents to the relay.
func (o Operator) RevokeRelay(name string) error {
	f, err := o.fleet()
	if err != nil {
		return err
	}
	n := len(f.Relays)
	if f.Relays = slices.DeleteFunc(f.Relays, func(r string) bool { return r == name }); len(f.Relays) == n {
		return fmt.Errorf("%s names no relay %q", o.path(fleetName), name)
	}
	if err := o.save(f); err != nil {
		return err
	}
	return o.destroy("keys/relay-" + name + ".pub.pem")
}

// without returns YAML without an element of a list. Comments stay.
func without(text []byte, key string, i int) (string, error) {
	file, err := parser.ParseBytes(text, parser.ParseComments)
	if err != nil {
		return "", err
	}
	for _, doc := range file.Docs {
		top, ok := doc.Body.(*ast.MappingNode)
		if !ok {
			continue
		}
		for _, entry := range top.Values {
			list, ok := entry.Value.(*ast.SequenceNode)
			if !ok || entry.Key.GetToken().Value != key || i >= len(list.Values) {
				continue
			}
			list.Values = slices.Delete(list.Values, i, i+1)
			if i < len(list.ValueHeadComments) {
				list.ValueHeadComments = slices.Delete(list.ValueHeadComments, i, i+1)
			}
			if i < len(list.Entries) {
				list.Entries = slices.Delete(list.Entries, i, i+1)
			}
			return file.String(), nil
		}
	}
	return "", fmt.Errorf("%s has no element %d: %w", key, i, os.ErrNotExist)
}
