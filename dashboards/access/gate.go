package access

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/internal/netaddr"
)

// Settings say who is known. They may be replaced while a [Gate] works.
type Settings struct {
	Users []User // people with a password
	Proxy Proxy
	OIDC  *OIDC // nil for none
}

// User is a person with a password.
type User struct {
	Name string
	Role Role
	Hash string // of the password, as [Hash] makes it
}

// Proxy is a proxy that knows people and names them in a header. Nobody else can set that header,
// because it is read only in requests that come from its addresses.
type Proxy struct {
	Addresses []netip.Prefix // none means that there is no such proxy
	Header    string         // such as X-Forwarded-User
	Operators []string       // names of the operators; all others are viewers
}

// Options configures a [Gate].
type Options struct {
	Settings
	// URL is where people find the dashboard, such as https://status.example. OIDC needs it.
	// Cookies are sent over TLS only if its scheme is https.
	URL    string
	Client *http.Client     // for OIDC; nil means one with a time limit
	Audit  *slog.Logger     // who logs in and who changes what; nil means no log
	Now    func() time.Time // nil means time.Now
}

// Gate lets through whom it knows. Make one with [New]. It is safe for concurrent use.
type Gate struct {
	o        Options
	secure   bool
	known    atomic.Pointer[known]
	sessions sessions
	throttle throttle
	hashing  chan struct{} // held while a password is hashed
	provider provider
}

// known are settings that were checked.
type known struct {
	Settings
	hashes map[string]*hashed // by name
	none   *hashed            // for names that nobody has
}

// New returns a Gate, or an error that names every fault of the options.
func New(o Options) (*Gate, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: askProvider}
	}
	if o.Audit == nil {
		o.Audit = slog.New(slog.DiscardHandler)
	}
	g := &Gate{o: o, secure: strings.HasPrefix(o.URL, "https://"), hashing: make(chan struct{}, maxHashing)}
	if err := g.Reload(o.Settings); err != nil {
		return nil, err
	}
	return g, nil
}

// Reload replaces the settings. Sessions of people who are no longer known, or whose password is
// another, end. With an error, it changes nothing.
func (g *Gate) Reload(s Settings) error {
	s.Users = slices.Clone(s.Users)
	k := &known{Settings: s, hashes: map[string]*hashed{}}
	var faults []error
	for _, u := range s.Users {
		h, err := parseHash(u.Hash)
		if u.Name == "" || k.hashes[u.Name] != nil {
			faults = append(faults, fmt.Errorf("user %q: names must not be empty, and each given once", u.Name))
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("user %q: password %w", u.Name, err))
		}
		if err := u.Role.check(); err != nil {
			faults = append(faults, fmt.Errorf("user %q: %w", u.Name, err))
		}
		k.hashes[u.Name] = h
	}
	if len(s.Proxy.Addresses) > 0 && s.Proxy.Header == "" {
		faults = append(faults, errors.New("proxy: the header that names people is missing"))
	}
	if s.OIDC != nil {
		faults = append(faults, s.OIDC.check(g.o.URL))
	}
	if len(s.Users) == 0 && len(s.Proxy.Addresses) == 0 && s.OIDC == nil {
		faults = append(faults, errors.New("nobody is known: give users, a proxy or oidc"))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	k.none = &hashed{argonTime, argonMemory, argonThreads, make([]byte, saltSize), make([]byte, hashSize)}
	g.known.Store(k)
	return nil
}

// Guard passes on requests of people whom the gate knows; [Of] tells who it is. Only operators may
// make others than GET and HEAD requests, and each of these is logged. The gate answers what is
// below /login and /logout itself, and everything else with 401. It does not protect against
// requests of other sites: put an [http.CrossOriginProtection] before it.
func (g *Gate) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := g.own(r.URL.Path); h != nil {
			h(w, r)
			return
		}
		if slices.Contains(public, r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		p, ok := g.who(r)
		switch reads := r.Method == http.MethodGet || r.Method == http.MethodHead; {
		case !ok:
			g.refuse(w, r)
			return
		case !reads && p.Role != Operator:
			g.o.Audit.Warn("audit", "event", "refused", "person", p.Name, "role", p.Role, "method", r.Method, "path", r.URL.Path)
			writeProblem(w, http.StatusForbidden, "only operators may do this")
			return
		case !reads:
			g.o.Audit.Info("audit", "event", "change", "person", p.Name, "how", p.How, "method", r.Method, "path", r.URL.Path)
		}
		next.ServeHTTP(w, r.WithContext(with(r.Context(), p)))
	})
}

// public are the paths that everybody may read: what the login page looks like.
var public = []string{"/style.css", "/favicon.svg", "/licenses.txt"}

// Own reports whether the gate answers requests for a path itself.
func (g *Gate) Own(path string) bool { return g.own(path) != nil }

func (g *Gate) own(path string) http.HandlerFunc {
	switch path {
	case "/login":
		return g.login
	case "/logout":
		return g.logout
	case oidcPath:
		return g.toProvider
	case oidcReturn:
		return g.fromProvider
	default:
		return nil
	}
}

// Knows reports whether the gate still lets through the reads of who made a request. What answers
// for long asks it now and then.
func (g *Gate) Knows(r *http.Request) bool {
	_, ok := g.who(r)
	return ok
}

// who returns who makes a request.
func (g *Gate) who(r *http.Request) (Person, bool) {
	k := g.known.Load()
	if p, ok := k.proxied(r); ok {
		return p, true
	}
	s, ok := g.sessions.of(r, g.o.Now())
	if !ok {
		return Person{}, false
	}
	p := s.person
	switch p.How {
	case "password": // the role is that of now
		i := slices.IndexFunc(k.Users, func(u User) bool { return u.Name == p.Name })
		if i < 0 || k.Users[i].Hash != s.hash {
			return p, false
		}
		p.Role = k.Users[i].Role
		return p, true
	default:
		if k.OIDC == nil {
			return p, false
		}
		p.Role, ok = k.OIDC.role(p.Name)
		return p, ok
	}
}

// proxied returns the person whom a trusted proxy names. It believes no header that is there twice:
// one of the two may be the client's.
func (k *known) proxied(r *http.Request) (Person, bool) {
	names := r.Header.Values(k.Proxy.Header)
	peer := netaddr.Parse(r.RemoteAddr)
	if len(names) != 1 || names[0] == "" || !slices.ContainsFunc(k.Proxy.Addresses, func(p netip.Prefix) bool { return p.Contains(peer) }) {
		return Person{}, false
	}
	name, role := names[0], Viewer
	if slices.Contains(k.Proxy.Operators, name) {
		role = Operator
	}
	return Person{Name: name, Role: role, How: "proxy"}, true
}
