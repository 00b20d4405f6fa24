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

// Hosts are names, without port, by which a listener may be asked for, such as "status.example". IP
// addresses and localhost always may. A listener on a loopback address refuses all other names,
// because a name that suddenly points there is how a foreign page would read it (DNS rebinding);
// other listeners refuse them only if Hosts is not empty.
type Hosts []string

// Check joins the faults of all names.
func (h Hosts) Check() error {
	var faults []error
	for _, host := range h {
		if host == "" || strings.ContainsAny(host, "/@ ") || (strings.Contains(host, ":") && net.ParseIP(host) == nil) {
			faults = append(faults, fmt.Errorf("%q is not a host name; leave out scheme and port", host))
		}
	}
	return errors.Join(faults...)
}

// Allow says whether a request asks by a name that may be.
func (h Hosts) Allow(r *http.Request) bool {
	if netaddr.Parse(r.Host).IsValid() { // which cannot come of DNS rebinding
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

// Guard answers 421 (Misdirected Request) to what Allow refuses.
func (h Hosts) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.Allow(r) {
			WriteText(w, http.StatusMisdirectedRequest, "this host name is not served here; ask by IP address or localhost, or list the name among this listener's hosts")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// onLoopback reports whether the request came in on a loopback address; so does one whose address
// cannot be told.
func onLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return true
	}
	addr := netaddr.Parse(local.String())
	return !addr.IsValid() || addr.IsLoopback()
}
