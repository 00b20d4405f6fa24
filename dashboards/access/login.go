package access

import (
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/internal/netaddr"
)

// maxForm is the greatest size of the login form in bytes.
const maxForm = 8 << 10

// loginPolicy allows what the login page needs: its styles, and to send the form here.
const loginPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// loginPage is the page with the form. It needs no script.
var loginPage = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Log in · Heliograph</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main class="login">
<h1>Heliograph</h1>
{{with .Fault}}<p class="bad-text" role="alert">{{.}}</p>
{{end}}{{if .Passwords}}<form method="post" action="/login">
<label>Name <input name="name" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button>
</form>
{{end}}{{if .OIDC}}<p><a href="/login/oidc">Log in with {{.OIDC}}</a></p>
{{end}}{{if not (or .Passwords .OIDC)}}<p>Come by the proxy that knows you.</p>
{{end}}</main>
</body>
</html>
`))

// show answers with the login page.
func (g *Gate) show(w http.ResponseWriter, status int, fault string) {
	k := g.known.Load()
	data := struct {
		Fault, OIDC string
		Passwords   bool
	}{Fault: fault, Passwords: len(k.Users) > 0}
	if k.OIDC != nil {
		data.OIDC = k.OIDC.name()
	}
	w.Header().Set("Content-Security-Policy", loginPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = loginPage.Execute(w, data) // an error means that the client is gone
}

// refuse answers those who are not known: browsers with the login page, programs with a problem.
func (g *Gate) refuse(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") {
		g.show(w, http.StatusUnauthorized, "")
		return
	}
	writeProblem(w, http.StatusUnauthorized, "log in first, at /login")
}

func writeProblem(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text}) // likewise
}

// login shows the form, or takes it.
func (g *Gate) login(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		g.show(w, http.StatusOK, "")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		g.show(w, http.StatusBadRequest, "The form cannot be read.")
		return
	}
	peer := netaddr.Parse(r.RemoteAddr)
	if !g.throttle.try(peer, g.o.Now()) {
		w.Header().Set("Retry-After", strconv.Itoa(int(failureEvery/time.Second)))
		g.show(w, http.StatusTooManyRequests, "Too many failed logins from your network. Wait half a minute.")
		return
	}
	name := r.PostForm.Get("name")
	hash, ok := g.right(r, name, r.PostForm.Get("password"))
	if !ok {
		g.o.Audit.Warn("audit", "event", "login_failed", "how", "password")
		g.show(w, http.StatusUnauthorized, "Name or password is wrong.")
		return
	}
	g.throttle.succeeded(peer)
	g.begin(w, r, Person{Name: name, How: "password"}, hash)
}

// right reports whether a password is that of a user, and returns its hash. It takes as long for
// names that nobody has.
func (g *Gate) right(r *http.Request, name, password string) (hash string, ok bool) {
	select {
	case g.hashing <- struct{}{}:
		defer func() { <-g.hashing }()
	case <-r.Context().Done():
		return "", false
	}
	k := g.known.Load()
	h := k.hashes[name]
	if h == nil {
		h = k.none
	}
	if len(password) > MaxPassword || !h.matches(password) || h == k.none {
		return "", false
	}
	return k.Users[slices.IndexFunc(k.Users, func(u User) bool { return u.Name == name })].Hash, true
}

// begin begins a session and shows the dashboard. hash is that of the password, if there is one.
func (g *Gate) begin(w http.ResponseWriter, r *http.Request, p Person, hash string) {
	g.o.Audit.Info("audit", "event", "login", "person", p.Name, "how", p.How)
	setCookie(w, cookieName, g.sessions.begin(p, hash, g.o.Now()), int(sessionLasts/time.Second), g.secure)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// logout ends a session.
func (g *Gate) logout(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		writeProblem(w, http.StatusMethodNotAllowed, "only POST logs out")
		return
	}
	if p, ok := g.who(r); ok {
		g.o.Audit.Info("audit", "event", "logout", "person", p.Name)
	}
	g.sessions.end(r)
	setCookie(w, cookieName, "", -1, g.secure)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
