package bundle

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// Relay makes the bundle of a relay in front of a collector. Only the bundle has the relay's
// private key, and each bundle has a new one. The operator keeps the public key, which the
// collector's next bundle has.
//
// at is the URL at which agents find the relay. With it, Relay makes policy.yaml send agents to the
// collector through this relay, in place of another one if there is one, and signs the policy. If
// at is empty, policy.yaml stays as it is.
func (o Operator) Relay(name, collector, at string) (*Bundle, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	p, err := o.policy()
	if err != nil {
		return nil, err
	}
	c := collectorOf(p, collector)
	if c == nil {
		return nil, o.noCollector(p, collector)
	}
	if at != "" {
		if at, err = o.enterRelay(p, c, at); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "heliograph-relay-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := roles.InitRelay(dir); err != nil {
		return nil, err
	}
	key, err := os.ReadFile(filepath.Join(dir, "keys/relay.pem"))
	public, err2 := os.ReadFile(filepath.Join(dir, "keys/relay.pub.pem"))
	template, err3 := os.ReadFile(filepath.Join(dir, roles.RelayConfigName))
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, err
	}
	config, err := o.relayConfig(name, string(template), c, cmp.Or(at, c.Relay))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(replace(o.path("keys/relay-"+name+".pub.pem"), public, 0o644), o.addRelay(name)); err != nil {
		return nil, err
	}
	b := &Bundle{Name: name}
	b.add("keys/relay.pem", key, 0o600, "signs what the collector is told of clients")
	b.add(roles.RelayConfigName, config, 0o644, "its settings")
	return b, o.explain(b, "relay", roles.RelayConfigName)
}

// enterRelay makes policy.yaml name the relay of a collector, and signs it. It returns the relay's
// whole URL.
func (o Operator) enterRelay(p *policy.Policy, c *policy.Collector, at string) (string, error) {
	at, err := origin(at)
	if err != nil {
		return "", err
	}
	if u, err := url.Parse(at); err == nil && u.Path == "" {
		at += protocol.PathOblivious
	}
	if c.Relay == at {
		return at, nil
	}
	if c.Relay == "" && len(c.Addresses)+len(c.Pins) > 0 {
		return "", fmt.Errorf("%s has addresses or pins in %s: with a relay they are the relay's, so enter the relay by hand", c.ID, o.path(policySource))
	}
	if err := o.obliviousKey(); err != nil {
		return "", err
	}
	text, err := o.read(policySource)
	if err != nil {
		return "", err
	}
	next, err := edited(string(text), "$.collectors["+strconv.Itoa(indexOf(p, c.ID))+"]", "relay: "+strconv.Quote(at)+"\noblivious_keys: [keys/oblivious.pub.pem]\n", true)
	if err != nil {
		return "", err
	}
	if err := o.rewrite(raised(next, p.Version+1), fmt.Sprintf("the collector %s (relay: %s, oblivious_keys: [keys/oblivious.pub.pem])", c.ID, at), func(p *policy.Policy) bool {
		c := collectorOf(p, c.ID)
		return c != nil && c.Relay == at
	}); err != nil {
		return "", err
	}
	_, err = o.signed()
	return at, err
}

// obliviousKey makes the key of the gateways behind relays if the directory has none, because an
// older release has made it.
func (o Operator) obliviousKey() error {
	if o.exists("keys/oblivious.pem") {
		return nil
	}
	key, err := ohttp.GenerateKey(ohttp.MLKEM768X25519())
	if err != nil {
		return fmt.Errorf("making the key of Oblivious HTTP: %w", err)
	}
	return errors.Join(replace(o.path("keys/oblivious.pub.pem"), keyfile.MarshalObliviousConfig(key), 0o644),
		replace(o.path("keys/oblivious.pem"), keyfile.MarshalObliviousKey(key), 0o600))
}

// relayConfig returns relay.yaml: the template with the relay's collector and address, overridden
// by the relay's file in hosts.
func (o Operator) relayConfig(name, template string, c *policy.Collector, at string) ([]byte, error) {
	text := strings.Replace(template, "gateway: http://127.0.0.1:8417", "gateway: "+c.URL, 1)
	text = strings.Replace(text, "collector: c1 ", "collector: "+c.ID+" ", 1)
	if at != "" {
		u, err := url.Parse(at)
		if err != nil {
			return nil, err
		}
		listen, tls := listener(u)
		text = strings.Replace(text, "listen: 127.0.0.1:8420 ", tls+"listen: "+listen+" ", 1)
	}
	own, err := o.hostFile(name)
	if err != nil || own == nil {
		return []byte(text), err
	}
	merged, err := merged([]byte(text), o.hostPath(name), own)
	if err != nil {
		return nil, err
	}
	return merged, o.checkAs(roles.RelayConfigName, name, merged, func(file string) error { _, err := roles.LoadRelay(file); return err })
}
