package browser

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/wasm"
)

// rig is what the tests of the browser agent share: an authority, a collector with a detector, a
// site, and one browser. Each test has an origin, an application name and a gate of its own, so
// that none sees another's.
type rig struct {
	ca    *devca.CA
	cert  tls.Certificate // for every name
	node  *roles.Process
	dir   string // of node
	site  *site
	chrom context.Context

	count atomic.Uint64 // makes names unique under -count
}

// resolverRules give every name of the tests a loopback address.
const resolverRules = "MAP gate.shop.test 127.0.0.3,MAP *.shop.test 127.0.0.1,MAP *.svc.test 127.0.0.1"

// TestMain stops what the tests share when they have ended.
func TestMain(m *testing.M) {
	code := m.Run()
	sharedLife.stop()
	os.Exit(code)
}

// life runs clean-ups at the end of the whole run. It stands in for a test, whose clean-ups would
// come too early.
type life struct {
	mu    sync.Mutex
	steps []func() // guarded by mu
}

var sharedLife life

func (l *life) onEnd(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.steps = append(l.steps, f)
}

func (l *life) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.steps) - 1; i >= 0; i-- {
		l.steps[i]()
	}
	l.steps = nil
}

var sharedRig = sync.OnceValues(newRig)

// shared is the rig, started when the first test asks for it.
func shared(t *testing.T) *rig {
	t.Helper()
	if _, err := wasm.Handler(wasm.Files()); err != nil {
		t.Fatalf("%v: run make wasm, then the tests again", err)
	}
	r, err := sharedRig()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newRig() (r *rig, err error) {
	r = &rig{}
	if r.ca, err = devca.New("Browser agent test authority"); err != nil {
		return nil, err
	}
	if r.cert, err = r.ca.Issue(time.Now().Add(time.Hour), "*.shop.test", "*.svc.test"); err != nil {
		return nil, err
	}
	if r.dir, err = os.MkdirTemp("", "heliograph-browser-"); err != nil {
		return nil, err
	}
	dir := r.dir
	sharedLife.onEnd(func() { _ = os.RemoveAll(dir) })
	r.dir = filepath.Join(r.dir, "node")
	if r.node, err = agentNode(r.dir); err != nil {
		return nil, err
	}
	if r.site, err = newSite(r.cert); err != nil {
		return nil, err
	}
	sharedLife.onEnd(r.site.Close)
	home := filepath.Join(dir, "home")
	if err := trust(home, r.ca); err != nil {
		return nil, err
	}
	var stop func()
	if r.chrom, stop, err = startChromium(context.Background(), home); err != nil {
		return nil, err
	}
	sharedLife.onEnd(stop)
	return r, nil
}

// agentNode is a collector and a detector in one process. Gates stand before the collector.
func agentNode(dir string) (*roles.Process, error) {
	config := `collector: {listen: "127.0.0.1:0", oblivious_keys: [keys/oblivious.pem]}
dashboard: {listen: "127.0.0.1:0", least_clients: 1}
operations: {listen: "127.0.0.1:0"}
`
	if err := roles.Init(dir, roles.InitOptions{Config: []byte(config)}); err != nil {
		return nil, err
	}
	c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		return nil, err
	}
	n, err := roles.New(context.Background(), roles.Options{Config: c, Roles: roles.Roles{Collector: true, Detector: true}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	stop := lifecycle.Background(n.Run)
	sharedLife.onEnd(func() { _ = stop() })
	return n, nil
}

// fixture is one test's own part of the rig.
type fixture struct {
	t      *testing.T
	rig    *rig
	app    string // its application name and the first label of its hosts
	origin string // of its pages
	gate   *gate  // its way to the collector
	refuse string // origin of its service that refuses connections
}

// newFixture makes an origin with a policy whose collector is reached through a gate. More
// collectors of the policy go before it: URLs.
func newFixture(t *testing.T, before ...string) *fixture {
	t.Helper()
	r := shared(t)
	app := fmt.Sprintf("%s-%d", strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())), r.count.Add(1))
	f := &fixture{t: t, rig: r, app: app, gate: newGate(t, r)}
	f.origin = r.site.origin(app + ".shop.test")
	f.refuse = "https://" + app + ".svc.test:" + closedPortNumber(t)
	r.site.setPolicy(app, signPolicy(t, r.dir, app, append(before, f.gate.URL())...))
	return f
}

// closedPortNumber is the port of an address on which nobody can listen.
func closedPortNumber(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(probetest.ClosedPort(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// signPolicy signs a policy for collectors at urls, the preferred first: NAME-1, NAME-2 and so on,
// the last c1. All have the node's receipt key. Every window is kept, so that totals are exact and
// no coin decides over a test.
func signPolicy(t *testing.T, dir, name string, urls ...string) []byte {
	t.Helper()
	var b strings.Builder
	fmt.Fprint(&b, "version: 2\nsuccess_fraction: 1\nseal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\ncollectors:\n")
	for i, url := range urls {
		id := "c1"
		if i < len(urls)-1 {
			id = fmt.Sprintf("%s-%d", name, i+1)
		}
		fmt.Fprintf(&b, "  - {id: %s, url: %q, priority: %d, weight: 1, receipt_key: keys/receipt.pub.pem}\n", id, url, i+1)
	}
	file := filepath.Join(dir, "policy-"+name+".yaml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	signed, err := roles.SignPolicyFile(file, filepath.Join(dir, "keys/policy.pem"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// counts are requests or application errors by outcome.
type counts map[string]float64

// stored is what the store holds of the fixture's application.
func (f *fixture) stored() counts {
	f.t.Helper()
	return storedOf(f.t, f.rig.node.Store, f.app)
}

func storedOf(t *testing.T, store model.Reader, app string) counts {
	t.Helper()
	since := time.Now().Add(-12 * time.Hour)
	totals, err := store.Totals(t.Context(), model.TotalsQuery{Since: since, By: model.DimensionsOf(model.ByApp, model.ByOutcome)})
	if err != nil {
		t.Fatal(err)
	}
	c := counts{}
	for _, total := range totals {
		if total.Key.App == app {
			c[string(total.Key.Outcome)] += total.OK + total.Failed
		}
	}
	samples, err := store.Samples(t.Context(), model.SampleQuery{Type: "app", Since: since, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for i := range samples {
		if samples[i].App == app {
			c[string(samples[i].Outcome)] += float64(samples[i].Error.Count)
		}
	}
	return c
}

// samples are the single requests that the store holds of the fixture's application.
func (f *fixture) samples() (urls []string) {
	f.t.Helper()
	samples, err := f.rig.node.Store.Samples(f.t.Context(), model.SampleQuery{Since: time.Now().Add(-time.Hour), Limit: 1000})
	if err != nil {
		f.t.Fatal(err)
	}
	for i := range samples {
		if samples[i].App == f.app {
			urls = append(urls, samples[i].URL)
		}
	}
	return urls
}

// deliveriesFailed counts the attempts at a collector that failed, as the uploads to others tell.
func (f *fixture) deliveriesFailed(collector string) (n float64) {
	f.t.Helper()
	totals, err := f.rig.node.Store.Totals(f.t.Context(), model.TotalsQuery{Since: time.Now().Add(-time.Hour), By: model.DimensionsOf(model.ByTarget), Delivery: true})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, total := range totals {
		if total.Key.Target == model.CollectorTarget+collector {
			n += total.Failed
		}
	}
	return n
}

// awaitStored waits until the store holds exactly want of the fixture's application. More than that
// fails at once.
func (f *fixture) awaitStored(want counts) {
	f.t.Helper()
	awaitStored(f.t, f.rig.node.Store, f.app, want)
}

func awaitStored(t *testing.T, store model.Reader, app string, want counts) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		got := storedOf(t, store, app)
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
		for kind, n := range got {
			if n > want[kind] {
				t.Fatalf("the store has %v, want %v: more than happened", got, want)
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the store has %v, want %v", got, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// patience bounds every wait for something that must come.
const patience = 60 * time.Second

// startChromium starts a browser with a profile in home. stop closes it.
func startChromium(parent context.Context, home string, flags ...chromedp.ExecAllocatorOption) (ctx context.Context, stop func(), err error) {
	flags = append(flags, chromedp.Flag("host-resolver-rules", resolverRules))
	return launch(parent, home, flags...)
}
