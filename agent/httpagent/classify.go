package httpagent

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Classify returns the outcome of a request from the error of an [http.RoundTripper], of a body's
// Read or of an [http.Client]. ctx is the request's own context, which shows whether the caller
// gave up or the network failed. If err is nil, the outcome is [report.OK]. Classify does not have
// the information of httptrace, so an unknown error is [report.HTTPFailed].
func Classify(ctx context.Context, err error) report.Outcome {
	if err == nil {
		return report.OK
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without the URL, whose text could be anything
	}
	if contains(err, "stopped after 10 redirects") {
		return report.HTTPRedirectLoop
	}
	return classifyRequest(ctx, err, phaseSend)
}

// classifyRequest returns the outcome of a request that got no response, or only a part of its
// head. at is how far it got.
func classifyRequest(ctx context.Context, err error, at phase) report.Outcome {
	if abandoned(ctx, err) {
		return report.Abandoned
	}
	if o := proxyOutcome(err, at); o != "" {
		return o
	}
	for _, outcome := range [...]func(error) report.Outcome{dnsOutcome, tcpOutcome, certificateOutcome} {
		if o := outcome(err); o != "" {
			return o
		}
	}
	if expired(ctx, err) {
		switch at {
		case phaseResolve:
			return report.DNSTimedOut
		case phaseUnseen:
			return report.NetworkTimedOut
		default:
			return report.TCPTimedOut
		}
	}
	text := err.Error() // making the text takes longer than comparing all the types above
	for _, outcome := range [...]func(error, string) report.Outcome{tlsOutcome, timeoutOutcome, http2Outcome, headOutcome} {
		if o := outcome(err, text); o != "" {
			return o
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return endOutcome(at)
	}
	return fallback(at)
}

// classifyBody returns the outcome of a request whose response body failed.
func classifyBody(ctx context.Context, err error, h *head) report.Outcome {
	if abandoned(ctx, err) {
		return report.Abandoned
	}
	for _, outcome := range [...]func(error) report.Outcome{tcpOutcome, certificateOutcome} {
		if o := outcome(err); o != "" {
			return o
		}
	}
	if expired(ctx, err) {
		return report.TCPTimedOut
	}
	text := err.Error()
	for _, outcome := range [...]func(error, string) report.Outcome{tlsOutcome, timeoutOutcome, chunkOutcome} {
		if o := outcome(err, text); o != "" {
			return o
		}
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) && h.chunked:
		return report.HTTPIncompleteChunked
	case errors.Is(err, io.ErrUnexpectedEOF) && (h.major < 2 || h.length >= 0),
		strings.Contains(text, "more than declared Content-Length"):
		return report.HTTPContentLengthMismatch
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), is[flate.CorruptInputError](err):
		return report.HTTPResponseInvalid
	case h.major == 3:
		return report.H3ProtocolError
	}
	if o := http2Outcome(err, text); o != "" {
		return o
	}
	if h.major == 2 {
		return report.H2ProtocolError
	}
	return report.HTTPFailed
}

// slack is how much earlier a connection's timer may notice a deadline than the context's timer.
const slack = 20 * time.Millisecond

// expired reports whether a deadline of the caller has passed. Then the network or the service has
// failed and not the caller: if a path drops packets, an application sees only its own deadline,
// mostly http.Client.Timeout.
func expired(ctx context.Context, err error) bool {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return true
	}
	deadline, ok := ctx.Deadline()
	if !ok || time.Until(deadline) >= slack {
		return false
	}
	// http.Client.Timeout cancels like this, too
	return isTimeout(err) || contains(err, legacyCancel)
}

// legacyCancel is the text of net/http's error if a request is cancelled other than by its context.
const legacyCancel = "request canceled"

// abandoned reports whether err is the result of a cancellation by the caller.
func abandoned(ctx context.Context, err error) bool {
	if expired(ctx, err) {
		return false
	}
	if errors.Is(err, context.Canceled) {
		return true
	}
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) {
		return true
	}
	if is[*net.OpError](err) {
		return false // an error of package net has a type for it, so its text is not needed
	}
	return contains(err, legacyCancel)
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// timeoutOutcome is for timeouts of the transport itself: for the handshake and for the response. A
// peer that does not answer after connecting looks the same as a path that has broken.
func timeoutOutcome(err error, _ string) report.Outcome {
	if isTimeout(err) {
		return report.TCPTimedOut
	}
	return ""
}

func dnsOutcome(err error) report.Outcome {
	e, ok := errors.AsType[*net.DNSError](err)
	if !ok {
		return ""
	}
	switch {
	case e.IsNotFound:
		return report.DNSNameNotResolved
	case e.IsTimeout:
		return report.DNSTimedOut
	case containsAny(e.Err, "connection refused", "network is unreachable", "no route to host", "host is unreachable",
		"host is down", "network is down", "forcibly closed", "unreachable"):
		// the resolver keeps only the text of a socket error
		return report.DNSUnreachable
	default:
		return report.DNSFailed
	}
}

func tcpOutcome(err error) report.Outcome {
	if o := errnoOutcome(err); o != "" {
		return o
	}
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "dial" {
		return ""
	}
	addr, unusable := errors.AsType[*net.AddrError](err)
	switch {
	case op.Timeout():
		return report.TCPTimedOut
	case unusable && addr.Err == "no suitable address":
		return report.DNSNameNotResolved
	case unusable:
		return report.TCPAddressInvalid
	default:
		return report.TCPFailed
	}
}

// dialled returns the address of a failed dial.
func dialled(err error) (netip.AddrPort, bool) {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "dial" {
		return netip.AddrPort{}, false
	}
	a, ok := op.Addr.(*net.TCPAddr)
	if !ok || a == nil {
		return netip.AddrPort{}, false
	}
	return a.AddrPort(), true
}

// http2Outcome recognizes net/http's HTTP/2 errors by their text, because their types are
// not exported.
func http2Outcome(_ error, text string) report.Outcome {
	switch {
	case strings.Contains(text, "http2: client connection lost"):
		return report.H2PingFailed
	case containsAny(text, "http2: ", "stream error: stream ID", "connection error: "):
		return report.H2ProtocolError
	default:
		return ""
	}
}

// headOutcome is for a response head that is not HTTP, and for requests that are invalid because of
// the application.
func headOutcome(err error, text string) report.Outcome {
	switch {
	case is[textproto.ProtocolError](err), containsAny(text,
		"malformed HTTP", "malformed response", "malformed non-numeric", "Content-Length", "transfer encoding", "response headers exceeded",
		"header list", "Trailer key", "informational response"):
		if strings.Contains(text, "with Body length") {
			return report.Abandoned
		}
		return report.HTTPResponseInvalid
	case strings.Contains(text, "server closed idle connection"):
		return report.TCPClosed
	case strings.Contains(text, "unsupported protocol scheme"):
		return report.Unknown
	default:
		return ""
	}
}

// chunkOutcome is for chunked encoding that is malformed rather than truncated.
func chunkOutcome(_ error, text string) report.Outcome {
	switch {
	// the latter also if the trailer ends too early
	case containsAny(text, "EOF reading trailer", "long trailer after chunked"):
		return report.HTTPIncompleteChunked
	case containsAny(text, "chunk", "header line too long"):
		return report.HTTPInvalidChunked
	default:
		return ""
	}
}

// endOutcome is for a connection that the peer closed properly, but too early.
func endOutcome(at phase) report.Outcome {
	switch at {
	case phaseSend:
		return report.HTTPResponseEmpty
	case phaseHead:
		return report.HTTPHeadersTruncated
	default:
		return report.TCPClosed
	}
}

// fallback is for unknown errors.
func fallback(at phase) report.Outcome {
	switch at {
	case phaseConnect:
		return report.TCPFailed
	case phaseTLS:
		return report.TLSFailed
	case phaseSend, phaseHead:
		return report.HTTPFailed
	default:
		return report.Unknown
	}
}

func contains(err error, text string) bool { return strings.Contains(err.Error(), text) }

func containsAny(s string, texts ...string) bool {
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(s, t) })
}
