package report

import "strings"

// Outcome is what became of one request, in the vocabulary of W3C Network Error Logging: lower-case
// words joined by dots, the general first ("tcp.reset", "http.response.invalid.empty"). The
// vocabulary is open: an Outcome that this build has never heard of is kept as it came and rolled
// up by its prefix. The zero value is invalid.
type Outcome string

// The outcomes that Heliograph itself produces, or that browsers send (Network Error Logging,
// section 5.2; Chromium's additions).
const (
	OK Outcome = "ok" // the request succeeded

	DNSUnreachable Outcome = "dns.unreachable" // no name server could be reached
	// the name does not exist (NXDOMAIN) or has no address
	DNSNameNotResolved Outcome = "dns.name_not_resolved"
	// any other failure of resolution, SERVFAIL among them
	DNSFailed   Outcome = "dns.failed"
	DNSTimedOut Outcome = "dns.timed_out" // no answer from the name server in time
	// NEL only: the address that answered is not the policy's
	DNSAddressChanged Outcome = "dns.address_changed"
	DNSProtocol       Outcome = "dns.protocol" // Chromium: a malformed answer
	DNSServer         Outcome = "dns.server"   // Chromium: the name server failed

	TCPTimedOut       Outcome = "tcp.timed_out"
	TCPClosed         Outcome = "tcp.closed"  // the peer ended the connection before it answered
	TCPReset          Outcome = "tcp.reset"   // RST after, or while, connecting
	TCPRefused        Outcome = "tcp.refused" // RST to the first SYN
	TCPAborted        Outcome = "tcp.aborted"
	TCPAddressInvalid Outcome = "tcp.address_invalid"
	// no route, by ICMP or the local table
	TCPAddressUnreachable Outcome = "tcp.address_unreachable"
	TCPFailed             Outcome = "tcp.failed"

	TLSVersionOrCipherMismatch Outcome = "tls.version_or_cipher_mismatch"
	TLSBadClientAuthCert       Outcome = "tls.bad_client_auth_cert"
	TLSCertNameInvalid         Outcome = "tls.cert.name_invalid"
	TLSCertDateInvalid         Outcome = "tls.cert.date_invalid"
	TLSCertAuthorityInvalid    Outcome = "tls.cert.authority_invalid"
	TLSCertInvalid             Outcome = "tls.cert.invalid"
	TLSCertRevoked             Outcome = "tls.cert.revoked"
	TLSCertPinnedKeyNotInChain Outcome = "tls.cert.pinned_key_not_in_cert_chain"
	TLSUnrecognizedNameAlert   Outcome = "tls.unrecognized_name_alert"
	TLSProtocolError           Outcome = "tls.protocol.error"
	TLSFailed                  Outcome = "tls.failed"

	HTTPError                 Outcome = "http.error" // a 4xx or 5xx status
	HTTPProtocolError         Outcome = "http.protocol.error"
	HTTPResponseInvalid       Outcome = "http.response.invalid"
	HTTPResponseEmpty         Outcome = "http.response.invalid.empty"
	HTTPContentLengthMismatch Outcome = "http.response.invalid.content_length_mismatch"
	HTTPIncompleteChunked     Outcome = "http.response.invalid.incomplete_chunked_encoding"
	HTTPInvalidChunked        Outcome = "http.response.invalid.invalid_chunked_encoding"
	HTTPHeadersTruncated      Outcome = "http.response.headers.truncated"
	HTTPManyDispositions      Outcome = "http.response.headers.multiple_content_disposition"
	HTTPManyContentLengths    Outcome = "http.response.headers.multiple_content_length"
	HTTPRangeNotSatisfiable   Outcome = "http.request.range_not_satisfiable"
	HTTPRedirectLoop          Outcome = "http.response.redirect_loop"
	HTTPFailed                Outcome = "http.failed"
	H2PingFailed              Outcome = "h2.ping_failed"
	H2ProtocolError           Outcome = "h2.protocol.error"
	H3ProtocolError           Outcome = "h3.protocol.error"

	// Faults of a proxy on the way, after Chromium's net errors of these names (net_error_list.h).
	// What a service did behind a tunnel that stands has the names above. its name did not resolve,
	// or it could not be connected to; its TLS, too
	ProxyConnectionFailed Outcome = "proxy.connection_failed"
	// of a proxy that is spoken to over TLS
	ProxyCertificateInvalid Outcome = "proxy.certificate_invalid"
	ProxyAuthRequested      Outcome = "proxy.auth_requested" // it answered 407
	// it did not answer CONNECT with 200
	ProxyTunnelFailed Outcome = "proxy.tunnel_connection_failed"
	// a SOCKS proxy refused, or broke off
	ProxySOCKSFailed Outcome = "proxy.socks_connection_failed"
	// a SOCKS proxy found no way to the service
	ProxySOCKSHostUnreachable Outcome = "proxy.socks_connection_host_unreachable"

	// What happens inside the application is no outcome of a request: these stand with application
	// errors only, never in a counter.
	AppError Outcome = "app.error"
	AppPanic Outcome = "app.panic"
	AppLog   Outcome = "app.log"

	// Likewise what a browser reports of a page by itself. More words may follow, see
	// ApplicationError.Outcome.
	BrowserCrash        Outcome = "browser.crash"
	BrowserDeprecation  Outcome = "browser.deprecation"
	BrowserIntervention Outcome = "browser.intervention"
	BrowserCSP          Outcome = "browser.csp" // a violation of the content security policy

	// What script in a browser can tell of a request that got no answer. The browser keeps the
	// reason to itself. Other clients use them for what they did not look at closely enough.
	NetworkFailed   Outcome = "network.failed"
	NetworkTimedOut Outcome = "network.timed_out" // by the caller's own clock
	NetworkOffline  Outcome = "network.offline"   // the browser said that it was offline

	// the caller cancelled before an answer; a deadline that passed is a time-out
	Abandoned Outcome = "abandoned"
	Unknown   Outcome = "unknown" // failed in a way that this build cannot name
)

// MaxOutcome is the longest Outcome in bytes.
const MaxOutcome = 64

// Failed reports whether the request did not succeed. Abandoned counts as failed; a detector may
// choose to leave it out.
func (o Outcome) Failed() bool { return o != OK }

// Parent is the outcome that o rolls up to: o without its last word, or "" for a single word. Every
// valid outcome lies under its parent, unless that is "".
func (o Outcome) Parent() Outcome {
	i := strings.LastIndexByte(string(o), '.')
	if i < 0 {
		return ""
	}
	return o[:i]
}

// Under reports whether o is prefix or lies below it: "tls.cert.date_invalid" lies under "tls.cert"
// and "tls". It compares whole words, so "tls.certificate" does not lie under "tls.cert", and no
// valid outcome lies under "".
func (o Outcome) Under(prefix Outcome) bool {
	return o == prefix || (len(o) > len(prefix) && o[:len(prefix)] == prefix && o[len(prefix)] == '.')
}

// Valid reports whether o is 1 to MaxOutcome bytes of words of [a-z0-9_] joined by single dots.
func (o Outcome) Valid() bool {
	if len(o) == 0 || len(o) > MaxOutcome {
		return false
	}
	word := 0
	for i := range len(o) {
		switch c := o[i]; {
		case c == '.':
			if word == 0 {
				return false
			}
			word = 0
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_':
			word++
		default:
			return false
		}
	}
	return word > 0
}

// Phase is the part of a request in which it ended, as NEL names them.
type Phase string

// The phases of NEL, section 5.1.
const (
	PhaseDNS         Phase = "dns"
	PhaseConnection  Phase = "connection"
	PhaseApplication Phase = "application"
)

// Valid reports whether p is one of the phases above. Chromium also sends "sxg", which is not.
func (p Phase) Valid() bool { return p.number() != 0 }

// Phase tells in which phase an outcome falls when nobody saw it, as NEL (section 5.2) and Chromium
// sort them. Outcomes that it does not know are of the application.
func (o Outcome) Phase() Phase {
	switch {
	case o.Under("dns"):
		return PhaseDNS
	case o.Under("tcp"), o.Under("tls"), o.Under("proxy"), o.Under("network"), o.Under(H2ProtocolError), o.Under(H3ProtocolError):
		return PhaseConnection
	default:
		return PhaseApplication
	}
}
