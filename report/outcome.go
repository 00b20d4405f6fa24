package report

import "strings"

// Outcome is how one request ended, in the vocabulary of W3C Network Error Logging: lower-case
// words joined by dots, the most general first ("tcp.reset", "http.response.invalid.empty"). The
// vocabulary is open: an unknown Outcome is kept as it is and counts under its prefix. The zero
// value is invalid.
type Outcome string

// The outcomes that Heliograph produces or that browsers send (Network Error Logging, section 5.2,
// and Chromium's additions).
const (
	OK Outcome = "ok" // the request succeeded

	DNSUnreachable Outcome = "dns.unreachable" // no name server could be reached
	// the name does not exist (NXDOMAIN) or has no address
	DNSNameNotResolved Outcome = "dns.name_not_resolved"
	// any other failure of resolution, SERVFAIL among them
	DNSFailed   Outcome = "dns.failed"
	DNSTimedOut Outcome = "dns.timed_out" // no answer from the name server in time
	// NEL only: the server's address differs from that of the NEL policy
	DNSAddressChanged Outcome = "dns.address_changed"
	DNSProtocol       Outcome = "dns.protocol" // Chromium: a malformed answer
	DNSServer         Outcome = "dns.server"   // Chromium: the name server failed

	TCPTimedOut       Outcome = "tcp.timed_out"
	TCPClosed         Outcome = "tcp.closed"  // the peer ended the connection before it answered
	TCPReset          Outcome = "tcp.reset"   // RST while or after connecting
	TCPRefused        Outcome = "tcp.refused" // RST to the first SYN
	TCPAborted        Outcome = "tcp.aborted"
	TCPAddressInvalid Outcome = "tcp.address_invalid"
	// no route, according to ICMP or the local routing table
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

	// Faults of a proxy, named like Chromium's net errors (net_error_list.h). Faults of the service
	// behind an established tunnel have the names above. the proxy's name did not resolve, or
	// connecting to it failed, including its TLS handshake
	ProxyConnectionFailed Outcome = "proxy.connection_failed"
	// the certificate of a proxy that is reached over TLS
	ProxyCertificateInvalid Outcome = "proxy.certificate_invalid"
	ProxyAuthRequested      Outcome = "proxy.auth_requested" // it answered 407
	// the proxy did not answer CONNECT with 200
	ProxyTunnelFailed Outcome = "proxy.tunnel_connection_failed"
	// a SOCKS proxy refused or closed the connection
	ProxySOCKSFailed Outcome = "proxy.socks_connection_failed"
	// a SOCKS proxy could not reach the service
	ProxySOCKSHostUnreachable Outcome = "proxy.socks_connection_host_unreachable"

	// Outcomes that only probes find. The answer was unexpected when it was well-formed, but not
	// what the probe expects.
	DNSAnswerUnexpected    Outcome = "dns.answer_unexpected"
	TCPAnswerUnexpected    Outcome = "tcp.answer_unexpected"
	HTTPAnswerUnexpected   Outcome = "http.answer_unexpected"
	UDPTimedOut            Outcome = "udp.timed_out"
	UDPRefused             Outcome = "udp.refused" // ICMP port unreachable
	UDPAddressUnreachable  Outcome = "udp.address_unreachable"
	UDPFailed              Outcome = "udp.failed"
	UDPAnswerUnexpected    Outcome = "udp.answer_unexpected"
	ICMPTimedOut           Outcome = "icmp.timed_out" // no echo reply
	ICMPAddressUnreachable Outcome = "icmp.address_unreachable"
	ICMPFailed             Outcome = "icmp.failed"
	WebSocketFailed        Outcome = "websocket.failed" // broken handshake or frame
	// a status other than OK, or a broken answer
	GRPCFailed     Outcome = "grpc.failed"
	GRPCNotServing Outcome = "grpc.not_serving" // the service itself says so
	// an assertion of the operator's is not true of the answer
	AssertionFailed Outcome = "assertion.failed"
	// Outcomes of servers that send heartbeats instead of being probed.
	HeartbeatSilent Outcome = "heartbeat.silent" // none came in time
	HeartbeatDown   Outcome = "heartbeat.down"   // one said that the server is down

	// Outcomes of application errors. They are never the outcome of a request, so no
	// counter has them.
	AppError Outcome = "app.error"
	AppPanic Outcome = "app.panic"
	AppLog   Outcome = "app.log"

	// Likewise, what a browser reports about a page on its own. More words may follow; see
	// [ApplicationError.Outcome].
	BrowserCrash        Outcome = "browser.crash"
	BrowserDeprecation  Outcome = "browser.deprecation"
	BrowserIntervention Outcome = "browser.intervention"
	BrowserCSP          Outcome = "browser.csp" // a violation of the content security policy

	// What a script in a browser can tell about a request that got no answer; the browser does not
	// disclose the reason. Other clients use these outcomes when they do not know more.
	NetworkFailed   Outcome = "network.failed"
	NetworkTimedOut Outcome = "network.timed_out" // by the caller's own clock
	NetworkOffline  Outcome = "network.offline"   // the browser reported that it was offline

	// the caller cancelled before there was an answer; a passed deadline is a time-out instead
	Abandoned Outcome = "abandoned"
	Unknown   Outcome = "unknown" // failed in a way that this build cannot name
)

// MaxOutcome is the greatest length of an [Outcome] in bytes.
const MaxOutcome = 64

// Failed reports whether the request did not succeed. [Abandoned] counts as failed; a detector may
// ignore it.
func (o Outcome) Failed() bool { return o != OK }

// Parent returns o without its last word, or "" for a single word. Every valid outcome lies under
// its parent, unless that is "".
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

// Phase is the part of a request in which it ended, as named by NEL.
type Phase string

// The phases of NEL, section 5.1.
const (
	PhaseDNS         Phase = "dns"
	PhaseConnection  Phase = "connection"
	PhaseApplication Phase = "application"
)

// Valid reports whether p is one of the phases above. Chromium's "sxg" is not valid.
func (p Phase) Valid() bool { return p.number() != 0 }

// Phase returns the phase to assume for outcome o when it was not observed, following NEL (section
// 5.2) and Chromium. Unknown outcomes belong to [PhaseApplication].
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
