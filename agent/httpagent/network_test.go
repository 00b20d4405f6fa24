package httpagent_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// failOverChange makes one request that succeeds and one during which change is called. The latter
// must be marked, and one that fails later not.
func failOverChange(t *testing.T, listen string, fake func(http.RoundTripper), change func()) {
	l, err := net.Listen("tcp", listen)
	must(t, err)
	asked := make(chan struct{}, 3)
	s := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			asked <- struct{}{}
			<-r.Context().Done()
		}
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	defer func() { _ = s.Close(); <-done }()

	w := watch(t)
	rt := httpagent.Wrap(w.Agent, newTransport(t, nil))
	fake(rt)
	client := &http.Client{Transport: rt}
	origin := "http://" + l.Addr().String()
	must(t, get(t.Context(), client, origin+"/"))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	go func() { <-asked; change() }()
	if err := get(ctx, client, origin+"/hang"); err == nil {
		t.Fatal("an answer")
	}
	if err := get(t.Context(), client, "http://127.0.0.1:1/"); err == nil {
		t.Fatal("an answer")
	}
	counters, samples := w.seen(t)
	byFlags := make(map[report.Flags]report.Counter)
	for _, c := range of(counters, origin) {
		byFlags[c.Flags] = c
	}
	if marked := byFlags[report.FlagNetworkChanged]; len(byFlags) != 2 || byFlags[0].Outcome != report.OK ||
		marked.Outcome != report.TCPTimedOut || marked.Count != 1 || marked.Server != l.Addr().String() {
		t.Errorf("counters %+v, want the failure marked, and only that", counters)
	}
	for _, s := range samples {
		if (s.Flags == report.FlagNetworkChanged) != strings.HasSuffix(s.URL, "/hang") {
			t.Errorf("sample %+v", s)
		}
	}
}

// interfaces are addresses of a machine that a test makes up.
type interfaces []string

func (list interfaces) addresses() (out []net.Addr, err error) {
	for _, s := range list {
		ip, ipnet, err := net.ParseCIDR(s)
		if err != nil {
			return nil, err
		}
		out = append(out, &net.IPNet{IP: ip, Mask: ipnet.Mask})
	}
	return out, nil
}

func TestFailureOverAChangeOfNetwork(t *testing.T) {
	current := make(chan interfaces, 1)
	current <- interfaces{"127.0.0.1/8", "192.0.2.7/24"}
	failOverChange(t, "127.0.0.1:0", func(rt http.RoundTripper) {
		httpagent.SetAddresses(rt, func() ([]net.Addr, error) {
			now := <-current
			current <- now
			return now.addresses()
		})
	}, func() { <-current; current <- interfaces{"127.0.0.1/8", "198.51.100.3/24"} })
}

// TestWhatChangesANetwork: which addresses matter, and how old a look may be.
func TestWhatChangesANetwork(t *testing.T) {
	home := interfaces{"127.0.0.1/8", "::1/128", "fe80::1/64", "192.0.2.7/24", "2001:db8:1::aa/64"}
	for _, test := range []struct {
		name  string
		then  interfaces
		pause time.Duration
		want  bool
	}{
		{"nothing", home, 0, false},
		{"another order", interfaces{"2001:db8:1::aa/64", "192.0.2.7/24"}, 0, false},
		{"another temporary address", interfaces{"192.0.2.7/24", "2001:db8:1::bb/64", "2001:db8:1::cc/64"}, 0, false},
		{"another link-local address", append(interfaces{"fe80::9/64", "169.254.3.4/16"}, home...), 0, false},
		{"another IPv4 address", interfaces{"192.0.2.8/24", "2001:db8:1::aa/64"}, 0, true},
		{"another IPv6 network", interfaces{"192.0.2.7/24", "2001:db8:2::aa/64"}, 0, true},
		{"offline", interfaces{"127.0.0.1/8"}, 0, true},
		{"one more", append(interfaces{"10.8.0.2/32"}, home...), 0, true},
		{"long ago", interfaces{"127.0.0.1/8"}, 10 * time.Minute, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t)
				broken := errors.New("broken on purpose")
				rt := httpagent.Wrap(w.Agent, roundTripper(func(*http.Request) (*http.Response, error) {
					time.Sleep(10 * time.Millisecond)
					return nil, broken
				}))
				current := home
				httpagent.SetAddresses(rt, func() ([]net.Addr, error) { return current.addresses() })
				ask := func(path string) {
					req, err := http.NewRequest(http.MethodGet, "https://shop.example"+path, nil)
					must(t, err)
					if _, err := rt.RoundTrip(req); err != broken {
						t.Error(err)
					}
				}
				ask("/before")
				time.Sleep(2*time.Second + test.pause)
				current = test.then
				ask("/after") // fails before the change is noticed
				ask("/again")
				_, samples := w.seen(t)
				for _, s := range samples {
					want := test.want && !strings.HasSuffix(s.URL, "/again")
					if marked := s.Flags == report.FlagNetworkChanged; marked != want {
						t.Errorf("%s is marked: %v, want %v", s.URL, marked, want)
					}
				}
				if len(samples) != 3 {
					t.Errorf("%d samples", len(samples))
				}
			})
		})
	}
}

// TestUnreadableAddresses: then nothing is noticed, and nothing breaks.
func TestUnreadableAddresses(t *testing.T) {
	w := watch(t)
	rt := httpagent.Wrap(w.Agent, roundTripper(func(*http.Request) (*http.Response, error) { return nil, io.EOF }))
	httpagent.SetAddresses(rt, func() ([]net.Addr, error) { return nil, errors.New("not permitted") })
	req, err := http.NewRequest(http.MethodGet, "https://shop.example/", nil)
	must(t, err)
	for range 3 {
		_, _ = rt.RoundTrip(req)
	}
	counters, _ := w.seen(t)
	if len(counters) != 1 || counters[0].Flags != 0 || counters[0].Count != 3 {
		t.Errorf("counters %+v", counters)
	}
}
