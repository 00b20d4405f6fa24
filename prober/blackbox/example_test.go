package blackbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/heliograph-net/heliograph/prober/blackbox"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
)

func Example() {
	service := httptest.NewServer(http.NotFoundHandler())
	defer service.Close()
	handler := blackbox.New(blackbox.Options{Probe: func(module, target, hostname string) (p blackbox.Probe, err error) {
		spec := &httpprobe.Options{URL: target}
		p.Kind = spec.Kind()
		p.Func, err = spec.Probe(probe.Env{})
		return p, err
	}})
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/probe?module=http_2xx&target="+service.URL, nil))
	for line := range strings.Lines(answer.Body.String()) {
		if strings.HasPrefix(line, "probe_success") || strings.HasPrefix(line, "probe_http_status_code") {
			fmt.Print(line)
		}
	}
	// Output:
	// probe_http_status_code 404
	// probe_success 0
}
