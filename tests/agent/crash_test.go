// Package agent_test kills whole agents: a real process with a spool on disk, a real collector
// behind a bad network, a real detector.
package agent_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// TestKilledAgents kills busy agents with SIGKILL at random instants and starts them again, several
// at a time on one spool, while the way to their collector is bad. Everything that a sealed window
// or Flush promised is in the detector's store in the end, once; what an instant can cost is what
// came after that: the open window, and the one that is being sealed.
func TestKilledAgents(t *testing.T) {
	const side = 4 // processes side by side
	kills := 200
	if testing.Short() {
		kills = 20
	}
	o := newOperator(t)
	dir := filepath.Join(t.TempDir(), "spool")
	told := make([]account, kills)
	var group sync.WaitGroup
	for first := range side {
		rng := rand.New(rand.NewPCG(3, uint64(first)))
		group.Go(func() {
			for life := first; life < kills; life += side {
				told[life] = o.live(dir, life, rng)
			}
		})
	}
	group.Wait()
	o.healthy.Store(true)
	o.deliverRest(dir)

	var seen, promised, stored int
	for life, a := range told {
		arrived := o.arrived(life)
		checkLife(t, life, a, arrived)
		seen, promised, stored = seen+a.seen, promised+a.promised, stored+len(arrived)
	}
	if promised < kills {
		t.Errorf("%d requests promised in %d lives: the applications hardly lived", promised, kills)
	}
	t.Logf("%d requests seen, %d promised, %d stored", seen, promised, stored)
}

// account is what an application told before it was killed.
type account struct{ seen, promised int }

// checkLife compares what an application told with what is in the store.
func checkLife(t *testing.T, life int, a account, arrived map[int]float64) {
	t.Helper()
	for n := range a.promised {
		if arrived[n] != 1 {
			t.Errorf("life %d: request %d was promised and is in the store %v times", life, n, arrived[n])
		}
	}
	for n, times := range arrived {
		switch {
		case times != 1:
			t.Errorf("life %d: request %d is in the store %v times", life, n, times)
		case n > a.seen: // one may have been observed and not told
			t.Errorf("life %d: request %d is in the store, and only %d were made", life, n, a.seen)
		case n >= len(arrived): // what is lost is the end, without holes
			t.Errorf("life %d: request %d is in the store, but one before it is not", life, n)
		}
	}
}

// live starts an application and kills it at a random instant: of its whole life, its start
// included, or after its first request.
func (o *operator) live(dir string, life int, rng *rand.Rand) (a account) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), applicationEnv+"="+o.spec(dir, strconv.Itoa(life)))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		o.t.Error(err)
		return a
	}
	fromStart := rng.IntN(4) == 0
	killSoon := func() {
		time.AfterFunc(time.Duration(rng.Int64N(int64(600*time.Millisecond))), func() { _ = cmd.Process.Kill() })
	}
	if fromStart {
		killSoon()
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.Atoi(rest)
		switch {
		case word == "seen" && err == nil:
			if a.seen == 0 && !fromStart {
				killSoon()
			}
			a.seen = n
		case word == "promised" && err == nil:
			a.promised = n
		default:
			o.t.Errorf("life %d says %q", life, lines.Text())
		}
	}
	_ = cmd.Wait() // "signal: killed"
	return a
}

// deliverRest is the run after the last crash.
func (o *operator) deliverRest(dir string) {
	o.t.Helper()
	spool := must(diskspool.Open(dir, spoolOptions))(o.t)
	a := must(agent.New(agent.Options{
		App: "crash", Policy: o.policy, Consent: report.Counts, Spool: spool, Transport: httpagent.NewTransport(httpagent.TransportOptions{}),
	}))(o.t)
	if err := a.Flush(o.t.Context()); err != nil {
		o.t.Error(err)
	}
	if s := a.Stats(); len(s.Dropped) != 0 || s.Panics != 0 {
		o.t.Errorf("%+v", s)
	}
	o.checkSent(a)
	if err := a.Shutdown(o.t.Context()); err != nil {
		o.t.Error(err)
	}
	var left []string
	for _, e := range must(os.ReadDir(dir))(o.t) {
		if ext := filepath.Ext(e.Name()); ext != ".lock" && ext != ".state" {
			left = append(left, e.Name())
		}
	}
	if len(left) > 0 {
		o.t.Errorf("%v stay in the spool", left)
	}
}

// checkSent looks whether the user's log has survived as well.
func (o *operator) checkSent(a *agent.Agent) {
	o.t.Helper()
	sent := must(a.Sent())(o.t)
	var ids []string
	for _, r := range sent {
		ids = append(ids, fmt.Sprint(r.Batch))
	}
	slices.Sort(ids)
	if len(ids) < 10 || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		o.t.Errorf("the user's log has %d entries, or one twice", len(ids))
	}
}
