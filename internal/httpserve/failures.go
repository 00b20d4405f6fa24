package httpserve

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Reasons for which a connection ended without a request.
const (
	failedNotHTTP = "not_http" // no request came, but garbage, another protocol or half a head

	// the header of the PROXY protocol, which a proxy must send first
	failedProxyMissing   = "proxy_missing" // or came too late
	failedProxyMalformed = "proxy_malformed"

	// the TLS handshake
	failedTLSClosed    = "tls_closed"  // the peer closed the connection
	failedTLSTimeout   = "tls_timeout" // it took too long
	failedNotTLS       = "not_tls"     // not TLS came, but for example plain HTTP
	failedTLSVersion   = "tls_version" // no version, cipher suite or protocol in common
	failedTLSName      = "tls_name"    // the client asked for a name that has no certificate
	failedTLSRefused   = "tls_refused" // the peer refused the certificate or something else
	failedTLSMalformed = "tls_malformed"
)

// failures counts connections that ended without a request. It stores no addresses. It is safe for
// concurrent use.
type failures struct{ *prometheus.CounterVec }

// newFailures registers the counter with r, which may be nil.
func newFailures(listener string, r prometheus.Registerer) (failures, error) {
	f := failures{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name:        "heliograph_listener_failed_connections_total",
		Help:        "Connections that ended before a request came, by what was wrong.",
		ConstLabels: prometheus.Labels{"listener": listener},
	}, []string{"reason"})}
	for _, reason := range []string{failedNotHTTP, failedProxyMissing, failedProxyMalformed, failedTLSClosed, failedTLSTimeout, failedNotTLS, failedTLSVersion,
		failedTLSName, failedTLSRefused, failedTLSMalformed} {
		f.WithLabelValues(reason)
	}
	if r == nil {
		return f, nil
	}
	return f, r.Register(f)
}

func (f failures) count(reason string) { f.WithLabelValues(reason).Inc() }

// Write gets the log of net/http, which is the only source of failed handshakes. The text contains
// the client's address, so it is discarded, and only the kind of failure is counted.
func (f failures) Write(line []byte) (int, error) {
	_, text, found := strings.Cut(string(line), "TLS handshake error from ")
	if found {
		_, text, _ = strings.Cut(text, ": ")
		if reason := handshakeFailure(strings.TrimSpace(text)); reason != "" {
			f.count(reason)
		}
	}
	return len(line), nil
}

// handshakeFailures maps parts of errors of crypto/tls to reasons.
var handshakeFailures = []struct{ part, reason string }{
	{"proxyproto:", ""}, // counted by proxyConn
	{"client sent an HTTP request to an HTTPS server", failedNotTLS},
	{"first record does not look like a TLS handshake", failedNotTLS},
	{"unsupported SSLv2 handshake", failedNotTLS},
	{"i/o timeout", failedTLSTimeout},
	{"deadline exceeded", failedTLSTimeout},
	{"remote error:", failedTLSRefused},
	{"unsupported version", failedTLSVersion},
	{"only unsupported versions", failedTLSVersion},
	{"no cipher suite supported", failedTLSVersion},
	{"no mutually supported", failedTLSVersion},
	{"unsupported application protocols", failedTLSVersion},
	{"server name", failedTLSName},
	{"certificate", failedTLSName},
	{"EOF", failedTLSClosed},
	{"reset by peer", failedTLSClosed},
	{"broken pipe", failedTLSClosed},
	{"use of closed network connection", failedTLSClosed},
}

func handshakeFailure(text string) string {
	for _, f := range handshakeFailures {
		if strings.Contains(text, f.part) {
			return f.reason
		}
	}
	return failedTLSMalformed
}
