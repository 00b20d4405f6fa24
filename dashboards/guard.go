package dashboards

import (
	"net/http"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

// contentSecurityPolicy allows the page to load only its own files and to connect only to its own
// origin. Trusted Types prevent scripts from turning strings into markup.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// guard makes the checks that every request must pass first.
func (d *Dashboard) guard(next http.Handler) http.Handler {
	if d.o.Access != nil {
		next = d.o.Access.Guard(next)
	}
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
		case !d.hosts.Load().Allow(r):
			writeError(w, http.StatusMisdirectedRequest, api.Problem{
				Error: "this host name is not served here; ask by IP address or localhost, or list the name among the dashboard's hosts",
			})
		case r.Method != http.MethodGet && r.Method != http.MethodHead && !(r.Method == http.MethodPost && d.takesPost(r.URL.Path)):
			h.Set("Allow", "GET, HEAD")
			writeError(w, http.StatusMethodNotAllowed, api.Problem{Error: "only GET and HEAD are answered here"})
		case foreign(r):
			writeError(w, http.StatusForbidden, api.Problem{Error: "another site's page may not ask this"})
		default:
			crossOrigin.ServeHTTP(w, r)
		}
	})
}

// takesPost reports whether a path takes something: the login, notes on incidents, mutes, and tests
// of receivers.
func (d *Dashboard) takesPost(path string) bool {
	return d.o.Access != nil && d.o.Access.Own(path) || notesPath.MatchString(path) || mutesPath.MatchString(path) || testPath.MatchString(path)
}

// foreign reports whether a page of another site makes the request in the background. Such a page
// could not read the answer, but it could use up the streams. Following a link is allowed.
func foreign(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}
