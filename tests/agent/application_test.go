package agent_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// applicationEnv makes a process of this test an application: directory of the spool, number of
// this life, signed policy in base64.
const applicationEnv = "HELIOGRAPH_TEST_APPLICATION"

func TestMain(m *testing.M) {
	if spec := os.Getenv(applicationEnv); spec != "" {
		if err := application(spec); err != nil {
			fmt.Println("fault", err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// spoolOptions have room for everything: what the bounds drop is tested elsewhere.
var spoolOptions = diskspool.Options{MaxBytes: 1 << 30, MaxSegments: 1 << 20}

// application is a busy one: until it is killed its requests fail, each in its own way, and it
// tells of each
//
//	seen <n>       requests 0 to n-1 were handed to Observe
//	promised <n>   requests 0 to n-1 are to survive whatever comes
//
// Every second life promises what Flush has come back for. The others leave it to the windows to
// end by themselves, and promise what was observed in one that is sealed.
func application(spec string) error {
	dir, rest, _ := strings.Cut(spec, "|")
	number, encoded, _ := strings.Cut(rest, "|")
	life, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	policy, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	spool, err := diskspool.Open(dir, spoolOptions)
	if err != nil {
		return err
	}
	flushes := life%2 == 0
	consent := report.Counts // a record per window
	if flushes {
		consent = report.Diagnostics
	}
	a, err := agent.New(agent.Options{
		App: "crash", Policy: policy, Consent: consent, Spool: spool, Transport: httpagent.NewTransport(httpagent.TransportOptions{}),
	})
	if err != nil {
		return err
	}
	var seen atomic.Int64
	go func() {
		for n := 0; ; n++ {
			a.Observe(request(life, n))
			seen.Store(int64(n + 1))
			fmt.Println("seen", n+1)
			time.Sleep(2 * time.Millisecond)
		}
	}()
	if flushes {
		return flushAndPromise(a, &seen)
	}
	return watchAndPromise(a, &seen)
}

func flushAndPromise(a *agent.Agent, seen *atomic.Int64) error {
	for {
		n := seen.Load()
		err := a.Flush(context.Background())
		if _, remains := errors.AsType[*agent.RemainError](err); err != nil && !remains {
			return err
		}
		if s := a.Stats(); len(s.Dropped) > 0 || s.Panics > 0 {
			return fmt.Errorf("%v dropped, %d panics", s.Dropped, s.Panics)
		}
		fmt.Println("promised", n)
	}
}

// watchAndPromise knows that what was observed by the time that w windows had ended is in one of
// the first w+1.
func watchAndPromise(a *agent.Agent, seen *atomic.Int64) error {
	for {
		n, windows := seen.Load(), a.Stats().Windows
		for {
			s := a.Stats()
			if s.Windows > s.Sealed+1 {
				return fmt.Errorf("%d windows ended and %d are sealed: more than one is at risk besides the open one", s.Windows, s.Sealed)
			}
			if s.Sealed > windows {
				break
			}
			time.Sleep(time.Millisecond)
		}
		fmt.Println("promised", n)
	}
}

// outcome is what the requests of a life end with.
func outcome(life int) report.Outcome { return report.Outcome("crash.life" + strconv.Itoa(life)) }

// request is the n-th of a life. The store tells it by its server.
func request(life, n int) agent.Observation {
	return agent.Observation{Scheme: "https", Host: "shop.example", Outcome: outcome(life), URL: "https://shop.example/",
		Server: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 443)}
}

// number is the inverse of request's server.
func number(server string) (int, error) {
	a, err := netip.ParseAddrPort(server)
	if err != nil {
		return 0, err
	}
	b := a.Addr().As4()
	return int(b[2])<<8 | int(b[3]), nil
}
