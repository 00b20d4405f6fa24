// Package python tests the Python package as a program has it: a wheel built without a network,
// installed into fresh environments, real clients whose connections break, and a real collector and
// detector.
package python

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/faults"
	"github.com/heliograph-net/heliograph/tests/operator"
	"github.com/heliograph-net/heliograph/tests/source"
)

// system is Debian's interpreter: it has setuptools, and the clients of Debian's packages.
const system = "/usr/bin/python3"

// python is the interpreter of a fresh environment that has the wheel and sees Debian's packages.
var python, wheel string

// builtEnv tells a test that runs again in namespaces of its own that it needs no wheel.
const builtEnv = "HELIOGRAPH_PYTHON_BUILT"

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if os.Getenv(builtEnv) != "" {
			return m.Run()
		}
		dir, err := os.MkdirTemp("", "heliograph-python-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		if err := source.Read("bindings/python/*.*", "bindings/python/heliograph/*", "cmd/libheliograph/*.*"); err != nil {
			panic(err)
		}
		build := exec.Command(filepath.Join(source.Root, "bindings/python/build.sh"), dir)
		build.Stderr = os.Stderr
		out, err := build.Output()
		if err != nil {
			panic(fmt.Sprintf("building the wheel: %v", err))
		}
		wheel = strings.TrimSpace(string(out))
		if python, err = environment(filepath.Join(dir, "env"), "--system-site-packages"); err != nil {
			panic(err)
		}
		return m.Run()
	}())
}

// environment makes an environment that has the wheel.
func environment(dir string, options ...string) (python string, err error) {
	python = filepath.Join(dir, "bin/python")
	for _, command := range [][]string{
		append([]string{system, "-m", "venv", dir}, options...),
		{python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check", wheel},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %w: %s", command, err, out)
		}
	}
	return python, nil
}

// site is a collector and a detector in this process.
type site struct{ *operator.Site }

func newSite(t *testing.T) *site {
	t.Helper()
	return &site{operator.New(t)}
}

// targets returns what was counted, once there are n targets.
func (s *site) targets(n int) operator.Counts {
	s.Helper()
	return s.CountsOnce(func(all operator.Counts) bool { return len(all) >= n })
}

// run runs a program of testdata, and returns what it prints.
func run(t *testing.T, wantCode int, program string, args ...string) (stdout, stderr string) {
	t.Helper()
	return runOn(t, nil, wantCode, program, args...)
}

func runOn(t *testing.T, stdin []byte, wantCode int, program string, args ...string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, append([]string{filepath.Join("testdata", program)}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &errs
	_ = cmd.Run() // its code says it
	if code := cmd.ProcessState.ExitCode(); code != wantCode {
		t.Fatalf("%s: exit code %d: %s%s", program, code, &out, &errs)
	}
	return out.String(), errs.String()
}

// TestFaultsOfClients: requests, urllib3 and httpx, plain and asynchronous, against servers that
// break in every phase. Each request is counted once, under its target, with the outcome that
// docs/outcomes.md says, and nothing else is counted.
func TestFaultsOfClients(t *testing.T) {
	s := newSite(t)
	type faultCase struct {
		Target   string  `json:"target"`
		Patience float64 `json:"patience"`
	}
	type clientCases struct {
		Authority string      `json:"authority"`
		Cases     []faultCase `json:"cases"`
	}
	servers, input := make(map[string]*faults.Servers), make(map[string]*clientCases)
	for _, client := range []string{"requests", "urllib3", "httpx", "httpx async"} {
		f := faults.Start(t)
		c := &clientCases{Authority: f.Authority}
		for _, one := range f.Faults {
			if one.URL == faults.NoName && client != "requests" {
				continue // the target would be the same
			}
			c.Cases = append(c.Cases, faultCase{one.URL, one.Patience().Seconds()})
		}
		servers[client], input[client] = f, c
	}
	stdin, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := runOn(t, stdin, 0, "faults.py", s.Policy, filepath.Join(t.TempDir(), "spool"))
	got := s.targets(strings.Count(out, "\n"))
	seen := make(faults.Seen)
	for client, f := range servers {
		seen[client] = make(map[string]report.Outcome)
		for _, one := range f.Faults {
			seen[client][one.Name] = s.once(one, got, out)
		}
		if !faults.Resolves() || client != "requests" {
			delete(seen[client], "name that does not exist")
		}
	}
	for client, f := range servers {
		for _, one := range f.Faults {
			delete(got, one.URL)
		}
		if seen[client]["name that does not exist"] == "" {
			seen[client]["name that does not exist"] = seen["requests"]["name that does not exist"]
		}
	}
	for target, outcomes := range got { // the streams are left
		if !maps.Equal(outcomes, map[report.Outcome]float64{report.OK: 1}) || !strings.Contains(out, `"`+target+`"`) {
			t.Errorf("also counted: %s as %v", target, outcomes)
		}
	}
	if len(got) != 3 {
		t.Errorf("counted for streams: %v", got)
	}
	if !t.Failed() {
		servers["requests"].Check(t, "Python", seen)
	}
	samples, err := s.Store.Samples(t.Context(), model.SampleQuery{Since: time.Now().Add(-time.Hour), Limit: 1000})
	if err != nil || len(samples) == 0 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	for _, sample := range samples {
		if strings.Contains(sample.URL, "1234") || sample.App != "python-test" || sample.Version != "1.2.3" || sample.Method != "GET" {
			t.Errorf("%+v", sample)
		}
	}
}

// once returns the outcome of the one request to a server; where redirects never end, the outcome
// of the last.
func (s *site) once(f faults.Fault, got map[string]map[report.Outcome]float64, out string) (last report.Outcome) {
	s.Helper()
	outcomes := maps.Clone(got[f.URL])
	if f.Name == "redirects without end" && len(outcomes) > 1 {
		delete(outcomes, report.OK)
	}
	for o, n := range outcomes {
		if last != "" || n != 1 && (f.Name != "redirects without end" || o != report.OK) {
			s.Errorf("%s: counted as %v\n%s", f.Name, outcomes, out)
		}
		last = o
	}
	if last == "" {
		s.Errorf("%s: not counted\n%s", f.Name, out)
	}
	return last
}

// TestErrorsOfAnApplication: caught, logged, in a thread, and at the program's end, which ends as
// it would without the agent. Messages are scrubbed.
func TestErrorsOfAnApplication(t *testing.T) {
	s := newSite(t)
	_, stderr := run(t, 1, "errors.py", s.Policy, filepath.Join(t.TempDir(), "spool"))
	if !strings.Contains(stderr, "KeyError: 'the end'") || !strings.Contains(stderr, "ZeroDivisionError") {
		t.Errorf("the hooks of before were not called: %s", stderr)
	}
	all := operator.Eventually(t, func() ([]model.Sample, error) {
		return s.Store.Samples(t.Context(), model.SampleQuery{Since: time.Now().Add(-time.Hour), Limit: 100})
	}, func(all []model.Sample) bool { return len(all) >= 4 })
	want := map[string]string{
		"__main__.CartError": "app.error load_cart", "cart": "app.log", "ZeroDivisionError": "app.panic <lambda>", "KeyError": "app.panic <module>",
	}
	for _, sample := range all {
		e := sample.Error
		text := fmt.Sprintf("%s %v", sample.Outcome, e.Stack)
		for part := range strings.FieldsSeq(want[e.Type]) {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %s, want %s", e.Type, text, want[e.Type])
			}
		}
		if strings.Contains(e.Message, "jane") || want[e.Type] == "" {
			t.Errorf("%+v", e)
		}
		delete(want, e.Type)
	}
	if len(want) > 0 {
		t.Errorf("not told: %v", want)
	}
}

// TestForkedWorkersReport, and a child whose parent has used its agent says that it has none.
func TestForkedWorkersReport(t *testing.T) {
	s := newSite(t)
	run(t, 0, "fork.py", s.Policy, filepath.Join(t.TempDir(), "spool"), "http://shop.example")
	got := operator.Eventually(t, func() (map[report.Outcome]float64, error) { return s.targets(1)["http://shop.example"], nil },
		func(got map[report.Outcome]float64) bool { return got[report.TCPRefused] >= 4 })
	if !maps.Equal(got, map[report.Outcome]float64{report.TCPRefused: 4}) {
		t.Errorf("%v", got)
	}
}

// TestConsent in an environment that has nothing but the wheel.
func TestConsent(t *testing.T) {
	bare, err := environment(filepath.Join(t.TempDir(), "env"))
	if err != nil {
		t.Fatal(err)
	}
	before := python
	python = bare
	defer func() { python = before }()
	s := newSite(t)
	run(t, 0, "consent.py", s.Policy, filepath.Join(t.TempDir(), "spool"), "http://shop.example")
}
