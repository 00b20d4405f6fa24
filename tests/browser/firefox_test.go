package browser

import (
	"path/filepath"
	"testing"
)

// TestFirefox: Firefox ESR runs the same shim and module. Pages and collector are plain HTTP on loopback, which browsers trust and policies allow, so that
// no certificate has to be trusted. Without consent nothing happens; with it failures arrive once, also those that a killed browser kept.
func TestFirefox(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	gate := newPlainGate(t, f.rig)
	f.origin = f.rig.site.plain
	f.rig.site.setPolicy(f.app, signPolicy(t, f.rig.dir, f.app, gate.URL()))
	refuse := "http://" + closedPort(t) + "/checkout/48151623?card=query-secret"
	profile := filepath.Join(t.TempDir(), "profile")

	browser := startFirefox(t, profile)
	tab := browser.open(f.pageURL("none", ""))
	browser.eval(tab, `begin("off")`)
	browser.eval(tab, "fail(2, %q)", refuse)
	if names := browser.eval(tab, "databases()"); len(names.([]any)) != 0 || len(gate.Requests()) != 0 {
		t.Errorf("without consent: databases %v, asked of the collector: %v", names, gate.Requests())
	}
	browser.eval(tab, `h.setConsent("diagnostics")`)
	browser.eval(tab, "fail(3, %q)", refuse)
	browser.eval(tab, `Promise.all([fetch("/api/status/503"), fetch("/api/slow", { signal: AbortSignal.timeout(50) }).catch(() => {})])`)
	browser.eval(tab, "h.captureError(new TypeError('message-secret'))")
	browser.eval(tab, "h.flush()")
	f.awaitStored(counts{"network.failed": 3, "http.error": 1, "network.timed_out": 1, "app.error": 1})

	gate.Close()
	browser.eval(tab, "fail(4, %q)", refuse)
	browser.eval(tab, "h.flush()")
	await(t, "a segment waits", func() bool {
		n, _ := browser.eval(tab, "h.stats().then((s) => s.agent?.pending)").(float64)
		return n > 0
	})
	for _, word := range secrets {
		if found := browser.eval(tab, "dump().then((d) => d.includes(%q))", word); found != false {
			t.Errorf("%q is in the database", word)
		}
	}
	browser.Kill()

	gate.Open()
	browser = startFirefox(t, profile)
	tab = browser.open(f.pageURL("none", "diagnostics"))
	browser.eval(tab, "fail(1, %q)", refuse)
	browser.eval(tab, "h.flush()")
	f.awaitStored(counts{"network.failed": 8, "http.error": 1, "network.timed_out": 1, "app.error": 1})
}
