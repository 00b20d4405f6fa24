package httpagent

import (
	"errors"
	"net"
	"strings"

	"github.com/heliograph-net/heliograph/report"
)

// proxyOutcome is for failures on the way to a proxy and of the proxy itself. Failures after the
// tunnel is established are the service's.
func proxyOutcome(err error, at phase) report.Outcome {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		switch {
		case op.Op == "proxyconnect" && certificateOutcome(op.Err) != "":
			return report.ProxyCertificateInvalid
		case op.Op == "proxyconnect":
			return report.ProxyConnectionFailed
		case strings.HasPrefix(op.Op, "socks "):
			return socksOutcome(op.Err)
		}
	}
	switch {
	case at == phaseProxy:
		return report.ProxyConnectionFailed
	// net/http keeps only the reason phrase of the response
	case at == phaseTunnel && contains(err, "Proxy Authentication Required"):
		return report.ProxyAuthRequested
	case at == phaseTunnel:
		return report.ProxyTunnelFailed
	default:
		return ""
	}
}

// socksOutcome recognizes the replies of RFC 1928, section 6, by their text, because their type is
// not exported.
func socksOutcome(err error) report.Outcome {
	if err != nil && containsAny(err.Error(), "network unreachable", "host unreachable") {
		return report.ProxySOCKSHostUnreachable
	}
	return report.ProxySOCKSFailed
}
