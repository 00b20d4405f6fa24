package blackbox

import (
	"hash/fnv"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/report"
)

// phases are, by kind and step, the phases of blackbox_exporter's durations. Phases without a step
// are 0.
var phases = map[string]struct {
	metric string
	all    []string
	of     map[string]string
}{
	"http": {"probe_http_duration_seconds", []string{"resolve", "connect", "tls", "processing", "transfer"}, map[string]string{
		conn.StepDNS: "resolve", conn.StepConnect: "connect", conn.StepTLS: "tls", "first_byte": "processing", "redirect": "processing", "body": "transfer"}},
	"dns": {"probe_dns_duration_seconds", []string{"resolve", "connect", "request"}, map[string]string{
		conn.StepDNS: "resolve", conn.StepConnect: "connect", conn.StepTLS: "connect", "query": "request"}},
	"icmp": {"probe_icmp_duration_seconds", []string{"resolve", "setup", "rtt"}, map[string]string{conn.StepDNS: "resolve", "echo": "rtt"}},
	"grpc": {"probe_grpc_duration_seconds", []string{"resolve", "check"}, map[string]string{
		conn.StepDNS: "resolve", conn.StepConnect: "check", conn.StepTLS: "check", "check": "check"}},
	"websocket": {"probe_websocket_duration_seconds", []string{"resolve", "connect", "tls", "handshake", "message"}, map[string]string{
		conn.StepDNS: "resolve", conn.StepConnect: "connect", conn.StepTLS: "tls", "handshake": "handshake", "message": "message"}},
}

// help is the help of metrics, by name.
var help = map[string]string{
	"probe_success":                       "Displays whether or not the probe was a success",
	"probe_duration_seconds":              "Returns how long the probe took to complete in seconds",
	"probe_timeout_seconds":               "Returns how long the probe timeout is in seconds",
	"probe_dns_lookup_time_seconds":       "Returns the time taken for probe dns lookup in seconds",
	"probe_ip_protocol":                   "Specifies whether probe ip protocol is IP4 or IP6",
	"probe_ip_addr_hash":                  "Specifies the hash of IP address. It's useful to detect if the IP address changes.",
	"probe_failed_due_to_regex":           "Indicates if probe failed due to regex",
	"probe_failed_due_to_cel":             "Indicates if probe failed due to CEL expression not matching",
	"probe_http_status_code":              "Response HTTP status code",
	"probe_http_content_length":           "Length of http content response",
	"probe_http_redirects":                "The number of redirects",
	"probe_http_ssl":                      "Indicates if SSL was used for the final redirect",
	"probe_http_version":                  "Returns the version of HTTP of the probe response",
	"probe_http_duration_seconds":         "Duration of http request by phase, summed over all redirects",
	"probe_dns_duration_seconds":          "Duration of DNS request by phase",
	"probe_dns_query_succeeded":           "Displays whether or not the query was executed successfully",
	"probe_icmp_duration_seconds":         "Duration of icmp request by phase",
	"probe_ssl_earliest_cert_expiry":      "Returns last SSL chain expiry in unixtime",
	"probe_ssl_last_chain_info":           "Contains SSL leaf certificate information",
	"probe_tls_version_info":              "Returns the TLS version used or NaN when unknown",
	"probe_tls_cipher_info":               "Returns the TLS cipher negotiated during handshake",
	"probe_websocket_status_code":         "Response HTTP status code of the handshake",
	"probe_outcome_info":                  "How the attempt ended, in Heliograph's vocabulary",
	"probe_http_uncompressed_body_length": "Length of uncompressed response body",
}

// families returns the metrics of one attempt. concluded is false if the attempt says nothing
// about the target.
func families(kind string, r probe.Result, concluded bool, took, timeout time.Duration) []family {
	all := []family{
		gauge("probe_success", probe.Flag(concluded && r.Outcome == report.OK), nil),
		gauge("probe_duration_seconds", took.Seconds(), nil),
		gauge("probe_timeout_seconds", timeout.Seconds(), nil),
		gauge("probe_dns_lookup_time_seconds", r.Step(conn.StepDNS).Seconds(), nil),
	}
	outcome := string(r.Outcome)
	if !concluded {
		outcome = "inconclusive"
	}
	all = append(all, gauge("probe_outcome_info", 1, map[string]string{"outcome": outcome}))
	all = append(all, address(r.Server)...)
	all = append(all, durations(kind, r)...)
	all = append(all, ofKind(kind, r)...)
	// of which there is one for each status
	told := map[string]bool{"grpc_healthcheck_response": true}
	for _, d := range r.Details {
		if !told[d.Name] {
			told[d.Name] = true
			all = append(all, gauge("probe_"+d.Name, d.Value, d.Labels))
		}
	}
	for name, value := range untold[kind] {
		if !told[name] {
			all = append(all, gauge("probe_"+name, value, nil))
		}
	}
	return all
}

// untold are the values of details that an attempt did not get to find.
var untold = map[string]map[string]float64{
	"http": {"http_content_length": 0, "http_redirects": 0, "http_ssl": 0, "http_version": 0, "http_uncompressed_body_length": 0},
	// 14 is UNAVAILABLE
	"grpc": {"grpc_ssl": 0, "grpc_status_code": 14, "ssl_earliest_cert_expiry": 0},
}

// address describes the address that was tried.
func address(server string) []family {
	protocol, hash := 0.0, 0.0
	if ip := ipOf(server); ip.IsValid() {
		protocol = 6
		if ip.Is4() {
			protocol = 4
		}
		sum := fnv.New32a()
		_, _ = sum.Write(ip.AsSlice()) // a hash takes everything
		hash = float64(sum.Sum32())
	}
	return []family{gauge("probe_ip_protocol", protocol, nil), gauge("probe_ip_addr_hash", hash, nil)}
}

// ipOf returns the address of a server, with or without a port.
func ipOf(server string) netip.Addr {
	if ap, err := netip.ParseAddrPort(server); err == nil {
		return ap.Addr().Unmap()
	}
	ip, err := netip.ParseAddr(server)
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap()
}

func durations(kind string, r probe.Result) (all []family) {
	p, ok := phases[kind]
	if !ok {
		return nil
	}
	took := map[string]time.Duration{}
	for _, phase := range p.all {
		took[phase] = 0
	}
	for _, s := range r.Steps {
		if phase, ok := p.of[s.Name]; ok {
			took[phase] += s.Duration
		}
	}
	f := family{name: p.metric}
	for _, phase := range slices.Sorted(maps.Keys(took)) {
		f.samples = append(f.samples, sample{map[string]string{"phase": phase}, took[phase].Seconds()})
	}
	return append(all, f)
}

// health returns a metric for each status of gRPC's health, 1 for the one that was found.
func health(details []probe.Detail) []family {
	found := ""
	for _, d := range details {
		if d.Name == "grpc_healthcheck_response" {
			found = d.Labels["serving_status"]
		}
	}
	f := family{name: "probe_grpc_healthcheck_response"}
	for _, status := range []string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"} {
		f.samples = append(f.samples, sample{map[string]string{"serving_status": status}, probe.Flag(status == found)})
	}
	return []family{f}
}

// ofKind returns the metrics of a kind that follow from how the attempt ended.
func ofKind(kind string, r probe.Result) []family {
	switch kind {
	case "http":
		return []family{
			gauge("probe_http_status_code", float64(r.Status), nil),
			gauge("probe_failed_due_to_regex", probe.Flag(r.Outcome == report.HTTPAnswerUnexpected), nil),
		}
	case "tcp":
		return []family{gauge("probe_failed_due_to_regex", probe.Flag(r.Outcome == report.TCPAnswerUnexpected), nil)}
	case "dns":
		answered := r.Outcome == report.OK || r.Outcome == report.DNSAnswerUnexpected || r.Outcome == report.DNSNameNotResolved
		return []family{gauge("probe_dns_query_succeeded", probe.Flag(answered), nil)}
	case "grpc":
		return health(r.Details)
	case "websocket":
		return []family{
			gauge("probe_websocket_status_code", float64(r.Status), nil),
			gauge("probe_websocket_connection_upgraded", probe.Flag(r.Status == 101), nil),
		}
	}
	return nil
}
