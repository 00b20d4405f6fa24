package httpx

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/internal/netaddr"
)

// Hosts are host names, without port, that requests to a listener may use, such as
// "status.example". Requests may always use IP addresses and localhost. A listener on a loopback
// address refuses all other names, to protect against DNS rebinding: a page of another site could
// make its own name point to the listener and then read it. Other listeners refuse names only if
// Hosts is not empty.
type Hosts []string

// Check returns the faults of all names, joined.
func (h Hosts) Check() error {
	var faults []error
	for _, host := range h {
		if host == "" || strings.ContainsAny(host, "/@ ") || (strings.Contains(host, ":") && net.ParseIP(host) == nil) {
			faults = append(faults, fmt.Errorf("%q is not a host name; leave out scheme and port", host))
		}
	}
	return errors.Join(faults...)
}

// Allow reports whether the host name of a request is allowed.
func (h Hosts) Allow(r *http.Request) bool {
	if netaddr.Parse(r.Host).IsValid() { // an address, which cannot result from DNS rebinding
		return true
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if slices.ContainsFunc(h, func(own string) bool { return strings.EqualFold(own, host) }) {
		return true
	}
	return len(h) == 0 && !onLoopback(r)
}

// Guard answers requests that [Hosts.Allow] refuses with 421 (Misdirected Request), and passes on
// the others.
func (h Hosts) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.Allow(r) {
			WriteText(w, http.StatusMisdirectedRequest, "this host name is not served here; ask by IP address or localhost, or list the name among this listener's hosts")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// onLoopback reports whether the request was received on a loopback address. It also returns true
// if the address is unknown.
func onLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return true
	}
	addr := netaddr.Parse(local.String())
	return !addr.IsValid() || addr.IsLoopback()
}
