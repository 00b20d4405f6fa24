package httpagent

import (
	"errors"
	"syscall"

	"github.com/heliograph-net/heliograph/report"
)

// errnoOutcome is for errors of the operating system, by their numbers in Windows Sockets (WSAE…).
func errnoOutcome(err error) report.Outcome {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return ""
	}
	switch errno {
	case 10061:
		return report.TCPRefused
	case 10054:
		return report.TCPReset
	case 10053:
		return report.TCPAborted
	case 10060:
		return report.TCPTimedOut
	case 10050, 10051, 10064, 10065:
		return report.TCPAddressUnreachable
	case 10022, 10047, 10049:
		return report.TCPAddressInvalid
	default:
		return report.TCPFailed
	}
}
