package probes

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// prometheus starts a real Prometheus that scrapes both addresses for each probe, as jobs
// "theirs-0", "ours-0" and so on, and returns its address.
func prometheus(t *testing.T, theirs, ours string, all []scrape) string {
	t.Helper()
	type job map[string]any
	var jobs []job
	for i, s := range all {
		for who, addr := range map[string]string{"theirs": theirs, "ours": ours} {
			jobs = append(jobs, job{"job_name": fmt.Sprintf("%s-%d", who, i), "metrics_path": "/probe",
				"params": map[string][]string{"module": {s.module}, "target": {s.target}}, "static_configs": []job{{"targets": []string{addr}}}})
		}
	}
	config, err := json.Marshal(job{"global": job{"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs})
	if err != nil {
		t.Fatal(err)
	}
	dir, addr := t.TempDir(), freeAddress(t)
	path := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(path, config, 0o600); err != nil { // JSON is YAML
		t.Fatal(err)
	}
	program(t, "http://"+addr+"/-/ready", "prometheus", "--config.file="+path, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	return addr
}

// ask answers a query of Prometheus' API into data.
func ask(t *testing.T, addr, path string, params url.Values, data any) {
	t.Helper()
	resp, err := http.Get("http://" + addr + path + "?" + params.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Status string
		Data   any
	}
	answer.Data = data
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Status != "success" {
		t.Fatalf("%s: %s, %v", path, answer.Status, err)
	}
}

// TestPrometheusGetsTheSameSeries: a Prometheus that scrapes a blackbox_exporter and this prober
// has the same series of both.
func TestPrometheusGetsTheSameSeries(t *testing.T) {
	config, err := filepath.Abs("testdata/blackbox.yml")
	if err != nil {
		t.Fatal(err)
	}
	all := targets(t)
	addr := prometheus(t, exporter(t, config), ours(t, config), all)
	until(t, "a scrape of each", func() bool {
		var up struct{ Result []json.RawMessage }
		ask(t, addr, "/api/v1/query", url.Values{"query": {`up{job=~"theirs-.*|ours-.*"} == 1`}}, &up)
		return len(up.Result) == 2*len(all)
	})
	for i, s := range all {
		theirs, mine := seriesOf(t, addr, fmt.Sprintf("theirs-%d", i)), seriesOf(t, addr, fmt.Sprintf("ours-%d", i))
		if len(theirs) < 6 {
			t.Errorf("%+v: %v only", s, theirs)
		}
		if !slices.Equal(theirs, mine) {
			t.Errorf("%+v: a Prometheus gets of blackbox_exporter\n%v\nand of this prober\n%v", s, theirs, mine)
		}
	}
}

// seriesOf are the series of a job, sorted, without those that only this prober has.
func seriesOf(t *testing.T, addr, job string) (all []string) {
	t.Helper()
	var found []map[string]string
	ask(t, addr, "/api/v1/series", url.Values{"match[]": {fmt.Sprintf(`{job=%q}`, job)}}, &found)
	for _, labels := range found {
		name := labels["__name__"]
		if !strings.HasPrefix(name, "probe_") || further(name) {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(labels)) {
			switch key {
			case "__name__", "job", "instance", "serialnumber":
			default:
				name += fmt.Sprintf(" %s=%q", key, labels[key])
			}
		}
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
