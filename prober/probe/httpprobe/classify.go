package httpprobe

import (
	"errors"
	"io"

	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/conn/h3conn"
	"github.com/heliograph-net/heliograph/prober/probe/conn/httpconn"
	"github.com/heliograph-net/heliograph/report"
)

// answerError is the error of reading an answer after at least one byte of it has arrived.
type answerError struct{ error }

func (e answerError) Unwrap() error { return e.error }

// bodyError is the error of reading the body of an answer.
type bodyError struct {
	error
	chunked bool
}

func (e bodyError) Unwrap() error { return e.error }

// classify names the outcome of an attempt that ended in step with err.
func classify(step string, err error) report.Outcome {
	if outcome := h3conn.Classify(err); outcome != "" {
		return outcome
	}
	if outcome := conn.Classify(step, err); outcome != "" {
		return outcome
	}
	if _, ok := errors.AsType[redirectError](err); ok {
		return report.HTTPFailed
	}
	if outcome := httpconn.Classify(err); outcome != "" {
		return outcome
	}
	if body, ok := errors.AsType[bodyError](err); ok {
		truncated := errors.Is(err, io.ErrUnexpectedEOF)
		switch {
		case truncated && body.chunked:
			return report.HTTPIncompleteChunked
		case truncated:
			return report.HTTPContentLengthMismatch
		case body.chunked:
			return report.HTTPInvalidChunked
		}
		return report.HTTPResponseInvalid
	}
	eof := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if _, some := errors.AsType[answerError](err); some && eof {
		return report.HTTPHeadersTruncated
	} else if eof {
		return report.HTTPResponseEmpty
	}
	return report.HTTPResponseInvalid
}
