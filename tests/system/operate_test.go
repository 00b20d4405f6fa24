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
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/netns"
	"github.com/heliograph-net/heliograph/tests/source"
)

// hostAddresses stand for the hosts of docs/operate.md: each has a loopback address of its own in a
// network namespace that nobody else uses, so that all have the ports that they have in earnest.
var hostAddresses = map[string]string{"c1": "127.0.1.1", "c2": "127.0.1.2", "watch": "127.0.0.1", "fra-1": "127.0.1.4", "nyc-1": "127.0.1.5"}

// walk types what a page of docs says, in a directory.
type walk struct {
	*site
	replace *strings.Replacer // names in the page by what stands for them here
	started map[string]*process
}

var fences = regexp.MustCompile("(?ms)^```(sh|yaml file=\\S+)\n(.*?)^```$")

// TestOperateAsTheDocsSay types docs/operate.md: five hosts from nothing, a report that arrives,
// and a target that two vantages see.
func TestOperateAsTheDocsSay(t *testing.T) {
	if !netns.Own(t, binaryEnv+"="+binary) {
		return
	}
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer target.Close()
	w := &walk{site: &site{t: t, binary: binary, dir: t.TempDir(), dashboard: "127.0.0.1:8418"}, started: map[string]*process{},
		replace: strings.NewReplacer("https://c1.example.net", "http://127.0.1.1:8417", "https://c2.example.org", "http://127.0.1.2:8417",
			"https://web-1.example.com", target.URL)}
	page, err := os.ReadFile(filepath.Join(source.Root, "docs/operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, fence := range fences.FindAllStringSubmatch(string(page), -1) {
		text := w.replace.Replace(fence[2])
		if name, ok := strings.CutPrefix(fence[1], "yaml file="); ok {
			w.write(name, text)
			continue
		}
		for line := range strings.Lines(text) {
			w.enter(strings.TrimSpace(line))
		}
	}
	if len(w.started) != len(hostAddresses) {
		t.Errorf("%d processes run, want one on each of %d hosts", len(w.started), len(hostAddresses))
	}
	w.within(wait, "the probers' target to be up", w.targetIsUp)
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
func (w *walk) enter(line string) {
	w.t.Helper()
	words := strings.Fields(line)
	switch {
	case words[0] == "tar":
		w.shell(0, line)
	case words[1] == "init":
		w.shell(0, line)
		w.write("operator/hosts/c1.yaml", "")
		w.write("operator/hosts/c2.yaml", "")
	case len(words) == 4 && words[2] == "--config":
		w.service(words[1:])
	case words[1] == "get":
		w.shell(1, line) // the request fails, as it is to
	case words[1] == "query":
		w.within(wait, "the report in the totals", func() error {
			if out := w.shell(0, line); !strings.Contains(out, "tcp.refused") || !strings.Contains(out, "http://127.0.0.1:9") {
				return fmt.Errorf("query says %q", out)
			}
			return nil
		})
	default:
		w.shell(0, line)
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

// service starts a service of the page and waits until it lives.
func (w *walk) service(args []string) {
	w.t.Helper()
	host := strings.TrimPrefix(filepath.Dir(args[2]), "heliograph-")
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
