package bundle

import (
	"cmp"
	"crypto/ed25519"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/deploy/systemd"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// Collector makes the bundle of a collector. at is the URL at which agents find it, which a new
// collector needs. Collector adds a new collector to policy.yaml, with a receipt key of its own,
// and signs the policy. Agents learn of it when they refresh their policy. The other collectors and
// the detector need new bundles.
func (o Operator) Collector(name, at string) (*Bundle, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if err := o.enter(name, at); err != nil {
		return nil, err
	}
	p, err := o.policy()
	if err != nil {
		return nil, err
	}
	c := collectorOf(p, name)
	signed, err := o.signed()
	if err != nil {
		return nil, err
	}
	receipt, err := o.receiptKeyOf(c)
	if err != nil {
		return nil, err
	}
	feed, err := o.read("keys/feed.pub.pem")
	if err != nil {
		return nil, err
	}
	b := &Bundle{Name: name}
	feeds := "keys/feed.pub.pem"
	if old, err := os.ReadFile(o.path(oldFeed)); err == nil {
		b.add(oldFeed, old, 0o644, "lets the detector in until it has its new key")
		feeds += ", " + oldFeed
	}
	b.add("keys/receipt.pem", receipt, 0o600, "signs its receipts; agents believe no other key under this name")
	b.add("keys/feed.pub.pem", feed, 0o644, "tells the detector from strangers")
	b.add("policy", signed, 0o644, "is served to agents")
	more, err := o.collectorExtras(b, c)
	if err != nil {
		return nil, err
	}
	config, err := collectorConfig(c, feeds, more)
	if err != nil {
		return nil, err
	}
	return b, o.finish(b, "collector", config)
}

// receiptKeyOf returns the private key of a collector's receipts.
func (o Operator) receiptKeyOf(c *policy.Collector) ([]byte, error) {
	for _, name := range []string{"keys/receipt-" + c.ID + ".pem", "keys/receipt.pem"} {
		text, err := os.ReadFile(o.path(name))
		if err != nil {
			continue
		}
		if key, err := keyfile.ParseSigningKey(text); err == nil && key.Public().(ed25519.PublicKey).Equal(ed25519.PublicKey(c.ReceiptKey)) {
			return text, nil
		}
	}
	return nil, fmt.Errorf("neither keys/receipt-%s.pem nor keys/receipt.pem in %s is the receipt key that policy.yaml gives %s", c.ID, o.Dir, c.ID)
}

// collectorExtras adds the files that a collector behind relays needs, and returns its settings.
func (o Operator) collectorExtras(b *Bundle, c *policy.Collector) (settings string, err error) {
	if c.Relay != "" {
		key, err := o.read("keys/oblivious.pem")
		if err != nil {
			return "", err
		}
		b.add("keys/oblivious.pem", key, 0o600, "opens what agents send through relays")
		keys := "keys/oblivious.pem"
		if old, err := os.ReadFile(o.path(oldOblivious)); err == nil {
			b.add(oldOblivious, old, 0o600, "opens what agents with an older policy send")
			keys += ", " + oldOblivious
		}
		settings += "  oblivious_keys: [" + keys + "]\n"
	}
	f, err := o.fleet()
	if err != nil || len(f.Relays) == 0 {
		return settings, err
	}
	var names []string
	for _, relay := range f.Relays {
		name := "keys/relay-" + relay + ".pub.pem"
		key, err := o.read(name)
		if err != nil {
			return "", err
		}
		b.add(name, key, 0o644, "tells the relay "+relay+" from strangers")
		names = append(names, name)
	}
	return settings + "  relay_keys: [" + strings.Join(names, ", ") + "]\n", nil
}

func collectorConfig(c *policy.Collector, feeds, more string) (string, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return "", err
	}
	listen, tls := listener(u)
	indented := ""
	for line := range strings.Lines(tls) {
		indented += "  " + line
	}
	return "collector:\n  id: " + c.ID + "\n  listen: " + listen + "\n" + indented +
		"  receipt_key: keys/receipt.pem\n  feed_keys: [" + feeds + "]\n" + more + "  policy: policy\n  inbox: inbox.db\n", nil
}

// listener returns where a host listens that is reached at a URL, and its settings for TLS.
func listener(u *url.URL) (listen, tls string) {
	if u.Scheme != "https" {
		return u.Host, ""
	}
	port := cmp.Or(u.Port(), "443")
	listen = net.JoinHostPort("0.0.0.0", port)
	if _, err := netip.ParseAddr(u.Hostname()); err == nil || port != "443" {
		return listen, "tls_cert: cert.pem # put the certificate for " + u.Hostname() + " and its key here\ntls_key: key.pem\n"
	}
	return listen, "acme: {names: [" + u.Hostname() + "], cache: certificates} # or tls_cert and tls_key\n"
}

// Detector makes the bundle of the detector. It reads the feeds of all collectors in policy.yaml
// and accepts the results of the vantages for which bundles were made. The name is that of the
// host.
func (o Operator) Detector(name string) (*Bundle, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	p, err := o.policy()
	if err != nil {
		return nil, err
	}
	f, err := o.fleet()
	if err != nil {
		return nil, err
	}
	b := &Bundle{Name: name}
	for _, key := range []struct{ name, why string }{
		{"keys/open.pem", "opens reports; no other host has it"}, {"keys/feed.pem", "signs its requests to the collectors"},
	} {
		text, err := o.read(key.name)
		if err != nil {
			return nil, err
		}
		b.add(key.name, text, 0o600, key.why)
	}
	opens := "keys/open.pem"
	if old, err := os.ReadFile(o.path(oldOpen)); err == nil {
		b.add(oldOpen, old, 0o600, "opens what was sealed before the new key")
		opens += ", " + oldOpen
	}
	var config strings.Builder
	config.WriteString("detector:\n  open_keys: [" + opens + "]\n  feed_key: keys/feed.pem\n  store: store.db\n  feeds:\n")
	for _, c := range p.Collectors {
		config.WriteString(fmt.Sprintf("    - {id: %s, url: %q}\n", c.ID, c.URL))
	}
	if len(f.Probers) > 0 {
		config.WriteString("  vantages: [")
		for i, v := range f.Probers {
			config.WriteString(strings.Repeat(", ", min(i, 1)) + v.Name)
		}
		config.WriteString("]\n")
	}
	config.WriteString("# networks: networks.tsv # which network and country an address belongs to\nalerts:\n  receivers: [] # who is told: docs/alerts.md\n")
	return b, o.finish(b, "detector", config.String())
}

// Prober makes the bundle of a prober, whose name is that of its vantage. The detector accepts its
// results once it has a new bundle.
func (o Operator) Prober(name string, asn uint32) (*Bundle, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	signed, err := o.signed()
	if err != nil {
		return nil, err
	}
	if err := o.addProber(prober{name, asn}); err != nil {
		return nil, err
	}
	b := &Bundle{Name: name}
	b.add("policy", signed, 0o644, "says where results are delivered and to which key they are sealed")
	config := fmt.Sprintf("prober:\n  policy: policy\n  vantage: %s\n  vantage_asn: %d\n  spool: prober-spool\n  targets: []\n"+
		"  # targets:\n  #   - {name: web-1, url: \"https://web-1.example.com/healthz\", data_centre: east, cluster: web, row: r1}\n", name, asn)
	return b, o.finish(b, "prober", config)
}

// finish adds the configuration, the systemd unit and START.txt to the bundle of a role.
func (o Operator) finish(b *Bundle, role, config string) error {
	text, err := o.configOf(b.Name, config+"operations:\n  listen: 127.0.0.1:8419\n")
	if err != nil {
		return err
	}
	b.add(roles.ConfigName, text, 0o644, "its settings")
	return o.explain(b, role, roles.ConfigName)
}

func (o Operator) explain(b *Bundle, role, config string) error {
	unit, err := systemd.Unit(role)
	if err != nil {
		return err
	}
	b.add("heliograph-"+role+".service", unit, 0o644, "runs it under systemd")
	b.add("START.txt", []byte(start(b, role, config)), 0o644, "how to start it")
	return nil
}

// start returns the text of START.txt.
func start(b *Bundle, role, config string) string {
	home := "heliograph"
	if role == "relay" {
		home = "heliograph-relay"
	}
	var text strings.Builder
	text.WriteString(fmt.Sprintf(`The %s %s of a Heliograph installation. With the binary in /usr/local/bin:

    sudo heliograph unpack heliograph-%[2]s.tar.gz /var/lib/%[3]s
    sudo cp /var/lib/%[3]s/heliograph-%[1]s.service /etc/systemd/system/
    sudo heliograph config check --role %[1]s /var/lib/%[3]s/%[4]s
    sudo systemctl enable --now heliograph-%[1]s

Without systemd: tar -xzf heliograph-%[2]s.tar.gz && heliograph %[1]s --config heliograph-%[2]s/%[4]s
Settings of this host alone (targets, receivers, tables) belong into hosts/%[2]s.yaml of the operator's directory, in the shape of %[4]s:
bundles are made with them. To take up a newer bundle, unpack it in the same way and: sudo systemctl reload heliograph-%[1]s
It works when http://127.0.0.1:%[5]d/health/ready says so.

`, role, b.Name, home, config, map[bool]int{true: 8421, false: 8419}[role == "relay"]))
	for _, f := range b.Files {
		text.WriteString(fmt.Sprintf("%-28s %s\n", f.Name, f.Why))
	}
	return text.String()
}
