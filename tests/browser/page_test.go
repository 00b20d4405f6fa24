package browser

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

// TestPageIsLive: the page over a real pipeline shows a server that is down and, without a reload,
// a failure that an agent reports. Nothing goes to its console: no script error, no refusal by its
// own content security policy.
func TestPageIsLive(t *testing.T) {
	closed := probetest.ClosedPort(t)
	dir, start := pageNode(t, closed)
	node := start()

	ca, err := devca.New("Page test authority")
	if err != nil {
		t.Fatal(err)
	}
	ctx := chromium(t, ca)
	console := chromedp.Console(ctx)
	text := func(want string) {
		t.Helper()
		pageHas(t, ctx, fmt.Sprintf(`document.body.innerText.includes(%q)`, want))
	}
	if err := chromedp.Do(ctx, chromedp.Navigate("http://"+node.DashboardAddr+"/")); err != nil {
		t.Fatal(err)
	}
	text("1 down")
	text("No reports yet; probes reach none of 1 server")
	reportRefused(t, dir, closed)
	// What is lacking is said before the first bin is judged, and by the judgement then.
	pageHas(t, ctx, fmt.Sprintf(`["too few to judge (3 needed)", "too early to judge (known for less than 5 min)"].some(why =>
		document.body.innerText.includes("1 of 1 request to http://%s failed, 1 client: " + why))`, closed))
	text("tcp.refused")
	text("/checkout/:id")
	pageHas(t, ctx, fmt.Sprintf(`document.querySelector(".panel-samples a[href='https://traces.example/trace/%s']") !== null`, traceID))
	// A link to a view that there is not shows the first, and the page goes on.
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](`location.hash = "#/gone"`)); err != nil {
		t.Fatal(err)
	}
	text("tcp.refused")
	const last = "the test's own last word"
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`console.log(%q)`, last))); err != nil {
		t.Fatal(err)
	}
	for m, err := range console {
		if err != nil {
			t.Fatalf("reading the console: %v", err)
		}
		if m.Text == last {
			break
		}
		t.Errorf("the page's console says: %s %s", m.Type, m.Text)
	}
}

// pageNode makes a configuration with one target, at an address where nothing listens, and returns
// its directory and a function that starts a detector, a collector and a prober with it.
func pageNode(t *testing.T, closed string) (dir string, start func() *roles.Process) {
	t.Helper()
	collector := freePort(t)
	dir = filepath.Join(t.TempDir(), "d")
	err := roles.Init(dir, roles.InitOptions{
		Config: fmt.Appendf(nil, `collector: {listen: %q}
dashboard: {listen: "127.0.0.1:0", least_clients: 1, trace_url: "https://traces.example/trace/{trace_id}"}
operations: {listen: "127.0.0.1:0"}
prober: {interval: 100ms, timeout: 1s, targets: [{name: web-1, tcp: %q, data_centre: east, cluster: web, row: r1}]}
`, collector, closed),
		Policy: fmt.Appendf(nil, `seal_key: keys/seal.pem
signers: [keys/policy.pub.pem]
collectors: [{id: c1, url: "http://%s", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}]
`, collector),
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir, func() *roles.Process {
		c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
		if err != nil {
			t.Fatal(err)
		}
		node, err := roles.New(t.Context(), roles.Options{Config: c, Roles: roles.Roles{Collector: true, Detector: true, Prober: true}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		stop := lifecycle.Background(node.Run)
		t.Cleanup(func() { _ = stop() })
		return node
	}
}

// pageHas waits until an expression is true in the page.
func pageHas(t *testing.T, ctx context.Context, js string) {
	t.Helper()
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(bounded, chromedp.Poll[bool](js, chromedp.WithPollingTimeout(0))); err != nil {
		all, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
		t.Fatalf("never true of the page: %s (%v); it says: %s", js, err, all)
	}
}

// traceID is that of the request of reportRefused.
const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"

// reportRefused runs an application with an agent in it that asks an address where nothing listens.
func reportRefused(t *testing.T, dir, address string) {
	t.Helper()
	policy, err := os.ReadFile(filepath.Join(dir, "policy"))
	if err != nil {
		t.Fatal(err)
	}
	spool, err := diskspool.Open(filepath.Join(t.TempDir(), "spool"), diskspool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.New(agent.Options{App: "shop", Policy: policy, Consent: report.Diagnostics, Spool: spool,
		Transport: httpagent.NewTransport(httpagent.TransportOptions{})})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: httpagent.Wrap(a, http.DefaultTransport)}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/checkout/48151623", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("traceparent", "00-"+traceID+"-00f067aa0ba902b7-01")
	if _, err := client.Do(r); err == nil {
		t.Errorf("%s answers", address)
	}
	if err := a.Shutdown(t.Context()); err != nil {
		t.Errorf("delivering: %v", err)
	}
}

// freePort is an address on which the caller may listen. Until it does, so may anybody.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}
