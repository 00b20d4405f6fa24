package api

import (
	"context"
	"net/url"
	"time"
)

// Setup is how the installation is set up. No secret is in it.
type Setup struct {
	// The policies that the collectors serve to agents, by collector.
	Policies []ServedPolicy `json:"policies"`
	// Who is alerted, in the order of the configuration.
	Receivers []Receiver `json:"receivers"`
	Consent   Consents   `json:"consent"`
}

// ServedPolicy is the policy that a collector serves to agents.
type ServedPolicy struct {
	// Id of the collector that serves it.
	Collector string `json:"collector"`
	// What is wrong with it; absent if nothing is. If it cannot be read, there is nothing else.
	Fault   string    `json:"fault,omitempty"`
	Version uint64    `json:"version"`
	Issued  time.Time `json:"issued,omitzero"`
	// From then on agents record counts at most.
	Expires time.Time `json:"expires,omitzero"`
	// The kill switch: agents record nothing.
	Disabled bool `json:"disabled"`
	// The most that agents record, whatever a user allowed: "off", "counts" or "diagnostics".
	MostConsent string `json:"most_consent"`
	// Part of the windows without a failure that are sent, 0 to 1.
	SuccessShare float64 `json:"success_share"`
	// Length of a window in seconds.
	WindowSeconds float64 `json:"window_seconds"`
	// A window with the first failure after calm ends within so many seconds; 0 if with its length.
	EarlySeconds float64 `json:"early_seconds"`
	// Most samples in a window.
	Samples uint32 `json:"samples"`
	// How often an agent asks for a newer policy, in seconds.
	RefreshSeconds uint64 `json:"refresh_seconds"`
	// Most bytes that a process uploads in a day.
	BytesPerDay uint64 `json:"bytes_per_day"`
	// Fingerprint of the key to which agents seal.
	SealKey string `json:"seal_key"`
	// Fingerprints of the keys that may sign the next policy.
	Signers    []string          `json:"signers"`
	Collectors []PolicyCollector `json:"collectors"`
}

// PolicyCollector is a collector that agents may deliver to.
type PolicyCollector struct {
	ID  string `json:"id"`
	URL string `json:"url"`
	// Agents try the lowest first.
	Priority uint32 `json:"priority"`
	// Share among collectors of one priority.
	Weight uint32 `json:"weight"`
	// URL of the Oblivious HTTP relay before it; absent if there is none.
	Relay string `json:"relay,omitempty"`
	// Fingerprint of the key of its receipts.
	ReceiptKey string `json:"receipt_key"`
}

// Receiver is somebody or something that is alerted.
type Receiver struct {
	Name string `json:"name"`
	// Such as "mail" or "slack".
	Kind string `json:"kind"`
	// Least severity that it is told of.
	Severity string `json:"severity"`
	// Hours in which it is told only of what is critical; absent if there are none.
	Quiet string `json:"quiet,omitempty"`
	// Where it is, as far as that is no secret.
	Where []string `json:"where"`
	// When a message was last sent to it; absent if none was since the start.
	Tried time.Time `json:"tried,omitzero"`
	// What became of that message: "ok", "failed" or "refused"; absent if there was none.
	Result string `json:"result,omitempty"`
}

// ReceiverTest is what became of a test alert.
type ReceiverTest struct {
	Receiver string `json:"receiver"`
	// Why it did not take it; absent if it did.
	Error string `json:"error,omitempty"`
}

// Consents is what can be known of users' consent without asking for more than consent allows:
// those who have not given it send nothing, so that nobody can know how many they are.
type Consents struct {
	// Since when the numbers count: the start of the detector.
	Since time.Time `json:"since,omitzero"`
	// Batches of users who allow counts only.
	Counts uint64 `json:"counts"`
	// Batches of users who allow diagnostics.
	Diagnostics uint64 `json:"diagnostics"`
	// Notices by which a user has withdrawn consent and had deleted what was sent.
	Withdrawn uint64 `json:"withdrawn"`
}

// Applications is what each application has sent lately.
type Applications struct {
	// The time that the sums cover, in seconds.
	SpanSeconds int `json:"span_seconds"`
	// Rows that are not shown because they are of fewer clients than LeastClients.
	Suppressed   int `json:"suppressed"`
	LeastClients int `json:"least_clients"`
	// By application, the version with most requests first.
	Rows []ApplicationSent `json:"rows"`
}

// ApplicationSent is what one release of an application has sent.
type ApplicationSent struct {
	App string `json:"app"`
	// Absent if unknown.
	Version string `json:"version,omitempty"`
	// Who reports: "agent", "browser" or another.
	Source string `json:"source"`
	// Requests that succeeded.
	OK float64 `json:"ok"`
	// Requests that failed.
	Failed float64 `json:"failed"`
	// Requests in a minute, on average since it was first seen in this time.
	PerMinute float64 `json:"per_minute"`
	// Distinct clients in the busiest minute.
	Clients uint64 `json:"clients"`
	// Start of the last minute with a request.
	LastSeen time.Time `json:"last_seen"`
}

// CollectedRecord is a kind of record that a report may contain, or something beside it.
type CollectedRecord struct {
	// In words for users, such as "Sums of requests".
	Title string `json:"title"`
	// What it is for.
	Why    string           `json:"why"`
	Fields []CollectedField `json:"fields"`
}

// CollectedField is one thing that is known of users.
type CollectedField struct {
	// Its name in the source of the program, such as "Counter.Target".
	Name string `json:"name"`
	// What it is, in a sentence for users.
	Text string `json:"text"`
	// The least consent with which it is sent: "counts" or "diagnostics"; absent where no user is
	// asked, because it is not of a user.
	Consent string `json:"consent,omitempty"`
}

// Collected is what users' reports contain: all of it.
type Collected struct {
	Records []CollectedRecord `json:"records"`
	// What no report contains, in words.
	Never []string `json:"never"`
}

// Setup returns how the installation is set up.
func (c *Client) Setup(ctx context.Context) (Setup, error) {
	return ask[Setup](ctx, c, "/setup", url.Values{})
}

// Applications returns what each application has sent within a span.
func (c *Client) Applications(ctx context.Context, since time.Duration) (Applications, error) {
	v := url.Values{}
	setSpan(v, "since", since)
	return ask[Applications](ctx, c, "/applications", v)
}

// Collected returns what users' reports contain.
func (c *Client) Collected(ctx context.Context) (Collected, error) {
	return ask[Collected](ctx, c, "/collected", url.Values{})
}
