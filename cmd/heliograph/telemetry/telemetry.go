// Package telemetry tells an OpenTelemetry Collector of the way of batches, as spans, and of what a
// detector finds, as metrics and log records. docs/otlp.md has their names. Start with [New].
//
// A batch has one trace, whose id is the id of the batch. So collectors and detectors need not tell
// each other of it, they select the same batches, and who has the id of a batch finds its trace.
package telemetry

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/otlp"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Sink takes spans and log records. *otlp.Exporter is one.
type Sink interface {
	Sampled(otlp.TraceID) bool
	Span(otlp.Span)
	Log(otlp.Log)
}

// Pipeline describes the pipeline of one process. Its methods are safe for concurrent use, and none
// blocks.
type Pipeline struct {
	sink Sink
	logs bool

	mu       sync.Mutex
	ingested []otlp.Link         // guarded by mu; selected batches since the last judgement
	judged   map[int64]otlp.Link // guarded by mu; the span that told last of an incident
	bin      time.Time           // guarded by mu; end of the last bin that was judged
}

// The limits of what is remembered.
const (
	maxIngested = 64   // batches that a judgement links to
	maxJudged   = 1000 // incidents
)

// New returns a Pipeline. logs says whether incidents become log records.
func New(sink Sink, logs bool) *Pipeline {
	return &Pipeline{sink: sink, logs: logs, judged: map[int64]otlp.Link{}}
}

// Collector traces a step of a batch in a collector.
func (p *Pipeline) Collector(id string, t collector.Trace) {
	trace := otlp.TraceID(t.Batch)
	if !p.sink.Sampled(trace) {
		return
	}
	s := otlp.Span{Trace: trace, ID: spanID(t.Batch, id, t.Step, t.Result), Name: t.Step, Kind: otlp.Server, Start: t.Start, End: t.End,
		Attrs: of(t.Batch, id, t.Result)}
	if t.Step == collector.StepCommit {
		s.Kind, s.Parent = otlp.Internal, spanID(t.Batch, id, collector.StepUpload, t.Result)
		s.Attrs = append(s.Attrs, otlp.Attr{Key: "heliograph.commit.batches", Value: int64(t.Batches)})
	}
	if !t.New && t.Result != duplicate {
		s.Error = t.Result
	}
	p.sink.Span(s)
}

// What collectors say of batches that they have.
const (
	stored    = "stored"
	duplicate = "stored: duplicate"
)

// Detector traces a step of a detector.
func (p *Pipeline) Detector(t detector.Trace) {
	if t.Step == detector.StepJudge {
		p.judge(&t)
		return
	}
	trace := otlp.TraceID(t.Batch)
	if !p.sink.Sampled(trace) {
		return
	}
	s := otlp.Span{Trace: trace, ID: spanID(t.Batch, t.Collector, t.Step, t.Result), Name: t.Step, Start: t.Start, End: t.End,
		Attrs: of(t.Batch, t.Collector, t.Result)}
	if t.Step == detector.StepFeed {
		s.Kind, s.Parent = otlp.Internal, spanID(t.Batch, t.Collector, collector.StepCommit, stored)
		p.sink.Span(s)
		return
	}
	s.Kind, s.Parent = otlp.Consumer, spanID(t.Batch, t.Collector, detector.StepFeed, t.Result)
	s.Attrs = append(s.Attrs, otlp.Attr{Key: "heliograph.records", Value: int64(t.Records)})
	for _, id := range t.Told {
		s.Links = append(s.Links, otlp.Link{Trace: id, Attrs: []otlp.Attr{{Key: "heliograph.link", Value: "report"}}})
	}
	if t.Result != "new" && t.Result != "duplicate" {
		s.Error = t.Result
	}
	p.sink.Span(s)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ingested) < maxIngested {
		p.ingested = append(p.ingested, otlp.Link{Trace: s.Trace, Span: s.ID, Attrs: []otlp.Attr{{Key: "heliograph.link", Value: "batch"}}})
	}
}

// judge traces a judgement and logs what happened to incidents. Judgements are few, so all are
// traced.
func (p *Pipeline) judge(t *detector.Trace) {
	s := otlp.Span{Trace: otlp.NewTraceID(), ID: otlp.NewSpanID(), Name: t.Step, Kind: otlp.Internal, Start: t.Start, End: t.End, Attrs: []otlp.Attr{
		{Key: "heliograph.bin.end", Value: t.Bin.UTC().Format(time.RFC3339)}, {Key: "heliograph.events", Value: int64(len(t.Events))}}}
	p.mu.Lock()
	s.Links, p.ingested = p.ingested, nil
	p.bin = t.Bin
	for i := range t.Events {
		p.remember(t.Events[i].Incident.ID, otlp.Link{Trace: s.Trace, Span: s.ID})
	}
	p.mu.Unlock()
	p.sink.Span(s)
	if !p.logs {
		return
	}
	for i := range t.Events {
		l := incidentLog(&t.Events[i], t.End)
		l.Trace, l.Span = s.Trace, s.ID
		p.sink.Log(l)
	}
}

// remember forgets any other incident if there are too many. The caller holds mu.
func (p *Pipeline) remember(id int64, span otlp.Link) {
	for other := range p.judged {
		if len(p.judged) < maxJudged {
			break
		}
		delete(p.judged, other)
	}
	p.judged[id] = span
}

func of(batch report.BatchID, collector, result string) []otlp.Attr {
	return []otlp.Attr{{Key: "heliograph.batch.id", Value: hex.EncodeToString(batch[:])}, {Key: "heliograph.collector.id", Value: collector},
		{Key: "heliograph.result", Value: result}}
}

// spanID returns the id of a step's span, which every process can compute. Steps that are repeated
// with the same result have the same id.
func spanID(batch report.BatchID, collector, step, result string) (id otlp.SpanID) {
	h := sha256.New()
	h.Write(batch[:])
	for _, s := range []string{collector, step, result} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	copy(id[:], h.Sum(nil))
	return id
}

// incidentLog makes a log record of what happened to an incident. It says nothing of single
// clients.
func incidentLog(e *model.Event, now time.Time) otlp.Log {
	i := &e.Incident
	l := otlp.Log{Time: now, Severity: otlp.Info, Event: "heliograph.incident." + e.Kind.String(), Body: i.Title}
	if e.Kind == model.Opened {
		if l.Severity = otlp.Warn; i.Pages() {
			l.Severity = otlp.Error
		}
	}
	l.Attrs = []otlp.Attr{
		{Key: "heliograph.incident.id", Value: i.ID}, {Key: "heliograph.incident.since", Value: i.Since.UTC().Format(time.RFC3339)},
		{Key: "heliograph.app", Value: i.App}, {Key: "heliograph.target", Value: i.Target}, {Key: "heliograph.outcome", Value: string(i.Outcome)},
		{Key: "heliograph.verdict", Value: string(i.Verdict)}, {Key: "heliograph.page", Value: i.Pages()}, {Key: "heliograph.late", Value: i.Late},
		{Key: "heliograph.failed", Value: i.Failed}, {Key: "heliograph.requests", Value: i.Requests}, {Key: "heliograph.clients", Value: int64(i.Clients)},
		{Key: "heliograph.scope", Value: i.Scope.Words(nil)},
	}
	if !i.Open() {
		l.Attrs = append(l.Attrs, otlp.Attr{Key: "heliograph.incident.until", Value: i.Until.UTC().Format(time.RFC3339)})
	}
	return l
}
