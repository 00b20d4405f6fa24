package conn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/heliograph-net/heliograph/report"
)

// Classify returns the outcome of an attempt that ended in step with err, if it is one of this
// package's steps or an error of the socket. For other errors it returns "", and the kind itself
// must name them. The outcomes are those that browsers report (Network Error Logging, section 5.2,
// and Chromium), so that probes can be compared with client reports. An answer that does not come
// in time is tcp.timed_out, as it is there; the step tells the difference.
func Classify(step string, err error) report.Outcome {
	if step == StepDNS {
		return classifyDNS(err)
	}
	if outcome := classifySocket(err); outcome != "" {
		return outcome
	}
	switch step {
	case StepConnect:
		return report.TCPFailed
	case StepTLS:
		return classifyTLS(err)
	}
	return alert(err) // with TLS 1.3 a server refuses the client's certificate after the handshake
}

func classifyDNS(err error) report.Outcome {
	dns, ok := errors.AsType[*net.DNSError](err)
	switch {
	case isTimeout(err):
		return report.DNSTimedOut
	case !ok:
		return report.DNSFailed
	case dns.IsNotFound:
		return report.DNSNameNotResolved
	case strings.Contains(dns.Err, "connection refused"), strings.Contains(dns.Err, "unreachable"):
		return report.DNSUnreachable // package net has the resolver's socket error only as text
	}
	return report.DNSFailed
}

// classifySocket returns the outcome of an error that any step after DNS can meet, or "" for
// other errors.
func classifySocket(err error) report.Outcome {
	switch {
	case isTimeout(err), errors.Is(err, syscall.ETIMEDOUT):
		return report.TCPTimedOut
	case errors.Is(err, syscall.ECONNREFUSED):
		return report.TCPRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return report.TCPReset
	case errors.Is(err, syscall.ECONNABORTED):
		return report.TCPAborted
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return report.TCPAddressUnreachable
	case errors.Is(err, syscall.EINVAL):
		return report.TCPAddressInvalid
	}
	return ""
}

// ClassifyUDP returns the outcome of an exchange of datagrams that ended with err.
func ClassifyUDP(err error) report.Outcome {
	switch classifySocket(err) {
	case report.TCPTimedOut:
		return report.UDPTimedOut
	case report.TCPRefused:
		return report.UDPRefused
	case report.TCPAddressUnreachable:
		return report.UDPAddressUnreachable
	}
	return report.UDPFailed
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout() || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

func classifyTLS(err error) report.Outcome {
	if outcome := ClassifyCertificate(err); outcome != "" {
		return outcome
	}
	if outcome := alert(err); outcome != "" {
		return outcome
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return report.TLSProtocolError // mostly, the server does not speak TLS
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return report.TCPClosed
	case strings.Contains(err.Error(), "unsupported protocol version"), strings.Contains(err.Error(), "cipher suite"):
		return report.TLSVersionOrCipherMismatch // crypto/tls has no type for these errors
	}
	return report.TLSProtocolError
}

// ClassifyCertificate returns the outcome of an error about the server's certificate, or "" for
// other errors.
func ClassifyCertificate(err error) report.Outcome {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return report.TLSCertNameInvalid
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return report.TLSCertAuthorityInvalid
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return report.TLSCertDateInvalid // also: not valid yet
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return report.TLSCertInvalid
	}
	return ""
}

// alerts maps the text that crypto/tls has for an alert to the alert's number. The text is all that
// crypto/tls reveals of an alert over TCP.
var alerts = sync.OnceValue(func() map[string]uint8 {
	table := map[string]uint8{}
	for number := range 256 {
		table[tls.AlertError(number).Error()] = uint8(number)
	}
	return table
})

// alert returns the outcome of a TLS alert by the peer (RFC 8446, section 6), or "" if err
// is not one.
func alert(err error) report.Outcome {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "remote error" {
		return ""
	}
	return ClassifyAlert(alerts()[op.Err.Error()])
}

// ClassifyAlert returns the outcome of a TLS alert by the peer.
func ClassifyAlert(number uint8) report.Outcome {
	switch number {
	// handshake_failure, protocol_version, insufficient_security, inappropriate_fallback
	case 40, 70, 71, 86:
		return report.TLSVersionOrCipherMismatch
	case 41, 42, 43, 44, 45, 46, 48, 49, 116: // about the client's certificate, or its absence
		return report.TLSBadClientAuthCert
	case 112:
		return report.TLSUnrecognizedNameAlert
	}
	return report.TLSProtocolError
}
