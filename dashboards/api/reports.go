package api

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Report is one sample: a request, or a group of application errors.
type Report struct {
	// When it ended.
	At time.Time `json:"at"`
	// Outcome; below "app" or "browser" for application errors.
	Type report.Outcome `json:"type"`
	// Phase in which the request ended: "dns", "connection" or "application"; absent for an error.
	Phase report.Phase `json:"phase,omitempty"`
	// Name that the application gave itself; of browsers' own reports the browser's.
	App     string `json:"app"`
	Version string `json:"version,omitempty"`
	OS      string `json:"os,omitempty"`
	// Who reports: "agent", "browser" or "prober".
	Source string `json:"source"`
	// Origin of the URL.
	Target string `json:"target"`
	Method string `json:"method"`
	// Scrubbed where it was recorded; of an application error the page's, or empty.
	URL string `json:"url"`
	// Status of HTTP; absent when there was none.
	Status uint16 `json:"status,omitempty"`
	// ALPN id, such as "h2".
	Protocol string `json:"protocol,omitempty"`
	// Address and port that was tried last.
	Server string `json:"server,omitempty"`
	// Autonomous system of the client; 0: unknown.
	ASN     uint32 `json:"asn"`
	ASName  string `json:"as_name,omitempty"`
	Country string `json:"country,omitempty"`
	// Milliseconds that the request took.
	ElapsedMS int64 `json:"elapsed_ms"`
	// 32 hexadecimal digits; absent without one.
	TraceID string `json:"trace_id,omitempty"`
	// Of application errors only, as all that follow.
	ErrorType string `json:"error_type,omitempty"`
	// Scrubbed where it was recorded; absent without consent to diagnostics.
	Message string `json:"message,omitempty"`
	// A line per call, the innermost first.
	Stack string `json:"stack,omitempty"`
	// 32 hexadecimal digits that are the same for errors that are one problem.
	Fingerprint string `json:"fingerprint,omitempty"`
	// How many errors the report tells of.
	Count uint64 `json:"count,omitempty"`
}
