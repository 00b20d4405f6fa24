package collector

import (
	"net/netip"
	"time"

	"github.com/heliograph-net/heliograph/internal/sentry"
	"github.com/heliograph-net/heliograph/report"
)

// sentryEvent is the type of the items that are kept. All others are dropped.
const sentryEvent = "event"

// The kinds of items that the metric distinguishes.
var sentryKinds = map[string]bool{
	sentryEvent: true, envelopeItem: true, "transaction": true, "session": true, "sessions": true, "attachment": true, "client_report": true,
	"user_report": true, "feedback": true, "replay_event": true, "replay_recording": true, "replay_video": true, "profile": true,
	"profile_chunk": true, "check_in": true, "span": true, "log": true, "trace_metric": true, "statsd": true,
}

const (
	envelopeItem = "envelope" // stands for an envelope that was not read
	otherItem    = "other"
)

// What becomes of an item. The drop constants are further results.
const (
	resultStored = "stored"
	dropKind     = "kind"  // a kind that is not kept
	dropLevel    = "level" // a message below the level error
)

func (s *sentryServer) count(kind, result string, n int) {
	if n > 0 {
		s.metrics.sentryItems.WithLabelValues(kind, result).Add(float64(n))
	}
}

// errors returns the records of the events in an envelope, a header and an error for each, and
// counts everything that is dropped.
func (s *sentryServer) errors(now *settings, e *sentry.Envelope, from netip.Addr, userAgent string) (records []report.Record) {
	consent := now.consent(time.Now())
	token := s.tokens.token(time.Now(), from, userAgent)
	s.count(otherItem, dropOverflow, e.Surplus)
	for _, item := range e.Items {
		if item.Type != sentryEvent {
			kind := item.Type
			if !sentryKinds[kind] {
				kind = otherItem
			}
			s.count(kind, dropKind, 1)
			continue
		}
		event, why := s.event(item.Payload)
		switch {
		case why != "":
			s.count(sentryEvent, why, 1)
			continue
		case consent == report.Off:
			s.count(sentryEvent, dropDisabled, 1)
			continue
		case len(records) == 2*maxSentryEvents:
			s.count(sentryEvent, dropOverflow, 1)
			continue
		}
		if event.ID != "" && len(records) == 0 {
			e.EventID = event.ID
		}
		records = append(records, now.Sentry.header(event, userAgent, consent, token), sentryError(event, e.SentAt, consent))
	}
	return records
}

// event decodes an event and counts the parts of it that are dropped. If the event is dropped, why
// says for which reason.
func (s *sentryServer) event(payload []byte) (event *sentry.Event, why string) {
	event, err := sentry.ParseEvent(payload)
	if err != nil {
		return nil, dropInvalid
	}
	for _, part := range event.Dropped {
		s.metrics.sentryParts.WithLabelValues(part).Inc()
	}
	switch {
	case !isMessage(event):
		return event, ""
	case event.Message == "" && len(event.Thread) == 0 && len(event.Exceptions) == 0:
		return nil, dropInvalid
	case slogLevels[event.Level] == "":
		return nil, dropLevel
	}
	return event, ""
}

// consent is what the policy allows to be stored of what no agent has reported.
func (s *settings) consent(now time.Time) report.Consent {
	if s.policy == nil {
		return report.Off
	}
	return s.policy.Effective(report.Diagnostics, now)
}
