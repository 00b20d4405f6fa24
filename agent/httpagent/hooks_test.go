package httpagent_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"testing"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// keepAlive answers every request on a connection, without allocating.
func keepAlive(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) == len("\r\n") {
			_, _ = io.WriteString(c, okAnswer)
		}
	}
}

// TestLateHooksReachNobodyElse: a request is served by a connection that became free while its own
// was being made. What becomes of that one later is no other request's.
func TestLateHooksReachNobodyElse(t *testing.T) {
	const stray = "192.0.2.9:99"
	// else what one request puts into a sync.Pool the next may not find there
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	w := watch(t)
	addr := serve(t, keepAlive)
	// The first dial works; the second waits, tells its stray address, and fails; the third lets
	// the second go on, and fails.
	dialling, late, told := make(chan struct{}), make(chan struct{}), make(chan struct{})
	dials := 0 // one dial begins after the other
	tr := newTransport(t, nil)
	tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		trace := httptrace.ContextClientTrace(ctx)
		switch dials++; dials {
		case 1:
			return new(net.Dialer).DialContext(context.Background(), network, addr)
		case 2:
			close(dialling)
			<-late
			trace.ConnectStart(network, stray)
			close(told)
			return nil, errors.New("too late")
		default:
			close(late)
			<-told
			return nil, errors.New("broken on purpose")
		}
	}
	client := &http.Client{Transport: httpagent.Wrap(w.Agent, tr)}

	first, err := (&http.Client{Transport: tr}).Get("http://shop.test/")
	must(t, err)
	second := make(chan error)
	go func() { second <- get(t.Context(), client, "http://shop.test/") }()
	<-dialling
	_, _ = io.Copy(io.Discard, first.Body) // frees the connection
	must(t, first.Body.Close())
	must(t, <-second)
	if err := get(t.Context(), client, "http://other.test/"); err == nil {
		t.Fatal("the request succeeded")
	}
	counters, _ := w.seen(t)
	if got := of(counters, "http://other.test"); len(got) != 1 || got[0].Server != "" || got[0].Outcome != report.Unknown {
		t.Errorf("counters %+v, want no server, which no hook of its own told", got)
	}
}

// TestContextPasses: whoever is underneath sees the application's values, its cancelling and
// its hooks.
func TestContextPasses(t *testing.T) {
	type key struct{}
	w := watch(t)
	for _, own := range []bool{false, true} {
		ctx, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "value"))
		gone := errors.New("gone elsewhere")
		hooks := 0
		if own {
			ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GetConn: func(string) { hooks++ }})
		}
		var late context.Context
		base := roundTripper(func(r *http.Request) (*http.Response, error) {
			late = r.Context()
			httptrace.ContextClientTrace(late).GetConn("shop.example:443")
			if v := late.Value(key{}); v != "value" {
				t.Errorf("value %v", v)
			}
			cancel(gone)
			<-late.Done()
			child, stop := context.WithCancel(late)
			defer stop()
			return nil, context.Cause(child)
		})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://shop.example/", nil)
		must(t, err)
		if _, err := httpagent.Wrap(w.Agent, base).RoundTrip(req); err != gone {
			t.Errorf("error %v, want the cause", err)
		}
		if trace := httptrace.ContextClientTrace(late); own {
			trace.GetConn("") // the application's own go on
		} else if trace != nil {
			t.Error("the hooks of a request that has ended are still told")
		}
		if own && hooks != 2 {
			t.Errorf("the application's hook was called %d times", hooks)
		}
	}
	counters, _ := w.seen(t)
	if len(counters) != 1 || counters[0].Outcome != report.Abandoned || counters[0].Count != 2 {
		t.Errorf("counters %+v, want 2 abandoned", counters)
	}
}

// TestBodyAfterClose: reading on is the transport's error to make, and no second request.
func TestBodyAfterClose(t *testing.T) {
	w := watch(t)
	addr := serve(t, keepAlive)
	client := &http.Client{Transport: httpagent.Wrap(w.Agent, newTransport(t, nil))}
	resp, err := client.Get("http://" + addr)
	must(t, err)
	must(t, resp.Body.Close())
	must(t, get(t.Context(), client, "http://"+addr)) // may have the hooks of the first
	if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
		t.Error("a closed body can be read")
	}
	must(t, resp.Body.Close())
	spoil(w)
	counters, _ := w.seen(t)
	if got := of(counters, "http://"+addr); len(got) != 1 || got[0].Outcome != report.OK || got[0].Count != 2 {
		t.Errorf("counters %+v, want 2 ok", got)
	}
}
