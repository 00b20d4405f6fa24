package httpagent_test

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/internal/netns"
	"github.com/heliograph-net/heliograph/report"
)

// namespace runs the calling test in a network of its own, where the kernel gives one.
func namespace(t *testing.T) netns.Where {
	t.Helper()
	where, err := netns.Enter(t)
	if where == netns.None {
		t.Logf("no network namespace here (%v): played instead", err)
	}
	return where
}

// TestNetworkChangesForReal: an interface loses the address over which a request is under way.
func TestNetworkChangesForReal(t *testing.T) {
	switch namespace(t) {
	case netns.Inside:
		must(t, netns.SetAddress("lo:1", netip.MustParseAddr("10.77.0.1")))
		failOverChange(t, "10.77.0.1:0", func(http.RoundTripper) {}, func() {
			if err := netns.SetUp("lo:1", false); err != nil {
				t.Error(err)
			}
		})
	case netns.None:
		began := time.Now()
		failOverChange(t, "127.0.0.1:0", func(rt http.RoundTripper) {
			httpagent.SetAddresses(rt, func() ([]net.Addr, error) {
				if time.Since(began) > 150*time.Millisecond {
					return interfaces{}.addresses()
				}
				return interfaces{"10.77.0.1/24"}.addresses()
			})
		}, func() {})
	}
}

// TestUnreachable: there is no route to the service.
func TestUnreachable(t *testing.T) {
	tr := newTransport(t, nil)
	switch namespace(t) {
	case netns.Ran:
		return
	case netns.None:
		tr.DialContext = (&net.Dialer{Control: func(string, string, syscall.RawConn) error {
			return os.NewSyscallError("connect", syscall.ENETUNREACH)
		}}).DialContext
	}
	w := watch(t)
	err := get(t.Context(), &http.Client{Transport: httpagent.Wrap(w.Agent, tr)}, "http://192.0.2.1:8080/")
	counters, _ := w.seen(t)
	if len(counters) != 1 || counters[0].Outcome != report.TCPAddressUnreachable || counters[0].Server != "192.0.2.1:8080" {
		t.Errorf("counters %+v; the client saw %v", counters, err)
	}
}
