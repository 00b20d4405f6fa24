package httpserve

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Reasons for which a connection brought no request.
const (
	failedNotHTTP = "not_http" // what came is no request: garbage, another protocol, or half a head

	// the header of the PROXY protocol, which its proxy has to send first
	failedProxyMissing   = "proxy_missing" // or late
	failedProxyMalformed = "proxy_malformed"

	// the TLS handshake
	failedTLSClosed    = "tls_closed"  // the peer went away
	failedTLSTimeout   = "tls_timeout" // it took too long
	failedNotTLS       = "not_tls"     // what came is no TLS: plain HTTP, for instance
	failedTLSVersion   = "tls_version" // no version, cipher suite or protocol in common
	failedTLSName      = "tls_name"    // a name that there is no certificate for
	failedTLSRefused   = "tls_refused" // the peer does not like the certificate, or something else
	failedTLSMalformed = "tls_malformed"
)

// failures counts connections without a request. No address is kept. It is safe for concurrent use.
type failures struct{ *prometheus.CounterVec }

// newFailures registers the count with r, which may be nil.
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

// Write takes what net/http logs. It is the only way to hear of a handshake that failed. The text
// has the client's address, so that it goes nowhere; only its kind is counted.
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

// handshakeFailures are parts of errors of crypto/tls, and what they mean.
var handshakeFailures = []struct{ part, reason string }{
	{"proxyproto:", ""}, // counted where it was read
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
