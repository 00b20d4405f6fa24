package telemetry

import (
	"errors"
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/internal/otlp"
)

// Alert traces an attempt to deliver a message, in the trace of the judgement that told last of its
// first incident. The error is not told, because it may contain addresses that are secrets.
func (p *Pipeline) Alert(a alerts.Attempt) {
	s := otlp.Span{ID: otlp.NewSpanID(), Name: "alert", Kind: otlp.Client, Start: a.Start, End: a.End, Attrs: []otlp.Attr{
		{Key: "heliograph.receiver", Value: a.Receiver}, {Key: "heliograph.alerts", Value: int64(len(a.Message.Alerts))},
		{Key: "heliograph.message.id", Value: a.Message.ID}}}
	switch {
	case errors.Is(a.Err, alerts.ErrRefused):
		s.Error = "refused"
	case a.Err != nil:
		s.Error = "not delivered"
	}
	for _, about := range p.about(a.Message) {
		if s.Trace == (otlp.TraceID{}) {
			s.Trace, s.Parent = about.Trace, about.Span
		} else {
			s.Links = append(s.Links, about)
		}
	}
	if s.Trace == (otlp.TraceID{}) {
		s.Trace = otlp.NewTraceID()
	}
	p.sink.Span(s)
}

// about returns the judgements that a message is about.
func (p *Pipeline) about(m *alerts.Message) (spans []otlp.Link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range m.Alerts {
		if span, known := p.judged[incidentOf(m.Alerts[i].Key)]; known && len(spans) < maxIngested {
			spans = append(spans, span)
		}
	}
	return spans
}

// incidentOf returns the number of the incident that an alert is about, or 0. It is the last part
// of the key.
func incidentOf(key string) int64 {
	id, err := strconv.ParseInt(key[strings.LastIndexByte(key, '/')+1:], 10, 64)
	if err != nil {
		return 0
	}
	return id
}
