package node

import (
	"encoding/hex"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/faults"
)

// hops is how many requests fetch makes when redirects never end: one, and the 20 that it follows.
const hops = 21

// lenient are the clients that take a body whose chunks end too early for whole.
var lenient = map[string]bool{"node18 fetch": true, "node20 fetch": true}

// TestFaultsOfClients: node:http(s), fetch and undici, in three versions of Node, against servers
// that break in every phase. Each request is counted once, under its target, and nothing else is
// counted, such as the agent's own requests. docs/outcomes.md has what Node 20 shows.
func TestFaultsOfClients(t *testing.T) {
	servers := faults.Start(t)
	seen := make(faults.Seen)
	for version, clients := range map[string][]string{
		"node18": {"node:http", "fetch"},
		"node20": {"node:http", "fetch", "undici.fetch", "undici.request"},
		"node22": {"node:http", "fetch", "undici.fetch", "undici.request"},
	} {
		for _, client := range clients {
			t.Run(version+" "+client, func(t *testing.T) {
				got := faultsOf(t, servers, version, client)
				if version == "node20" {
					seen[client] = got
				}
			})
		}
	}
	if !t.Failed() {
		servers.Check(t, "Node.js", seen)
	}
}

// faultsOf returns the outcome that a client's failures are counted with.
func faultsOf(t *testing.T, servers *faults.Servers, version, client string) map[string]report.Outcome {
	s := newSite(t)
	args := []string{s.Policy, filepath.Join(t.TempDir(), "spool"), client}
	for _, f := range servers.Faults {
		args = append(args, f.URL, strconv.FormatInt(f.Patience().Milliseconds(), 10))
	}
	node := "node"
	if runtime.GOARCH == "amd64" {
		node = filepath.Join(project, "node_modules", version, "bin/node")
	}
	out, _ := runWith(t, []string{"NODE_EXTRA_CA_CERTS=" + servers.Authority}, node, 0, "faults.js", args...)
	follows := strings.HasSuffix(client, "fetch")
	want := float64(len(servers.Faults))
	if follows {
		want += hops - 1
	}
	all := s.Counts(want)
	got := make(map[string]report.Outcome)
	for _, f := range servers.Faults {
		o := f.Go
		switch {
		case f.Name == "name that does not exist" && !faults.Resolves():
			o = report.DNSFailed
		case f.Name == "closed in a chunk" && lenient[version+" "+client]:
			o = report.OK
		case f.Name == "no end of the body" && client == "undici.request":
			o = report.Abandoned // undici does not say why its caller gave up
		case f.Name == "redirects without end" && !follows:
			o = report.OK
		}
		got[f.Name] = o
		if f.Name == "reset in the body" && strings.Contains(line(out, f.URL), "UND_ERR_SOCKET") {
			// Node itself took the reset for an end, as it does when it is slow
			o = report.HTTPContentLengthMismatch
		}
		expected := map[report.Outcome]float64{o: 1}
		if f.Name == "redirects without end" && follows {
			expected[report.OK] = hops - 1
		}
		if !equal(all[f.URL], expected) {
			t.Errorf("%s: counted as %v, want %v; the client saw:\n%s", f.Name, all[f.URL], expected, line(out, f.URL))
		}
		delete(all, f.URL)
	}
	if len(all) > 0 {
		t.Errorf("also counted: %v", all)
	}
	checkSamples(s)
	return got
}

// checkSamples looks at what is told in detail: no query, and the trace that the request
// belonged to.
func checkSamples(s *site) {
	s.Helper()
	for _, sample := range s.Samples(1) {
		if strings.Contains(sample.URL, "1234") || sample.App != "node-test" || sample.Version != "1.2.3" || sample.Method != "GET" ||
			hex.EncodeToString(sample.TraceID[:]) != "0af7651916cd43dd8448eb211c80319c" {
			s.Errorf("%+v", sample)
		}
	}
}

func equal(a, b map[report.Outcome]float64) bool {
	for o, n := range b {
		if a[o] != n {
			return false
		}
	}
	return len(a) == len(b)
}

// line returns the line of out about a target.
func line(out, target string) string {
	for l := range strings.Lines(out) {
		if strings.HasPrefix(l, target+" ") {
			return l
		}
	}
	return out
}
