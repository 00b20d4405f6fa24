package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/netns"
	"github.com/heliograph-net/heliograph/tests/source"
)

// hostAddresses stand for the hosts of the pages: each has a loopback address of its own in a
// network namespace that nobody else uses, so that all have the ports that they have in earnest.
var hostAddresses = map[string]string{"c1": "127.0.1.1", "c2": "127.0.1.2", "c3": "127.0.1.3", "watch": "127.0.0.1", "fra-1": "127.0.1.4", "nyc-1": "127.0.1.5"}

// pages are typed one after the other, each on the installation that the one before has left.
var pages = []string{"docs/operate.md", "docs/runbooks/key-rotation.md", "docs/backup.md", "docs/upgrade.md", "docs/runbooks/lost-host.md"}

// walk types what pages say, in one directory. Each host has its files in a directory below it.
type walk struct {
	*site
	replace *strings.Replacer // names in the pages by what stands for them here
	started map[string]*process
	fetched int            // requests that failed and whose reports are in the store
	copies  map[string]int // fetched as of each copy of the store
}

// fences are the lines to type, on the operator's machine or on a host, and files to write.
var fences = regexp.MustCompile("(?ms)^```(sh|sh host=(\\S+)|yaml file=(\\S+))\n(.*?)^```$")

// TestOperateAsTheDocsSay types the pages that say how to run an installation: five hosts from
// nothing, every key rotated, a store backed up and restored, every service restarted, a collector
// replaced. After each change a report arrives; at the end two vantages still see their target.
func TestOperateAsTheDocsSay(t *testing.T) {
	if !netns.Own(t, binaryEnv+"="+binary) {
		return
	}
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer target.Close()
	w := &walk{site: &site{t: t, binary: binary, dir: t.TempDir(), dashboard: "127.0.0.1:8418"}, started: map[string]*process{}, copies: map[string]int{},
		replace: strings.NewReplacer("https://c1.example.net", "http://127.0.1.1:8417", "https://c2.example.org", "http://127.0.1.2:8417",
			"https://c3.example.net", "http://127.0.1.3:8417", "https://web-1.example.com", target.URL)}
	for _, name := range pages {
		page, err := os.ReadFile(filepath.Join(source.Root, name))
		if err != nil {
			t.Fatal(err)
		}
		found := fences.FindAllStringSubmatch(string(page), -1)
		if len(found) == 0 {
			t.Errorf("%s has nothing to type", name)
		}
		for _, fence := range found {
			w.fence(fence[2], fence[3], w.replace.Replace(fence[4]))
		}
	}
	if len(w.started) != len(hostAddresses) {
		t.Errorf("%d processes run, want one on each of %d hosts", len(w.started), len(hostAddresses))
	}
	w.within(3*wait, "the probers' target to be up", w.targetIsUp) // results wait for half a minute when all is well
}

// fence types the lines of a fence on a host, or writes a file.
func (w *walk) fence(host, file, text string) {
	w.t.Helper()
	if file != "" {
		w.write(file, text)
		return
	}
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "sudo ") // the test owns all that it has
		if host != "" {
			line = strings.ReplaceAll(line, "/var/lib/heliograph", "heliograph-"+host)
		}
		w.enter(host, line)
	}
}

// wait is longer than anything takes on a busy machine.
const wait = time.Minute

// write puts a file of the page into the directory. Where a host listens is particular to
// this test.
func (w *walk) write(name, text string) {
	w.t.Helper()
	host := strings.TrimSuffix(filepath.Base(name), ".yaml")
	text += fmt.Sprintf("operations: {listen: \"%s:8419\"}\n", hostAddresses[host])
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// enter types a command and checks what the page promises of it.
func (w *walk) enter(host, line string) {
	w.t.Helper()
	words := strings.Fields(line)
	switch {
	case words[0] == "tar":
		w.shell(0, line)
	case words[0] == "systemctl":
		w.systemctl(host, words[1], strings.TrimPrefix(words[2], "heliograph-"))
	case words[1] == "init":
		w.shell(0, line)
		for _, collector := range []string{"c1", "c2", "c3"} {
			w.write("operator/hosts/"+collector+".yaml", "")
		}
	case len(words) == 4 && words[2] == "--config":
		w.service(strings.TrimPrefix(filepath.Dir(words[3]), "heliograph-"), words[1])
	case words[1] == "get":
		w.shell(1, line) // the request fails, as it is to
		w.fetched++
	case words[1] == "backup":
		w.shell(0, line)
		w.copies[words[len(words)-1]] = w.fetched
	case words[1] == "restore":
		w.shell(0, line)
		w.fetched = w.copies[words[len(words)-1]]
	case words[1] == "query":
		w.within(wait, "the reports in the totals", func() error { return w.reported(w.shell(0, line)) })
	default:
		w.shell(0, line)
	}
}

// reported returns an error unless totals have every request that was reported. They may have more
// after a copy was restored, if a collector still had what came after it.
func (w *walk) reported(totals string) error {
	for line := range strings.Lines(totals) {
		words := strings.Fields(line) // type, target, ok, failed, clients
		if len(words) < 5 || words[0] != "tcp.refused" || words[1] != "http://127.0.0.1:9" {
			continue
		}
		if n, err := strconv.Atoi(words[3]); err == nil && n >= w.fetched {
			return nil
		}
	}
	return fmt.Errorf("query says %q, want %d requests that were refused", totals, w.fetched)
}

// systemctl does what systemd would with the unit of a role.
func (w *walk) systemctl(host, verb, role string) {
	w.t.Helper()
	p := w.started[host]
	switch verb {
	case "start":
		w.service(host, role)
	case "stop":
		p.stop()
	case "restart":
		p.stop()
		w.service(host, role)
	case "reload":
		w.hangup(p, `"reloaded"`)
		if strings.Contains(p.logs.String(), notReloaded) {
			w.t.Errorf("%s did not reload: %s", host, p.logs)
		}
	default:
		w.t.Errorf("systemctl %s is nothing that the test knows", verb)
	}
}

// shell runs a line to its end and returns what it printed.
func (w *walk) shell(code int, line string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), wait)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"), "HOME="+w.dir, "XDG_CACHE_HOME="+w.dir+"/cache")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		w.t.Fatalf("%s: %v, want exit code %d:\n%s", line, err, code, out)
	}
	return string(out)
}

// service starts the service of a host and waits until it lives.
func (w *walk) service(host, role string) {
	w.t.Helper()
	args := []string{role, "--config", "heliograph-" + host + "/heliograph.yaml"}
	cmd := exec.Command(binary, args...)
	cmd.Dir = w.dir
	p := startProcess(w.t, cmd)
	w.started[host] = p
	w.within(wait, host+" to live", func() error {
		select {
		case <-p.done:
			w.t.Fatalf("%v ended: %s", args, p.logs)
		default:
		}
		_, err := w.get("http://" + hostAddresses[host] + ":8419/health/live")
		return err
	})
}

// targetIsUp asks the detector for what the probers found, which came through the collectors, and
// whether it believes both.
func (w *walk) targetIsUp() error {
	var servers struct{ Total, Up int }
	b, err := w.get("http://" + w.dashboard + "/api/v1/servers")
	if err == nil {
		err = json.Unmarshal(b, &servers)
	}
	if err != nil || servers.Up != 1 {
		return fmt.Errorf("servers: %s, %w", b, err)
	}
	metrics, err := w.get("http://127.0.0.1:8419/metrics")
	if err == nil && !strings.Contains(string(metrics), "heliograph_detector_unknown_vantage_results_total 0") {
		err = errors.New("the detector does not believe a prober")
	}
	return err
}
