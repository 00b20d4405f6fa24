package otlp

import (
	"encoding/hex"
	"strconv"
	"time"
)

// The JSON encoding of OTLP is that of Protocol Buffers, but for ids, which are hexadecimal, and
// enums, which are numbers (OTLP 1, section "JSON Protobuf Encoding"). 64-bit integers are strings.

// scopeName names who made the telemetry.
const scopeName = "github.com/heliograph-net/heliograph"

type object = map[string]any

func encodeSpans(resource []Attr, spans []Span) any {
	all := make([]object, len(spans))
	for i := range spans {
		all[i] = encodeSpan(&spans[i])
	}
	return document("resourceSpans", "scopeSpans", "spans", resource, all)
}

func encodeLogs(resource []Attr, records []Log) any {
	all := make([]object, len(records))
	for i := range records {
		all[i] = encodeLog(&records[i])
	}
	return document("resourceLogs", "scopeLogs", "logRecords", resource, all)
}

func encodeMetrics(resource []Attr, metrics []Metric) any {
	all := make([]object, len(metrics))
	for i := range metrics {
		all[i] = encodeMetric(&metrics[i])
	}
	return document("resourceMetrics", "scopeMetrics", "metrics", resource, all)
}

// document puts items of one resource and scope into what is sent.
func document(resources, scopes, name string, resource []Attr, items []object) any {
	return object{resources: []object{{
		"resource": object{"attributes": attributes(resource)},
		scopes:     []object{{"scope": object{"name": scopeName}, name: items}},
	}}}
}

// sampledRandom are the flags of spans: sampled, and of an id that is random where W3C Trace
// Context Level 2 says.
const sampledRandom = 3

func encodeSpan(s *Span) object {
	o := object{
		"traceId": hex.EncodeToString(s.Trace[:]), "spanId": hex.EncodeToString(s.ID[:]), "flags": sampledRandom, "name": s.Name, "kind": int(s.Kind),
		"startTimeUnixNano": nanos(s.Start), "endTimeUnixNano": nanos(s.End), "attributes": attributes(s.Attrs),
	}
	if s.Parent != (SpanID{}) {
		o["parentSpanId"] = hex.EncodeToString(s.Parent[:])
	}
	if s.Error != "" {
		const statusError = 2
		o["status"] = object{"code": statusError, "message": s.Error}
	}
	if len(s.Links) > 0 {
		links := make([]object, len(s.Links))
		for i, l := range s.Links {
			links[i] = object{"traceId": hex.EncodeToString(l.Trace[:]), "attributes": attributes(l.Attrs)}
			if l.Span != (SpanID{}) {
				links[i]["spanId"] = hex.EncodeToString(l.Span[:])
			}
		}
		o["links"] = links
	}
	return o
}

func encodeLog(l *Log) object {
	o := object{
		"timeUnixNano": nanos(l.Time), "observedTimeUnixNano": nanos(l.Time), "severityNumber": int(l.Severity), "severityText": l.Severity.text(),
		"eventName": l.Event, "body": value(l.Body), "attributes": attributes(l.Attrs),
	}
	if l.Trace != (TraceID{}) {
		o["traceId"], o["spanId"], o["flags"] = hex.EncodeToString(l.Trace[:]), hex.EncodeToString(l.Span[:]), sampledRandom
	}
	return o
}

func encodeMetric(m *Metric) object {
	points := make([]object, len(m.Points))
	for i := range m.Points {
		p := &m.Points[i]
		points[i] = object{"timeUnixNano": nanos(p.Time), "asDouble": p.Value, "attributes": attributes(p.Attrs)}
		if m.Sum {
			points[i]["startTimeUnixNano"] = nanos(p.Start)
		}
	}
	o := object{"name": m.Name, "unit": m.Unit, "description": m.Description}
	if m.Sum {
		const cumulative = 2
		o["sum"] = object{"dataPoints": points, "aggregationTemporality": cumulative, "isMonotonic": true}
	} else {
		o["gauge"] = object{"dataPoints": points}
	}
	return o
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func attributes(all []Attr) []object {
	out := make([]object, 0, len(all))
	for _, a := range all {
		out = append(out, object{"key": a.Key, "value": value(a.Value)})
	}
	return out
}

// value encodes a value of an attribute. One of another type is empty.
func value(v any) object {
	switch v := v.(type) {
	case string:
		return object{"stringValue": v}
	case bool:
		return object{"boolValue": v}
	case int64:
		return object{"intValue": strconv.FormatInt(v, 10)}
	case float64:
		return object{"doubleValue": v}
	case []string:
		list := make([]object, len(v))
		for i, s := range v {
			list[i] = value(s)
		}
		return object{"arrayValue": object{"values": list}}
	default:
		return object{}
	}
}
