package dashboards

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

// The page loads nothing but its own files and talks to nobody but its own origin. Trusted Types
// keep scripts from making markup of strings.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// guard is what every request passes first.
func (d *Dashboard) guard(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		switch {
		case !d.hostAllowed(r):
			writeError(w, http.StatusMisdirectedRequest, api.Problem{
				Error: "this host name is not served here; ask by IP address or localhost, or list the name among the dashboard's hosts",
			})
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			writeError(w, http.StatusMethodNotAllowed, api.Problem{Error: "only GET and HEAD are answered here"})
		case foreign(r):
			writeError(w, http.StatusForbidden, api.Problem{Error: "another site's page may not ask this"})
		default:
			crossOrigin.ServeHTTP(w, r)
		}
	})
}

// foreign reports a request that another site's page makes in the background. It could not read the
// answer, but it could use up the streams. Following a link is fine.
func foreign(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

// hostAllowed applies Options.Hosts. A request by IP address cannot come of DNS rebinding.
func (d *Dashboard) hostAllowed(r *http.Request) bool {
	host := strings.ToLower(strings.TrimSuffix(hostOf(r.Host), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	if slices.ContainsFunc(d.o.Hosts, func(h string) bool { return strings.EqualFold(h, host) }) {
		return true
	}
	return len(d.o.Hosts) == 0 && !onLoopback(r)
}

// hostOf is a Host header without port and brackets.
func hostOf(header string) string {
	if host, _, err := net.SplitHostPort(header); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(header, "["), "]")
}

// onLoopback reports whether the request came in on a loopback address; so does one whose address
// cannot be told.
func onLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return true
	}
	at, err := netip.ParseAddrPort(local.String())
	return err != nil || at.Addr().Unmap().IsLoopback()
}
