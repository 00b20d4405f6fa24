package httpagent_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// slowly is a transport whose answers take their time.
type slowly struct {
	head, body time.Duration
	fails      error // instead of the head
	breaks     error // instead of the end of the body
	status     int
}

func (s slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(s.head)
	if s.fails != nil {
		return nil, s.fails
	}
	return &http.Response{StatusCode: s.status, ProtoMajor: 2, Request: r, Header: http.Header{}, ContentLength: -1, Body: &slowBody{s, strings.NewReader("ok")}}, nil
}

type slowBody struct {
	s slowly
	*strings.Reader
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.Len() > 0 {
		return b.Reader.Read(p)
	}
	time.Sleep(b.s.body)
	if b.s.breaks != nil {
		return 0, b.s.breaks
	}
	return 0, io.EOF
}

func (b *slowBody) Close() error { return nil }

// A request takes until the head of its response, or until it has failed.
func TestDurations(t *testing.T) {
	reset := errors.New("reset")
	for name, c := range map[string]struct {
		base slowly
		want time.Duration
		of   report.Outcome
	}{
		"a success, whatever its body takes": {slowly{head: 300 * time.Millisecond, body: time.Hour, status: 200}, 300 * time.Millisecond, report.OK},
		"an error of the server":             {slowly{head: 2 * time.Second, body: time.Hour, status: 503}, 2 * time.Second, report.HTTPError},
		"a failure":                          {slowly{head: 20 * time.Second, fails: context.DeadlineExceeded}, 20 * time.Second, ""},
		"a body that breaks off":             {slowly{head: time.Second, body: 3 * time.Second, breaks: reset, status: 200}, 4 * time.Second, ""},
		"no time at all":                     {slowly{status: 200}, 0, report.OK},
	} {
		synctest.Test(t, func(t *testing.T) {
			operator := agenttest.For(t)
			a := operator.Start(t, report.Counts)
			client := &http.Client{Transport: httpagent.Wrap(a, c.base)}
			for range 3 {
				resp, err := client.Get("https://shop.example/")
				if err != nil {
					continue
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
			must(t, a.Flush(context.Background()))
			seen := operator.Seen()
			outcomes := make(map[report.Outcome]bool)
			for _, w := range seen.Windows {
				for g := range w.Groups() {
					outcomes[g[0].Outcome] = true
				}
			}
			var all report.Histogram
			for o := range outcomes {
				if c.of == "" || o == c.of {
					all = all.Plus(seen.Durations("https://shop.example", o))
				}
			}
			if len(all) != 1 || all[0] != (report.HistogramBucket{Index: report.HistogramIndex(c.want), Count: 3}) {
				t.Errorf("%s: %v, want 3 of %v", name, all, c.want)
			}
		})
	}
}
