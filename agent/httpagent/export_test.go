package httpagent

import (
	"net"
	"net/http"
)

// SetAddresses has what Wrap returned believe that these are the addresses of the
// machine's interfaces.
func SetAddresses(rt http.RoundTripper, addresses func() ([]net.Addr, error)) {
	rt.(*roundTripper).network.addresses = addresses
}
