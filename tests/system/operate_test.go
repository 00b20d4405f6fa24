package system

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
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

// pages are typed one after the other, each on the installation that the one before has left.
var pages = []string{"docs/operate.md", "docs/runbooks/key-rotation.md", "docs/backup.md", "docs/upgrade.md", "docs/runbooks/lost-host.md"}

// hostNames are the hosts that the pages make, in the order in which they come up.
var hostNames = []string{"c1", "c2", "c3", "r1", "r2", "watch", "fra-1", "nyc-1", "lon-1"}

// walk types what pages say, in one directory. Each host has its files in a directory below it.
type walk struct {
	*site
	place
	started map[string]*unit
	fetched int            // requests that failed and whose reports are in the store
	copies  map[string]int // fetched as of each copy of the store
}

// place is where a walk has its hosts.
type place interface {
	// on calls f on a host: processes that f starts, and connections that it opens, are there. The
	// host "" is the operator's own machine.
	on(host string, f func() error) error
	// operations returns the address of a host's operations listener, for that host.
	operations(host, role string) string
	// text returns what stands here for the text of a page, and settings what more a host needs.
	text(page string) string
	settings(host, role string) string
	environment() []string // of all processes
}

// fences are the lines to type, on the operator's machine or on a host, and files to write.
var fences = regexp.MustCompile("(?ms)^```(sh|sh host=(\\S+)|yaml file=(\\S+))\n(.*?)^```$")

// TestOperateAsTheDocsSay types the pages that say how to run an installation: six hosts from
// nothing, and one that joins, every key rotated, a store backed up and restored, every service
// restarted, a collector, a prober and a relay replaced. After each change a report arrives; at the
// end two vantages still see their target. Each host has a network of its own, names are resolved,
// and certificates come from an ACME server: nothing of the pages is replaced. Where the kernel
// gives no networks, all hosts are addresses of one machine, and the log says so.
func TestOperateAsTheDocsSay(t *testing.T) {
	if at := separateHosts(t); at != nil {
		newWalk(t, at).pages(pages...)
	}
}

// TestOperateOnOneMachine types the first page where no host has a network of its own, as it is
// done when the kernel gives none.
func TestOperateOnOneMachine(t *testing.T) {
	switch where, err := netns.Enter(t, binaryEnv+"="+binary); where {
	case netns.Inside:
		newWalk(t, oneMachine(t)).pages(pages[0])
	case netns.None:
		t.Logf("the kernel gives no networks (%v): TestOperateAsTheDocsSay has typed it on this machine", err)
	}
}

func newWalk(t *testing.T, at place) *walk {
	return &walk{site: &site{t: t, binary: binary, dir: t.TempDir(), dashboard: "127.0.0.1:8418"}, place: at, started: map[string]*unit{}, copies: map[string]int{}}
}

// pages types pages, and checks that what they have made works.
func (w *walk) pages(names ...string) {
	w.t.Helper()
	for _, name := range names {
		began, typed := time.Now(), 0
		page, err := os.ReadFile(filepath.Join(source.Root, name))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, fence := range fences.FindAllStringSubmatch(string(page), -1) {
			typed += w.fence(fence[2], fence[3], w.text(fence[4]))
		}
		if typed == 0 {
			w.t.Errorf("%s has nothing to type", name)
		}
		w.t.Logf("%s: %d commands in %v", name, typed, time.Since(began).Round(time.Millisecond))
	}
	// Results wait for half a minute when all is well, but not if their prober ends.
	probers := 0
	for host, p := range w.started {
		if p.role == "prober" && p.running() {
			w.within(wait, host+" to have probed", func() error { return w.metric(host, p.role, `heliograph_prober_probes_total`) })
			p.stop()
			probers++
		}
	}
	if probers != 2 && len(names) > 1 {
		w.t.Errorf("%d probers run, want 2", probers)
	}
	w.within(wait, "the probers' target to be up", w.targetIsUp)
}

// fence types the lines of a fence on a host, or writes a file. It returns how many it has typed.
func (w *walk) fence(host, file, text string) (typed int) {
	w.t.Helper()
	if file != "" {
		w.write(file, text)
		return 0
	}
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "sudo ") // the test owns all that it has
		if host != "" {
			line = strings.NewReplacer("/var/lib/heliograph-relay", "heliograph-"+host, "/var/lib/heliograph", "heliograph-"+host).Replace(line)
		}
		w.enter(host, line)
		typed++
	}
	return typed
}

// wait is longer than anything takes on a busy machine.
const wait = 2 * time.Minute

// write puts a file of the page into the directory, with what the host needs here.
func (w *walk) write(name, text string) {
	w.t.Helper()
	host := strings.TrimSuffix(filepath.Base(name), ".yaml")
	if text += w.settings(host, roleOf(host)); text == "" {
		return
	}
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// roleOf returns the role of a host of the pages.
func roleOf(host string) string {
	switch {
	case host == "watch":
		return "detector"
	case host[0] == 'c':
		return "collector"
	case host[0] == 'r':
		return "relay"
	default:
		return "prober"
	}
}

// enter types a command and checks what the page promises of it.
func (w *walk) enter(host, line string) {
	w.t.Helper()
	words := strings.Fields(line)
	switch {
	case words[0] == "tar":
		w.shell(host, 0, line)
	case words[0] == "systemctl":
		w.systemctl(host, words[1], strings.TrimPrefix(words[2], "heliograph-"))
	case words[1] == "init":
		w.shell(host, 0, line)
		for _, name := range hostNames {
			w.write("operator/hosts/"+name+".yaml", "")
		}
	case len(words) == 4 && words[2] == "--config":
		w.service(strings.TrimPrefix(filepath.Dir(words[3]), "heliograph-"), words[1], words[3])
	case words[1] == "doctor":
		// the service does not exist here, but the collectors have to be in order
		w.sound(w.shell(host, 3, line))
	case words[1] == "get":
		w.shell(host, 1, line) // the request fails, as it is to
		w.fetched++
	case words[1] == "backup":
		w.shell(host, 0, line)
		w.copies[words[len(words)-1]] = w.fetched
	case words[1] == "restore":
		w.shell(host, 0, line)
		w.fetched = w.copies[words[len(words)-1]]
	case words[1] == "query":
		w.within(wait, "the reports in the totals", func() error { return w.reported(w.shell(host, 0, line)) })
	default:
		w.shell(host, 0, line)
	}
}

// sound checks that doctor finds nothing wrong with what collectors serve.
func (w *walk) sound(findings string) {
	w.t.Helper()
	judged := 0
	for line := range strings.Lines(findings) {
		if words := strings.Fields(line); len(words) > 2 && words[1] == "collector" {
			judged++
			if words[0] == "FAULT" {
				w.t.Errorf("doctor says %s", line)
			}
		}
	}
	if judged == 0 {
		w.t.Errorf("doctor says nothing of collectors:\n%s", findings)
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
	p, config := w.started[host], "heliograph-"+host+"/heliograph.yaml"
	if role == "relay" {
		config = "heliograph-" + host + "/relay.yaml"
	}
	switch verb {
	case "start":
		w.service(host, role, config)
	case "stop":
		p.stop()
	case "restart":
		p.stop()
		w.service(host, role, config)
	case "reload":
		w.hangup(p.process, `"reloaded"`)
		if strings.Contains(p.logs.String(), notReloaded) {
			w.t.Errorf("%s did not reload: %s", host, p.logs)
		}
	default:
		w.t.Errorf("systemctl %s is nothing that the test knows", verb)
	}
}

// shell runs a line on a host to its end and returns what it printed.
func (w *walk) shell(host string, code int, line string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), wait)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir = w.dir
	cmd.Env = append(append(os.Environ(), w.environment()...), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"), "HOME="+w.dir, "XDG_CACHE_HOME="+w.dir+"/cache")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := w.on(host, cmd.Start)
	if err == nil {
		err = cmd.Wait()
	}
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		w.t.Fatalf("%s: %v, want exit code %d:\n%s", line, err, code, &out)
	}
	return out.String()
}

// service starts the service of a host and waits until it lives.
func (w *walk) service(host, role, config string) {
	w.t.Helper()
	cmd := exec.Command(binary, role, "--config", config)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), w.environment()...)
	p := &unit{role: role}
	if err := w.on(host, func() error { p.process = startProcess(w.t, cmd); return nil }); err != nil {
		w.t.Fatal(err)
	}
	w.started[host] = p
	w.within(wait, host+" to live", func() error {
		if !p.running() {
			w.t.Fatalf("%s of %s ended: %s", role, host, p.logs)
		}
		_, err := w.ask(host, "http://"+w.operations(host, role)+"/health/live")
		return err
	})
}

// unit is the process of a host.
type unit struct {
	*process
	role string
}

func (p *unit) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// ask gets a URL on a host.
func (w *walk) ask(host, url string) ([]byte, error) {
	dial := func(ctx context.Context, network, address string) (c net.Conn, err error) {
		err = w.on(host, func() error { c, err = new(net.Dialer).DialContext(ctx, network, address); return err })
		return c, err
	}
	return getWith(&http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: wait}, url)
}

// metric returns an error unless a counter of a host is above zero.
func (w *walk) metric(host, role, name string) error {
	b, err := w.ask(host, "http://"+w.operations(host, role)+"/metrics")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		if text := strings.TrimSpace(line); strings.HasPrefix(text, name) && !strings.HasSuffix(text, " 0") {
			return nil
		}
	}
	return fmt.Errorf("%s has no %s above zero", host, name)
}

// targetIsUp asks the detector for what the probers found, which came through the collectors, and
// whether it believes all of them.
func (w *walk) targetIsUp() error {
	var servers struct{ Total, Up int }
	b, err := w.ask("watch", "http://"+w.dashboard+"/api/v1/servers")
	if err == nil {
		err = json.Unmarshal(b, &servers)
	}
	if err != nil || servers.Up != 1 {
		return fmt.Errorf("servers: %s, %w", b, err)
	}
	metrics, err := w.ask("watch", "http://"+w.operations("watch", "detector")+"/metrics")
	if err == nil && !strings.Contains(string(metrics), "heliograph_detector_unknown_vantage_results_total 0") {
		err = errors.New("the detector does not believe a prober")
	}
	return err
}
