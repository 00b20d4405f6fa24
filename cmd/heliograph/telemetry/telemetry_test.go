package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/otlp"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// sink keeps what it is told, of batches whose ids begin with 1.
type sink struct {
	spans []otlp.Span
	logs  []otlp.Log
}

func (s *sink) Sampled(id otlp.TraceID) bool { return id[0] == 1 }
func (s *sink) Span(span otlp.Span)          { s.spans = append(s.spans, span) }
func (s *sink) Log(l otlp.Log)               { s.logs = append(s.logs, l) }

var at = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// Only selected batches are traced. What collector and detector tell of one is connected, although
// neither knows of the other.
func TestBatchesAreTracedAcrossProcesses(t *testing.T) {
	var one, two sink
	col, det := New(&one, true), New(&two, true)
	for _, id := range []report.BatchID{{1}, {2}} {
		col.Collector("c1", collector.Trace{Step: collector.StepCommit, Batch: id, Result: "stored", New: true, Batches: 3})
		col.Collector("c1", collector.Trace{Step: collector.StepUpload, Batch: id, Result: "stored", New: true})
		for _, step := range []string{detector.StepFeed, detector.StepIngest} {
			det.Detector(detector.Trace{Step: step, Batch: id, Collector: "c1", Result: "new", Told: [][16]byte{{9}}})
		}
	}
	if len(one.spans) != 2 || len(two.spans) != 2 {
		t.Fatalf("%d and %d spans", len(one.spans), len(two.spans))
	}
	commit, upload, feed, ingest := one.spans[0], one.spans[1], two.spans[0], two.spans[1]
	if upload.Parent != (otlp.SpanID{}) || commit.Parent != upload.ID || feed.Parent != commit.ID || ingest.Parent != feed.ID {
		t.Errorf("%v < %v < %v < %v", upload, commit, feed, ingest)
	}
	if len(ingest.Links) != 1 || ingest.Links[0].Trace != (otlp.TraceID{9}) || ingest.Links[0].Span != (otlp.SpanID{}) {
		t.Errorf("links %v", ingest.Links)
	}
}

func TestWhatFailsIsAnError(t *testing.T) {
	var s sink
	p := New(&s, true)
	for result, want := range map[string]string{"stored": "", "stored: duplicate": "", "refused: malformed": "refused: malformed"} {
		p.Collector("c1", collector.Trace{Step: collector.StepUpload, Batch: report.BatchID{1}, Result: result, New: result == "stored"})
		if got := s.spans[len(s.spans)-1].Error; got != want {
			t.Errorf("%s: %q", result, got)
		}
	}
	for result, want := range map[string]string{"new": "", "duplicate": "", detector.ReasonOpen: detector.ReasonOpen} {
		p.Detector(detector.Trace{Step: detector.StepIngest, Batch: report.BatchID{1}, Result: result})
		if got := s.spans[len(s.spans)-1].Error; got != want {
			t.Errorf("%s: %q", result, got)
		}
	}
}

// A judgement links to the batches before it, an alert belongs to the judgement that told of its
// incident, and a log record has what an operator asks for first.
func TestIncidentsAreTold(t *testing.T) {
	var s sink
	p := New(&s, true)
	for range maxIngested + 1 {
		p.Detector(detector.Trace{Step: detector.StepIngest, Batch: report.BatchID{1}, Result: "new"})
	}
	incident := model.Incident{ID: 7, App: "shop", Target: "https://shop.test", Outcome: report.TCPReset, Verdict: model.NetworkPath, Page: true, Since: at, Title: "title",
		Scope: model.Scope{ASNs: []uint32{64501}}, Failed: 3, Requests: 4, Clients: 2}
	opened, cleared := model.Event{Kind: model.Opened, Incident: incident}, model.Event{Kind: model.Cleared, Incident: incident}
	cleared.Incident.Until = at.Add(time.Minute)
	p.Detector(detector.Trace{Step: detector.StepJudge, Start: at, End: at, Bin: at, Events: []model.Event{opened, cleared}})
	judge := s.spans[len(s.spans)-1]
	if len(judge.Links) != maxIngested || len(s.logs) != 2 {
		t.Fatalf("%d links, %d log records", len(judge.Links), len(s.logs))
	}
	attrs := fmt.Sprint(s.logs[0].Attrs)
	if l := s.logs[0]; l.Severity != otlp.Error || l.Event != "heliograph.incident.opened" || l.Body != "title" || l.Span != judge.ID ||
		!strings.Contains(attrs, "{heliograph.scope from AS64501}") || !strings.Contains(attrs, "{heliograph.verdict network_path}") {
		t.Errorf("%+v", l)
	}
	if l := s.logs[1]; l.Severity != otlp.Info || !strings.Contains(fmt.Sprint(l.Attrs), "heliograph.incident.until 2026-11-30T12:01:00Z") {
		t.Errorf("%+v", l)
	}
	message := &alerts.Message{Alerts: []alerts.Alert{{Key: "heliograph/x/problem/store"}, {Key: "heliograph/x/7"}}}
	p.Alert(alerts.Attempt{Receiver: "ops", Message: message, Err: errors.New("https://hook.example/SECRET does not answer")})
	p.Alert(alerts.Attempt{Receiver: "ops", Message: &alerts.Message{Alerts: []alerts.Alert{{Key: "heliograph/x/8"}}}})
	alert, alone := s.spans[len(s.spans)-2], s.spans[len(s.spans)-1]
	if alert.Trace != judge.Trace || alert.Parent != judge.ID || alert.Error != "not delivered" || strings.Contains(fmt.Sprint(alert), "SECRET") {
		t.Errorf("%+v", alert)
	}
	if alone.Trace == (otlp.TraceID{}) || alone.Parent != (otlp.SpanID{}) || alone.Error != "" {
		t.Errorf("%+v", alone)
	}
	if New(&s, false).judge(&detector.Trace{Events: []model.Event{opened}}); len(s.logs) != 2 {
		t.Error("log records are sent although they are off")
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	p := New(&sink{}, false)
	for id := range int64(maxJudged + 10) {
		p.Detector(detector.Trace{Step: detector.StepJudge, Events: []model.Event{{Incident: model.Incident{ID: id}}}})
	}
	if len(p.judged) != maxJudged {
		t.Errorf("%d incidents", len(p.judged))
	}
}

// reader answers as a store.
type reader struct {
	model.Reader
	totals []model.Total
	open   []model.Incident
	asked  []model.TotalsQuery
	err    error
}

func (r *reader) Totals(_ context.Context, q model.TotalsQuery) ([]model.Total, error) {
	r.asked = append(r.asked, q)
	return r.totals, r.err
}

func (r *reader) Incidents(context.Context, time.Time) ([]model.Incident, error) { return r.open, nil }

// Each judged bin is added once, the sums only grow, and their number is bounded.
func TestCountsAreAddedUp(t *testing.T) {
	p := New(&sink{}, false)
	r := &reader{}
	c := p.Counts(r, slog.New(slog.DiscardHandler), at)
	judged := func(bin time.Time) map[string]otlp.Metric {
		p.Detector(detector.Trace{Step: detector.StepJudge, Bin: bin})
		all := map[string]otlp.Metric{}
		for _, m := range c.Collect(t.Context()) {
			all[m.Name] = m
		}
		return all
	}
	if m := judged(at); len(r.asked) != 0 || len(m["heliograph.requests"].Points) != 0 || len(m["heliograph.incidents.open"].Points) != 1 {
		t.Errorf("before the first bin: %+v", m)
	}
	r.totals = []model.Total{{Key: model.Series{App: "shop", Target: "t", Outcome: report.OK}, OK: 3}}
	r.open = []model.Incident{{Verdict: model.DNS}, {Verdict: model.DNS}, {Verdict: model.Release, Until: at}}
	judged(at.Add(time.Minute))
	m := judged(at.Add(2 * time.Minute))
	if p := m["heliograph.requests"].Points; len(p) != 1 || p[0].Value != 6 || !p[0].Start.Equal(at) || !m["heliograph.requests"].Sum {
		t.Errorf("%+v", p)
	}
	if p := m["heliograph.incidents.open"].Points; len(p) != 1 || p[0].Value != 2 {
		t.Errorf("%+v", p)
	}
	if q := r.asked[1]; !q.Since.Equal(at.Add(time.Minute)) || !q.Until.Equal(at.Add(2*time.Minute)) {
		t.Errorf("asked %+v", q)
	}
	r.err = errors.New("away")
	if m := judged(at.Add(3 * time.Minute)); len(m) != 0 {
		t.Errorf("%+v", m)
	}
	r.err, r.totals = nil, nil
	for i := range maxSeries + 5 {
		r.totals = append(r.totals, model.Total{Key: model.Series{App: fmt.Sprint(i)}, Failed: 1})
	}
	if m := judged(at.Add(4 * time.Minute)); len(m["heliograph.requests"].Points) != maxSeries+1 {
		t.Errorf("%d series", len(m["heliograph.requests"].Points))
	}
}
