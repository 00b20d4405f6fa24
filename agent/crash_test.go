//go:build unix

package agent_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/report"
)

// The test binary runs itself as an application with an agent in it.
const (
	appDir    = "HELIOGRAPH_TEST_SPOOL"
	appPolicy = "HELIOGRAPH_TEST_POLICY"
	appFirst  = "HELIOGRAPH_TEST_FIRST"
	appCount  = "HELIOGRAPH_TEST_COUNT"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(appDir); dir != "" {
		if err := application(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// application has requests fail, each to a host of its own, and tells of each once its window is sealed.
func application(dir string) error {
	policy, err := base64.StdEncoding.DecodeString(os.Getenv(appPolicy))
	if err != nil {
		return err
	}
	first, _ := strconv.Atoi(os.Getenv(appFirst))
	count, _ := strconv.Atoi(os.Getenv(appCount))
	spool, err := diskspool.Open(dir, diskspool.Options{})
	if err != nil {
		return err
	}
	a, err := agent.New(agent.Options{
		App: "crash", Policy: policy, Consent: report.Counts, Spool: spool,
		Transport: httpagent.NewTransport(httpagent.TransportOptions{}),
	})
	if err != nil {
		return err
	}
	for i := first; i < first+count; i++ {
		a.Observe(failure("h" + strconv.Itoa(i) + ".example"))
		_ = a.Flush(context.Background())
		fmt.Println(i)
	}
	return a.Shutdown(context.Background())
}

// TestKilledApplications: applications are killed at random instants while they share a spool and their collector fails now and then;
// what they were told is safe arrives, once.
func TestKilledApplications(t *testing.T) {
	const rounds, apps, perApp = 8, 2, 1000
	w := newWorld(t, "c1")
	var wellAgain atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		segment, err := io.ReadAll(r.Body)
		id, idErr := report.ParseBatchID(r.Header.Get(privacy.HeaderBatch))
		if err != nil || idErr != nil || r.URL.Path != "/v1/batches" || (!wellAgain.Load() && rand.IntN(4) == 0) {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		u := upload{collector: "c1", id: id, segment: segment}
		response := w.store(r.Context(), u)
		if !wellAgain.Load() && rand.IntN(4) == 0 {
			panic(http.ErrAbortHandler) // stored, but its answer is lost
		}
		rw.WriteHeader(http.StatusAccepted)
		_, _ = rw.Write(response.Body)
	}))
	defer server.Close()
	w.policy.Collectors[0].URL = server.URL
	policy := base64.StdEncoding.EncodeToString(w.signed(w.signer, nil))
	dir := filepath.Join(t.TempDir(), "spool")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	promised := make(map[int]bool)
	run := func(first, count int, life time.Duration) {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), appDir+"="+dir, appPolicy+"="+policy, appFirst+"="+strconv.Itoa(first), appCount+"="+strconv.Itoa(count))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Error(err)
			return
		}
		if err := cmd.Start(); err != nil {
			t.Error(err)
			return
		}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if life > 0 { // from its first word on, however long it took to start
				time.AfterFunc(life, func() { _ = cmd.Process.Kill() })
				life = 0
			}
			if i, err := strconv.Atoi(lines.Text()); err == nil {
				mu.Lock()
				promised[i] = true
				mu.Unlock()
			}
		}
		_ = cmd.Wait()
	}
	for round := range rounds {
		var group sync.WaitGroup
		for i := range apps {
			life := time.Duration(1+rand.IntN(150)) * time.Millisecond
			group.Go(func() { run((round*apps+i)*perApp, perApp, life) })
		}
		group.Wait()
	}
	spool, err := diskspool.Open(dir, diskspool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wellAgain.Store(true)
	for try := 0; ; try++ { // the next run delivers what is left, or the one after it
		run(1_000_000+try, 1, 0)
		if left, err := spool.List(); err != nil || len(left) == 0 {
			break
		}
		if try == 5 {
			t.Fatal("the spool does not empty")
		}
	}
	arrived := make(map[int]uint64)
	for _, b := range w.batches() {
		for _, win := range b.windows {
			for _, c := range win.Counters {
				host := strings.TrimSuffix(strings.TrimPrefix(c.Target, "https://h"), ".example")
				if i, err := strconv.Atoi(host); err == nil {
					arrived[i] += c.Count
				}
			}
		}
	}
	if len(promised) < rounds*apps {
		t.Fatalf("%d failures promised: the applications hardly lived", len(promised))
	}
	for i := range promised {
		if arrived[i] != 1 {
			t.Errorf("failure %d arrived %d times", i, arrived[i])
		}
	}
	if extra := len(arrived) - len(promised); extra > rounds*apps {
		t.Errorf("%d more arrived than were promised, but each application had one open window", extra)
	}
}
