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

func tlsOutcome(err error) report.Outcome {
	if o := certificateOutcome(err); o != "" {
		return o
	}
	var header tls.RecordHeaderError
	var alert *net.OpError
	var ech *tls.ECHRejectionError
	switch {
	case errors.As(err, &header), errors.Is(err, http.ErrSchemeMismatch):
		return report.TLSProtocolError // the peer does not speak TLS
	case errors.As(err, &ech):
		return report.TLSFailed
	case errors.As(err, &alert) && alert.Op == "remote error":
		return alertOutcome(alert.Err.Error())
	case containsAny(err.Error(), "tls: server selected unsupported", "tls: no supported versions", "tls: server chose an unconfigured cipher suite",
		"tls: protocol version not supported", "tls: no cipher suite"):
		return report.TLSVersionOrCipherMismatch
	case contains(err, "tls: ") && !isTimeout(err):
		return report.TLSProtocolError
	default:
		return ""
	}
}

// alertOutcome is for the alerts (RFC 8446, section 6.2) with which a server ends a handshake. Those about certificates are about the
// client's.
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

// errPin says that a collector showed none of the keys that the policy pins.
var errPin = errors.New("certificate chain has none of the pinned keys")

func certificateOutcome(err error) report.Outcome {
	var (
		name      x509.HostnameError
		authority x509.UnknownAuthorityError
		roots     x509.SystemRootsError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, errPin):
		return report.TLSCertPinnedKeyNotInChain
	case errors.As(err, &name):
		return report.TLSCertNameInvalid
	case errors.As(err, &authority), errors.As(err, &roots):
		return report.TLSCertAuthorityInvalid
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired: // also: not valid yet
		return report.TLSCertDateInvalid
	case errors.As(err, &invalid), errors.As(err, &verify):
		return report.TLSCertInvalid
	default:
		return ""
	}
}
