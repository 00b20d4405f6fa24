package deploy

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/natsledger"
	"github.com/heliograph-net/heliograph/cmd/heliograph/doctor"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/natsinbox"
	"github.com/heliograph-net/heliograph/detector/natsfeed"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/freeport"
	"github.com/heliograph-net/heliograph/tests/source"
)

// patience is how long the test waits for a state that servers reach by themselves.
const patience = 2 * time.Minute

// authority issues the certificates of a test.
type authority struct {
	*testing.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	a := &authority{T: t, dir: t.TempDir()}
	a.key = a.newKey()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.Fatal(err)
	}
	return key
}

// issue writes tls.crt, tls.key and ca.crt for a name to a directory, which it returns.
func (a *authority) issue(name string) string {
	a.Helper()
	key := a.newKey()
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.Fatal(err)
	}
	dir := filepath.Join(a.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		a.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: der}, "tls.key": {Type: "PRIVATE KEY", Bytes: private},
		"ca.crt": {Type: "CERTIFICATE", Bytes: a.cert.Raw}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			a.Fatal(err)
		}
	}
	return dir
}

// startNATS starts a server with a file of deploy/regions/nats, in which names of hosts, ports and
// directories are replaced. Nothing else is.
func startNATS(t *testing.T, file, certificates string, env map[string]string, replace ...string) *server.Server {
	t.Helper()
	text, err := os.ReadFile(source.Path("deploy/regions/nats/" + file))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, file)
	changed := strings.NewReplacer(append(replace, "0.0.0.0:", "127.0.0.1:", "/etc/nats-tls", certificates, "store_dir: /data", "store_dir: "+filepath.Join(dir, "data"))...).Replace(string(text))
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
	o, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	o.NoSigs = true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	s.SetLoggerV2(&natsLog{t, env}, false, false, false)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

// natsLog shows what a server complains about.
type natsLog struct {
	t   *testing.T
	env map[string]string
}

func (l *natsLog) Noticef(string, ...any)         {}
func (l *natsLog) Warnf(format string, v ...any)  { l.show(format, v...) }
func (l *natsLog) Fatalf(format string, v ...any) { l.show(format, v...) }
func (l *natsLog) Errorf(format string, v ...any) { l.show(format, v...) }
func (l *natsLog) Debugf(string, ...any)          {}
func (l *natsLog) Tracef(string, ...any)          {}
func (l *natsLog) show(format string, v ...any) {
	fmt.Fprintf(l.t.Output(), "%v: %s\n", l.env, fmt.Sprintf(format, v...))
}

// ports are those of the files, replaced by free ones.
type ports struct{ clients, routes, leaves, monitor int }

func (p *ports) replace() []string {
	all := []string{}
	for from, to := range map[int]int{4222: p.clients, 6222: p.routes, 7422: p.leaves, 8222: p.monitor} {
		all = append(all, fmt.Sprintf("0.0.0.0:%d", from), fmt.Sprintf("127.0.0.1:%d", to))
	}
	return all
}

func freePorts(t *testing.T) *ports {
	on := func() int { return freeport.On(t, "127.0.0.1") }
	return &ports{on(), on(), on(), on()}
}

// await waits until f succeeds.
func await(t *testing.T, what string, f func(ctx context.Context) error) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		err := f(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// TestRegionsInNATS starts the hub's three servers and a region's with the files that are there,
// and sends a batch from the region's collector to a detector, each with the certificate that it is
// to have. The ledger of faults works too, and what a client is not to do is refused.
func TestRegionsInNATS(t *testing.T) {
	a := newAuthority(t)
	hub := []*ports{freePorts(t), freePorts(t), freePorts(t)}
	var routes []string
	for i, p := range hub {
		routes = append(routes, fmt.Sprintf("nats-%d.nats:6222", i), fmt.Sprintf("127.0.0.1:%d", p.routes))
	}
	servers := a.issue("server")
	for i, p := range hub {
		startNATS(t, "hub.conf", servers, map[string]string{"SERVER_NAME": fmt.Sprintf("nats-%d", i)}, append(p.replace(), routes...)...)
	}
	region := freePorts(t)
	startNATS(t, "region.conf", a.issue("eu"), map[string]string{"REGION": "eu", "HUB": fmt.Sprintf("tls://127.0.0.1:%d", hub[0].leaves)}, region.replace()...)
	at := fmt.Sprintf("tls://127.0.0.1:%d", hub[1].clients)
	makeStream(t, a, at)

	c := a.issue("c-eu")
	var queue *natsinbox.Queue
	await(t, "opening the collector's stream", func(ctx context.Context) (err error) {
		queue, err = natsinbox.Open(ctx, natsinbox.Options{Servers: []string{fmt.Sprintf("tls://127.0.0.1:%d", region.clients)}, Stream: "c-eu", Replicas: 1,
			Monitor: fmt.Sprintf("http://127.0.0.1:%d", region.monitor), Hub: "hub-c-eu", HubDomain: "hub", HubReaders: []string{"d1"}, CA: c + "/ca.crt", Certificate: c + "/tls.crt", Key: c + "/tls.key"})
		return err
	})
	defer queue.Close()
	if err := queue.SetReaders(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	sent := report.Envelope{Batch: report.BatchID{1}, Received: time.Now().UnixMilli(), Collector: "c-eu", Country: "DE", Segment: []byte("sealed")}
	await(t, "storing a batch", func(ctx context.Context) error { return queue.Append(ctx, []collector.Entry{{Envelope: sent}}) })

	d := a.issue("d1")
	feed, err := natsfeed.New(natsfeed.Options{Collector: "c-eu", Servers: []string{at}, Domain: "hub", Stream: "hub-c-eu", Source: "c-eu", Reader: "d1", Wait: time.Second,
		CA: d + "/ca.crt", Certificate: d + "/tls.crt", Key: d + "/tls.key"})
	if err != nil {
		t.Fatal(err)
	}
	defer feed.CloseIdleConnections()
	var got []report.Envelope
	await(t, "reading the batch at the hub", func(ctx context.Context) error {
		got, err = feed.Read(ctx, 0, 10)
		if err == nil && (len(got) != 1 || got[0].Batch != sent.Batch) {
			err = fmt.Errorf("%d batches", len(got))
		}
		return err
	})
	await(t, "the collector knows what the hub has", func(ctx context.Context) error {
		if err := queue.Maintain(ctx); err != nil {
			return err
		}
		if s, err := queue.Stats(ctx); err != nil || s.Pending != 0 {
			return fmt.Errorf("%d batches wait, %w", s.Pending, err)
		}
		return nil
	})
	await(t, "acknowledging at the hub", func(ctx context.Context) error { return feed.Ack(ctx, got[0].Seq) })
	if err := queue.Maintain(t.Context()); err != nil {
		t.Error(err)
	}
	checkLedger(t, natsledger.Options{Member: "d1", Servers: []string{at}, Domain: "hub", CA: d + "/ca.crt", Certificate: d + "/tls.crt", Key: d + "/tls.key"})
	checkRights(t, a, at, fmt.Sprintf("tls://127.0.0.1:%d", region.clients))
}

// checkLedger enters a fault.
func checkLedger(t *testing.T, o natsledger.Options) {
	t.Helper()
	ledger, err := natsledger.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ledger.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	await(t, "entering a fault into the ledger", func(context.Context) error {
		standing := ledger.Agree([]alerts.Fault{{Key: "k", Incident: "1", App: "shop", Target: "https://shop.example", Severity: alerts.Critical, Since: time.Now()}})
		if !standing["k"].Own {
			return errors.New("it is not decided yet")
		}
		return nil
	})
}

// connectAs connects with the certificate of a name.
func connectAs(a *authority, url, name string) (*nats.Conn, error) {
	dir := a.issue(name)
	return nats.Connect(url, nats.RootCAs(dir+"/ca.crt"), nats.ClientCert(dir+"/tls.crt", dir+"/tls.key"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
}

// makeStream makes the hub's stream from its file.
func makeStream(t *testing.T, a *authority, at string) {
	t.Helper()
	text, err := os.ReadFile(source.Path("deploy/regions/nats/hub-c-eu.json"))
	if err != nil {
		t.Fatal(err)
	}
	var conf jetstream.StreamConfig
	if err := json.Unmarshal(text, &conf); err != nil {
		t.Fatal(err)
	}
	var conn *nats.Conn
	await(t, "connecting as admin", func(context.Context) error { conn, err = connectAs(a, at, "admin"); return err })
	defer conn.Close()
	js, err := jetstream.NewWithDomain(conn, "hub")
	if err != nil {
		t.Fatal(err)
	}
	await(t, "making the hub's stream", func(ctx context.Context) error { _, err := js.CreateOrUpdateStream(ctx, conf); return err })
}

// checkRights checks that nobody gets in without a certificate, or with one of another name, that a
// detector deletes nothing, and that a collector writes in no other name than its own.
func checkRights(t *testing.T, a *authority, hub, region string) {
	t.Helper()
	for _, url := range []string{hub, region} {
		if conn, err := nats.Connect(url, nats.Secure(&tls.Config{InsecureSkipVerify: true})); err == nil {
			conn.Close()
			t.Errorf("%s takes clients without a certificate", url)
		}
		if conn, err := connectAs(a, url, "stranger"); err == nil {
			conn.Close()
			t.Errorf("%s takes clients of any name", url)
		}
	}
	conn, err := connectAs(a, hub, "d2")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.NewWithDomain(conn, "hub")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := js.DeleteStream(ctx, "hub-c-eu"); err == nil || errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("a detector may delete streams: %v", err)
	}
	for _, subject := range []string{"heliograph.batches.c-us", "$JS.hub.API.STREAM.DELETE.hub-c-us", "$JS.hub.API.$KV.heliograph-faults.x", "$KV.heliograph-faults.x",
		"$KV.c-us-state.x", "heliograph.group.hub.alive.d1"} {
		checkRefused(t, a, region, "c-eu", subject)
	}
}

// checkRefused checks that a name may not publish to a subject.
func checkRefused(t *testing.T, a *authority, url, name, subject string) {
	t.Helper()
	refused := make(chan error, 1)
	conn, err := connectAs(a, url, name)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		select {
		case refused <- err:
		default:
		}
	})
	if err = conn.Publish(subject, nil); err == nil {
		err = conn.FlushTimeout(patience)
	}
	if err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-refused:
		if !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("%s publishes to %s: %v", name, subject, err)
		}
	case <-time.After(patience):
		t.Errorf("%s may publish to %s", name, subject)
	}
}

// TestRegionsConfigurations checks the configurations as heliograph config check does.
func TestRegionsConfigurations(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	policy := "seal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\ncollectors:\n"
	for _, region := range []string{"eu", "us", "ap"} {
		policy += fmt.Sprintf("- {id: c-%s, url: \"https://c-%[1]s.example.net\", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}\n", region)
	}
	if err := roles.Init(dir, roles.InitOptions{Config: []byte("collector: {id: c-eu}\n"), Policy: []byte(policy)}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(newAuthority(t).issue("nats"), filepath.Join(dir, "nats")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "clickhouse"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "clickhouse", "password"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, role := range map[string]roles.Roles{"c-eu": {Collector: true}, "c-us": {Collector: true}, "c-ap": {Collector: true}, "d1": {Detector: true}, "d2": {Detector: true},
		"p-eu": {Prober: true}, "p-us": {Prober: true}, "p-ap": {Prober: true}} {
		text, err := os.ReadFile(source.Path("deploy/regions/hosts/" + name + ".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := roles.Load(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, f := range c.Check(role, time.Now()) {
			if f.Severity == doctor.Bad {
				t.Errorf("%s: %s: %s", name, f.Subject, f.Text)
			}
		}
	}
}
