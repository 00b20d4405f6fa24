//go:build unix || js

package httpagent

import (
	"errors"
	"syscall"

	"github.com/heliograph-net/heliograph/report"
)

// errnoOutcome is for errors of the operating system.
func errnoOutcome(err error) report.Outcome {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return ""
	}
	switch errno {
	case syscall.ECONNREFUSED:
		return report.TCPRefused
	case syscall.ECONNRESET:
		return report.TCPReset
	case syscall.ECONNABORTED:
		return report.TCPAborted
	case syscall.EPIPE:
		return report.TCPClosed
	case syscall.ETIMEDOUT:
		return report.TCPTimedOut
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN:
		return report.TCPAddressUnreachable
	case syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, syscall.EINVAL:
		return report.TCPAddressInvalid
	default:
		return report.TCPFailed
	}
}
