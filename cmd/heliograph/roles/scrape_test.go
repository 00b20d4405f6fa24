package roles

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/prober/blackbox"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

func TestScrapesUseTheModules(t *testing.T) {
	var host string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host = r.Host
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	c, err := parse("h.yaml", []byte("prober: {modules: {teapot: {prober: http, timeout: 3s, http: {valid_status_codes: [418]}}}}"))
	if err != nil {
		t.Fatal(err)
	}
	s := &scrape{config: c}
	ask := func(module, target, hostname string) report.Outcome {
		t.Helper()
		p, err := s.probe(module, target, hostname)
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.Func(probe.WithDetails(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		return r.Outcome
	}
	if got := ask("teapot", server.URL, "pot.example"); got != report.OK || host != "pot.example" {
		t.Errorf("teapot: %s, asked for %q", got, host)
	}
	if got := ask(blackbox.DefaultModule, server.URL, ""); got != report.HTTPError {
		t.Errorf("without any module: %s", got)
	}
	if got := ask("tcp_connect", server.Listener.Addr().String(), "pot.example"); got != report.OK {
		t.Errorf("tcp_connect: %s", got)
	}
	if _, err := s.probe("kettle", server.URL, ""); !errors.Is(err, blackbox.ErrModule) {
		t.Errorf("an unknown module: %v", err)
	}
	if _, err := s.probe("tcp_connect", "no port", ""); err == nil {
		t.Error("an address without port was taken")
	}
}

func TestModulesComeFromAFileOfBlackboxExporter(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := strings.ReplaceAll(strings.TrimPrefix(modules, "prober:\n"), "\n  ", "\n")
	write("blackbox.yml", strings.TrimPrefix(file, "  "))
	main := write("h.yaml", `prober: {modules_file: blackbox.yml, targets: [{name: web, module: http_2xx, target: web.example}]}`)
	c, err := Load(main)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Prober.Modules) != 5 || c.Prober.Targets[0].Spec == nil {
		t.Errorf("modules are %v", c.Prober.Modules)
	}
	for text, want := range map[string]string{
		"modules:\n  web:\n    prober: http\n    http:\n      method: GET\n      body_size_limit: 1MB\n": "blackbox.yml:6: modules.web.http.body_size_limit: unknown field",
		"modules:\n  ping:\n    prober: unix\n":                                                          "blackbox.yml:3: modules.ping.prober: want http",
		"modules: {}\nrules: 1\n":                                                                        "blackbox.yml:[2:1] unknown field \"rules\"",
		"modules:\n  web: {prober: http, timeout: x}\n":                                                  "modules.web.timeout: want a duration",
	} {
		write("blackbox.yml", text)
		if _, err := Load(main); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestProcessAnswersScrapes(t *testing.T) {
	s := newProberSite(t)
	s.edit("prober:\n", "prober:\n  scrape: {listen: \"127.0.0.1:0\"}\n")
	p, stop, _ := s.start(Roles{Collector: true, Detector: true, Prober: true})
	defer func() { _ = stop() }()
	body := get(t, "http://"+p.ScrapeAddr+"/probe?module=tcp_connect&target="+s.target.Addr().String())
	if !strings.Contains(body, "\nprobe_success 1\n") {
		t.Errorf("the scrape answers %s", body)
	}
	refusesForeignHosts(t, p.ScrapeAddr, p.OperationsAddr, p.DashboardAddr)
}

// refusesForeignHosts checks that listeners answer to no name that somebody else's page may have
// pointed at them.
func refusesForeignHosts(t *testing.T, addresses ...string) {
	t.Helper()
	for _, address := range addresses {
		for _, host := range []string{"evil.example", "evil.example:8419", "127.0.0.1.evil.example", "localhost.evil.example", "xn--localhost-.example"} {
			for _, path := range []string{"/", "/metrics", "/health/ready", "/debug/pprof/heap", "/log/level", "/probe?target=x", "/api/v1/now"} {
				for _, method := range []string{"GET", "PUT"} {
					req, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, strings.NewReader("debug"))
					if err != nil {
						t.Fatal(err)
					}
					req.Host = host
					resp, err := http.DefaultClient.Do(req)
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
					if resp.StatusCode != http.StatusMisdirectedRequest {
						t.Errorf("%s %s of %s for host %s: status %d, want 421", method, path, address, host, resp.StatusCode)
					}
				}
			}
		}
	}
}

// What Prometheus asks for again is made once, and not without bound.
func TestProbesOfScrapesAreKept(t *testing.T) {
	s := &scrape{config: &Config{}, made: map[scraped]blackbox.Probe{}}
	for i := range maxMade {
		s.made[scraped{target: fmt.Sprint(i)}] = blackbox.Probe{}
	}
	for range 2 {
		if p, err := s.probe("tcp_connect", "a:1", ""); err != nil || p.Kind != "tcp" || len(s.made) != 1 {
			t.Errorf("%+v, %v, %d probes are kept", p, err, len(s.made))
		}
	}
}
