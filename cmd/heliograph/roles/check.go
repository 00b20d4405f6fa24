package roles

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/doctor"
	"github.com/heliograph-net/heliograph/internal/netaddr"
	"github.com/heliograph-net/heliograph/internal/nettable"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// expiresSoon is how long before a certificate or a policy expires there is a warning.
const expiresSoon = 14 * 24 * time.Hour

// Check checks everything that a valid configuration names, as the roles do when they start: keys
// and their permissions, the policy and whether it names this collector, certificates, tables,
// receivers. It opens no inbox, no store and no connection. The subject of a finding is file, line
// and key.
func (c *Config) Check(r Roles, now time.Time) []doctor.Finding {
	k := &checker{Config: c, now: now}
	k.policy(r)
	if r.Collector {
		k.collector(r.Detector)
	}
	if r.Detector {
		k.detector(r.Collector)
	}
	if r.Prober {
		k.prober()
	}
	if r.Detector || r.Prober && k.Prober.Policy == "" { // as Process.addDashboard
		k.dashboard()
	}
	if listen := k.Config.Operations.Listen; !netaddr.LoopbackHost(listen) {
		k.add(doctor.Warning, "operations.listen", "%s is not loopback: everybody who reaches it can read metrics and profiles and set the log's level", listen)
	}
	k.networks()
	k.otlp()
	return k.findings()
}

// findings returns what was found, or that all is well.
func (k *checker) findings() []doctor.Finding {
	if len(k.found) == 0 {
		k.found = []doctor.Finding{{Severity: doctor.Good, Subject: k.path, Text: "everything that it names is there and fits"}}
	}
	return k.found
}

// checker is one run of Check.
type checker struct {
	*Config
	now    time.Time
	signed *policy.Policy // nil: no policy could be read
	found  []doctor.Finding
}

func (k *checker) add(severity doctor.Severity, key, format string, args ...any) {
	k.found = append(k.found, doctor.Finding{Severity: severity, Subject: fmt.Sprintf("%s:%s: %s", k.path, k.line(key), key), Text: fmt.Sprintf(format, args...)})
}

func (k *checker) bad(key string, err error) { k.add(doctor.Bad, key, "%v", err) }

// policy reads the collector's policy. The configuration of a detector or a prober on a host of its
// own has none.
func (k *checker) policy(r Roles) {
	const key = "collector.policy"
	b, err := readLimited(k.File(k.Collector.Policy), policy.MaxSize)
	if err == nil {
		k.signed, err = openTrusted(b)
	}
	if err != nil {
		if r.Collector {
			k.bad(key, err)
		}
		return
	}
	if r.Collector {
		k.age(key, k.signed)
		k.signer(key, b)
	}
}

// signer checks that the key that has signed the policy may sign the next.
func (k *checker) signer(key string, signed []byte) {
	if _, err := k.signed.Next(signed); err != nil {
		k.add(doctor.Bad, key, "is signed by a key that is not among its signers: agents refuse what this key signs next")
	}
}

// openTrusted opens a policy that is trusted because the configuration names it.
func openTrusted(b []byte) (*policy.Policy, error) {
	signer, err := policy.Signer(b)
	if err != nil {
		return nil, fmt.Errorf("not a signed policy (make one with heliograph policy sign): %w", err)
	}
	return policy.Open(b, signer)
}

func (k *checker) age(key string, p *policy.Policy) {
	end := time.Unix(p.Expires, 0).UTC()
	switch {
	case p.Expired(k.now):
		k.add(doctor.Bad, key, "expired on %s: agents record counts at most; sign a new version", end.Format(time.DateOnly))
	case end.Sub(k.now) < expiresSoon:
		k.add(doctor.Warning, key, "expires on %s: sign a new version before", end.Format(time.DateOnly))
	}
	if p.Disabled {
		k.add(doctor.Warning, key, "is disabled: agents record nothing")
	}
}

func (k *checker) collector(withDetector bool) {
	col := &k.Collector
	own, err := readKey(k.dir, col.ReceiptKey, keyfile.ParseSigningKey)
	if err != nil {
		k.bad("collector.receipt_key", err)
	} else {
		k.secret("collector.receipt_key", col.ReceiptKey)
		k.receiptKey(own.Public().(ed25519.PublicKey))
	}
	for i, name := range col.FeedKeys {
		if _, err := readKey(k.dir, name, keyfile.ParsePublicKey); err != nil {
			k.bad(fmt.Sprintf("collector.feed_keys[%d]", i), err)
		}
	}
	if len(col.FeedKeys) == 0 && !withDetector {
		k.add(doctor.Bad, "collector.feed_keys", "is empty: no detector can read the inbox, which only fills")
	}
	for i, name := range col.ObliviousKeys {
		if _, err := readKey(k.dir, name, keyfile.ParseObliviousKey); err != nil {
			k.bad(fmt.Sprintf("collector.oblivious_keys[%d]", i), err)
		} else {
			k.secret(fmt.Sprintf("collector.oblivious_keys[%d]", i), name)
		}
	}
	k.certificate()
}

// receiptKey compares the collector's receipt key with the one that agents expect.
func (k *checker) receiptKey(own ed25519.PublicKey) {
	if k.signed == nil {
		return
	}
	i := slices.IndexFunc(k.signed.Collectors, func(c policy.Collector) bool { return c.ID == k.Collector.ID })
	switch {
	case i < 0:
		k.add(doctor.Bad, "collector.id", "%s is not among the collectors of the policy: no agent delivers here", k.Collector.ID)
	case !own.Equal(ed25519.PublicKey(k.signed.Collectors[i].ReceiptKey)):
		k.add(doctor.Bad, "collector.receipt_key", "is not the key that the policy gives %s: agents reject its receipts", k.Collector.ID)
	}
}

func (k *checker) certificate() {
	col := &k.Collector
	if col.TLSCert == "" {
		if !netaddr.LoopbackHost(col.Listen) && len(col.ACME.Names) == 0 && len(col.TrustedProxies) == 0 {
			k.add(doctor.Warning, "collector.listen", "%s is not loopback, and there is neither a certificate nor a proxy: agents connect by https only", col.Listen)
		}
		return
	}
	k.files("collector.", col.TLSCert, col.TLSKey)
}

// files checks the files of a listener's certificate. Their keys in the configuration begin with
// prefix.
func (k *checker) files(prefix, cert, private string) {
	pair, err := tls.LoadX509KeyPair(k.File(cert), k.File(private))
	if err != nil {
		k.bad(prefix+"tls_cert", err)
		return
	}
	k.secret(prefix+"tls_key", private)
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	switch {
	case err != nil:
		k.bad(prefix+"tls_cert", err)
	case k.now.After(leaf.NotAfter):
		k.add(doctor.Bad, prefix+"tls_cert", "expired on %s", leaf.NotAfter.UTC().Format(time.DateOnly))
	case leaf.NotAfter.Sub(k.now) < expiresSoon:
		k.add(doctor.Warning, prefix+"tls_cert", "expires on %s", leaf.NotAfter.UTC().Format(time.DateOnly))
	}
}

func (k *checker) detector(withCollector bool) {
	d := &k.Config.Detector
	if len(d.OpenKeys) == 0 {
		k.add(doctor.Bad, "detector.open_keys", "is empty: no report can be opened")
	}
	opens := false
	for i, name := range d.OpenKeys {
		key := fmt.Sprintf("detector.open_keys[%d]", i)
		open, err := readKey(k.dir, name, keyfile.ParseOpenKey)
		if err != nil {
			k.bad(key, err)
			continue
		}
		k.secret(key, name)
		opens = opens || k.signed != nil && slices.Equal(open.SealKey().Bytes(), k.signed.SealKey)
	}
	if k.signed != nil && len(d.OpenKeys) > 0 && !opens {
		k.add(doctor.Bad, "detector.open_keys", "lacks the key that agents seal to under the policy: reports go to quarantine")
	}
	k.store()
	if len(d.Feeds) == 0 && !withCollector {
		k.add(doctor.Bad, "detector.feeds", "is empty: no report can arrive")
	}
	k.feeds()
	k.group()
	if _, err := k.receivers(); err != nil {
		k.bad("alerts.receivers", err)
	} else if len(k.Alerts.Receivers) == 0 {
		k.add(doctor.Warning, "alerts.receivers", "is empty: nobody is alerted, and only the page shows incidents")
	}
}

// feeds checks the keys with which feeds are read.
func (k *checker) feeds() {
	d := &k.Config.Detector
	if asksCollectors(d.Feeds) {
		if _, err := readKey(k.dir, d.FeedKey, keyfile.ParseSigningKey); err != nil {
			k.bad("detector.feed_key", err)
		} else {
			k.secret("detector.feed_key", d.FeedKey)
		}
	}
	for i := range d.Feeds {
		n, key := d.Feeds[i].NATS, fmt.Sprintf("detector.feeds[%d].nats", i)
		if n == nil {
			continue
		}
		if n.Credentials != "" {
			if _, err := os.Stat(k.File(n.Credentials)); err != nil {
				k.bad(key+".credentials", err)
			}
			k.secret(key+".credentials", n.Credentials)
		}
		if _, err := loadRoots(k.File(n.CA)); err != nil {
			k.bad(key+".ca", err)
		}
		if n.Certificate == "" {
			continue
		}
		if _, err := tls.LoadX509KeyPair(k.File(n.Certificate), k.File(n.Key)); err != nil {
			k.bad(key+".certificate", err)
		}
		k.secret(key+".key", n.Key)
	}
}

// store checks what the configuration of the stores names.
func (k *checker) store() {
	const key = "detector.store"
	warning, err := k.Config.Detector.Store.Check(k.dir)
	switch {
	case err != nil:
		k.bad(key, err)
	case warning != "":
		k.add(doctor.Warning, key, "%s", warning)
	}
}

func (k *checker) prober() {
	p := &k.Config.Prober
	for i := range p.Heartbeats.Racks {
		if _, err := readKey(k.dir, p.Heartbeats.Racks[i].Key, keyfile.ParsePublicKey); err != nil {
			k.bad(fmt.Sprintf("prober.heartbeats.racks[%d].key", i), err)
		}
	}
	if h := &p.Heartbeats; h.TLSCert != "" {
		k.files("prober.heartbeats.", h.TLSCert, h.TLSKey)
	}
	if p.Sweep.List != "" {
		if _, err := k.sweepOptions(); err != nil {
			k.bad("prober.sweep.list", err)
		}
	}
	if len(p.Targets)+len(p.Discover)+len(p.Heartbeats.Racks) == 0 && p.Sweep.List == "" {
		k.add(doctor.Warning, "prober.targets", "is empty: nothing is probed")
	}
	k.targets()
	if p.Policy == "" {
		return
	}
	b, err := readLimited(k.File(p.Policy), policy.MaxSize)
	var signed *policy.Policy
	if err == nil {
		signed, err = openTrusted(b)
	}
	if err != nil {
		k.bad("prober.policy", err)
		return
	}
	k.age("prober.policy", signed)
}

// targets makes ready what the prober does at each target, and sends nothing.
func (k *checker) targets() {
	o, err := proberOptions(k.Config)
	if err != nil {
		k.bad("prober", err)
		return
	}
	names := map[string]bool{}
	for i := range k.Config.Prober.Targets {
		t, key := &k.Config.Prober.Targets[i], fmt.Sprintf("prober.targets[%d]", i)
		if t.Spec == nil {
			continue
		}
		if _, err := t.Spec.Probe(o.Env); err != nil {
			k.add(doctor.Bad, key, "%s: %v", t.Name, err)
		}
		if names[t.Name] {
			k.add(doctor.Bad, key, "%s: another target has this name, too", t.Name)
		}
		names[t.Name] = true
	}
}

func (k *checker) networks() {
	if k.Networks == "" {
		k.add(doctor.Warning, "networks", "is empty: the network of every client is unknown, so no incident can name one")
		return
	}
	if _, err := nettable.Open(networkFiles(k.Config)); err != nil {
		k.bad("networks", err)
	}
}

// otlp reads what the telemetry needs.
func (k *checker) otlp() {
	if k.OTLP.Endpoint == "" {
		return
	}
	if _, err := k.otlpHeaders(); err != nil {
		k.bad("otlp.headers_file", err)
	} else if k.OTLP.HeadersFile != "" {
		k.secret("otlp.headers_file", k.OTLP.HeadersFile)
	}
	if _, err := loadRoots(k.File(k.OTLP.CA)); err != nil {
		k.bad("otlp.ca", err)
	}
}

// secret complains about a private key that other users of the host can read.
func (k *checker) secret(key, name string) {
	info, err := os.Stat(k.File(name))
	const others = fs.FileMode(0o007)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&others != 0 {
		k.add(doctor.Bad, key, "%s is a secret that other users of this host can read or change (mode %04o): chmod 600 it", name, info.Mode().Perm())
	}
}
