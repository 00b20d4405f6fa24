package otlp

import "time"

// TraceID identifies a trace.
type TraceID [16]byte

// SpanID identifies a span.
type SpanID [8]byte

// Attr is an attribute. Value is a string, a bool, an int64, a float64 or a []string.
type Attr struct {
	Key   string
	Value any
}

// Kind is what a span is in relation to others.
type Kind int

// The kinds of spans.
const (
	Internal Kind = 1
	Server   Kind = 2 // handles a request
	Client   Kind = 3 // makes a request
	Consumer Kind = 5 // works on what was handed over earlier
)

// Span is an operation that has ended.
type Span struct {
	Trace      TraceID
	ID         SpanID
	Parent     SpanID // zero: none
	Name       string
	Kind       Kind
	Start, End time.Time
	Attrs      []Attr
	Links      []Link
	Error      string // empty: it succeeded
}

// Link points to another span, or to a trace of which no span is known.
type Link struct {
	Trace TraceID
	Span  SpanID // zero: unknown
	Attrs []Attr
}

// Severity is how important a log record is.
type Severity int

// The severities.
const (
	Info  Severity = 9
	Warn  Severity = 13
	Error Severity = 17
)

func (s Severity) text() string {
	switch s {
	case Warn:
		return "WARN"
	case Error:
		return "ERROR"
	default:
		return "INFO"
	}
}

// Log is a log record. Event names its kind.
type Log struct {
	Time     time.Time
	Severity Severity
	Event    string
	Body     string
	Attrs    []Attr
	Trace    TraceID // zero: none
	Span     SpanID  // zero: none
}

// Metric is a metric with its data points. If Sum is set, it is a sum that only grows, since Start;
// otherwise it is a gauge.
type Metric struct {
	Name, Unit, Description string
	Sum                     bool
	Points                  []Point
}

// Point is one data point.
type Point struct {
	Start time.Time // of a sum
	Time  time.Time
	Value float64
	Attrs []Attr
}
