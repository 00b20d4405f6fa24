package httpagent

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/heliograph-net/heliograph/report"
)

func tlsOutcome(err error, text string) report.Outcome {
	alert, refused := errors.AsType[*net.OpError](err)
	switch {
	case is[tls.RecordHeaderError](err), errors.Is(err, http.ErrSchemeMismatch):
		return report.TLSProtocolError // the peer does not use TLS
	case is[*tls.ECHRejectionError](err):
		return report.TLSFailed
	case refused && alert.Op == "remote error":
		return alertOutcome(alert.Err.Error())
	case containsAny(text, "tls: server selected unsupported", "tls: no supported versions", "tls: server chose an unconfigured cipher suite",
		"tls: protocol version not supported", "tls: no cipher suite"):
		return report.TLSVersionOrCipherMismatch
	case strings.Contains(text, "tls: ") && !isTimeout(err):
		return report.TLSProtocolError
	default:
		return ""
	}
}

// alertOutcome is for alerts (RFC 8446, section 6.2) with which a server ends a handshake. Alerts
// about certificates are about the client's.
func alertOutcome(text string) report.Outcome {
	switch strings.TrimPrefix(text, "tls: ") {
	case "protocol version not supported", "handshake failure", "insufficient security level", "inappropriate fallback":
		return report.TLSVersionOrCipherMismatch
	case "certificate required", "bad certificate", "unsupported certificate", "revoked certificate", "expired certificate",
		"unknown certificate", "unknown certificate authority", "access denied":
		return report.TLSBadClientAuthCert
	case "unrecognized name":
		return report.TLSUnrecognizedNameAlert
	default:
		return report.TLSProtocolError
	}
}

// errPin says that a collector's certificate chain has none of the keys that the policy pins.
var errPin = errors.New("certificate chain has none of the pinned keys")

func certificateOutcome(err error) report.Outcome {
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case errors.Is(err, errPin):
		return report.TLSCertPinnedKeyNotInChain
	case is[x509.HostnameError](err):
		return report.TLSCertNameInvalid
	case is[x509.UnknownAuthorityError](err), is[x509.SystemRootsError](err):
		return report.TLSCertAuthorityInvalid
	case isInvalid && invalid.Reason == x509.Expired: // or not yet valid
		return report.TLSCertDateInvalid
	case isInvalid, is[*tls.CertificateVerificationError](err):
		return report.TLSCertInvalid
	default:
		return ""
	}
}

// is reports whether err is, or wraps, an E.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
