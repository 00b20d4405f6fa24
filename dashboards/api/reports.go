package api

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Report is one sample: a request, or a group of application errors.
type Report struct {
	// End of the request, or time of the last error.
	At time.Time `json:"at"`
	// Outcome; below "app" or "browser" for application errors.
	Type report.Outcome `json:"type"`
	// Phase in which the request ended: "dns", "connection" or "application"; absent for an error.
	Phase report.Phase `json:"phase,omitempty"`
	// Name of the application; for reports of a browser on its own, the browser.
	App     string `json:"app"`
	Version string `json:"version,omitempty"`
	OS      string `json:"os,omitempty"`
	// Kind of reporter: "agent", "browser" or "prober".
	Source string `json:"source"`
	// Origin of the URL.
	Target string `json:"target"`
	Method string `json:"method"`
	// Scrubbed by the agent. For an application error, the URL of the page; may be empty.
	URL string `json:"url"`
	// HTTP status; absent if there was none.
	Status uint16 `json:"status,omitempty"`
	// ALPN id, such as "h2".
	Protocol string `json:"protocol,omitempty"`
	// Address and port that were tried last.
	Server string `json:"server,omitempty"`
	// Autonomous system of the client; 0 if unknown.
	ASN     uint32 `json:"asn"`
	ASName  string `json:"as_name,omitempty"`
	Country string `json:"country,omitempty"`
	// Duration of the request in milliseconds.
	ElapsedMS int64 `json:"elapsed_ms"`
	// 32 hexadecimal digits; absent if there is none.
	TraceID string `json:"trace_id,omitempty"`
	// Address of that trace in the service's own tracing, as dashboard.trace_url has it;
	// absent without.
	TraceURL string `json:"trace_url,omitempty"`
	// Only for application errors, like all members below.
	ErrorType string `json:"error_type,omitempty"`
	// Scrubbed by the agent; absent without consent to diagnostics.
	Message string `json:"message,omitempty"`
	// One line per call, innermost first.
	Stack string `json:"stack,omitempty"`
	// 32 hexadecimal digits, the same for errors with one cause.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Number of errors.
	Count uint64 `json:"count,omitempty"`
}
