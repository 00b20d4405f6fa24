// Package kinds lists the kinds of probe that the prober's configuration accepts. Start with [All].
// A new kind is a package of its own and an entry here.
package kinds

import (
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/dnsprobe"
	"github.com/heliograph-net/heliograph/prober/probe/grpcprobe"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/icmpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/tlsprobe"
	"github.com/heliograph-net/heliograph/prober/probe/udpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/wsprobe"
)

// All is the list of kinds. No two have the same name or key.
var All = []probe.Kind{
	httpprobe.Kind,
	tcpprobe.Kind,
	tlsprobe.Kind,
	dnsprobe.Kind,
	udpprobe.Kind,
	icmpprobe.Kind,
	grpcprobe.Kind,
	wsprobe.Kind,
}
