package dnsprobe

import (
	"errors"
	"io"

	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/conn/httpconn"
	"github.com/heliograph-net/heliograph/report"
)

// malformedError is the error of an answer that cannot be parsed or does not answer the question.
type malformedError struct{ error }

func (e malformedError) Unwrap() error { return e.error }

func malformed(err error) error {
	if err == nil {
		return nil
	}
	return malformedError{err}
}

// classify names the outcome of an attempt that ended in step with err.
func (p *dnsProbe) classify(step string, err error) report.Outcome {
	if step == StepQuery {
		return p.classifyQuery(err)
	}
	if outcome := conn.Classify(step, err); outcome != "" {
		return outcome
	}
	return report.Unknown
}

func (p *dnsProbe) classifyQuery(err error) report.Outcome {
	if _, ok := errors.AsType[malformedError](err); ok {
		return report.DNSProtocol
	}
	if status, ok := errors.AsType[statusError](err); ok {
		if status >= 400 {
			return report.HTTPError
		}
		return report.HTTPFailed
	}
	if p.datagrams {
		if outcome := conn.ClassifyUDP(err); outcome != report.UDPTimedOut {
			return outcome
		}
		return report.DNSTimedOut
	}
	switch outcome := conn.Classify(StepQuery, err); outcome {
	case "":
	case report.TCPTimedOut:
		return report.DNSTimedOut
	default:
		return outcome
	}
	if outcome := httpconn.Classify(err); outcome != "" {
		return outcome
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return report.TCPClosed
	}
	return report.DNSFailed
}
