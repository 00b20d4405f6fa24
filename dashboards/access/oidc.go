package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	oidcPath   = "/login/oidc"
	oidcReturn = "/login/oidc/callback"
	oidcCookie = "heliograph_login"
	// A login at the provider must end within loginLasts, and at most maxLogins are under way.
	loginLasts = 10 * time.Minute
	maxLogins  = 1000
	// askProvider is the time limit of what is asked of the provider.
	askProvider = 10 * time.Second
)

// OIDC is a provider of OpenID Connect (OpenID Connect Core 1.0). It names people by their verified
// e-mail address.
type OIDC struct {
	Issuer       string // its URL
	ClientID     string
	ClientSecret string
	// Viewers and Operators are e-mail addresses, or "*@example.org" for all of a domain.
	Viewers, Operators []string
}

// check returns the faults of the settings, joined.
func (o *OIDC) check(base string) error {
	var faults []error
	if u, err := url.Parse(o.Issuer); err != nil || u.Host == "" {
		faults = append(faults, fmt.Errorf("oidc: %q is not the URL of an issuer", o.Issuer))
	}
	if o.ClientID == "" {
		faults = append(faults, errors.New("oidc: the client's id is missing"))
	}
	if len(o.Viewers)+len(o.Operators) == 0 {
		faults = append(faults, errors.New("oidc: name viewers or operators, because a provider knows many people"))
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" {
		faults = append(faults, errors.New("oidc: the URL at which people find the dashboard is missing"))
	}
	return errors.Join(faults...)
}

// name is what the login page calls the provider.
func (o *OIDC) name() string {
	u, err := url.Parse(o.Issuer)
	if err != nil {
		return o.Issuer
	}
	return u.Hostname()
}

// role returns the role of an e-mail address, and whether it has one.
func (o *OIDC) role(mail string) (Role, bool) {
	within := func(list []string) bool {
		return slices.ContainsFunc(list, func(pattern string) bool {
			domain, all := strings.CutPrefix(pattern, "*@")
			_, own, _ := strings.Cut(mail, "@")
			return strings.EqualFold(pattern, mail) || all && own != "" && strings.EqualFold(own, domain)
		})
	}
	switch {
	case within(o.Operators):
		return Operator, true
	case within(o.Viewers):
		return Viewer, true
	default:
		return "", false
	}
}

// provider remembers what the provider says of itself, and the logins that are under way. The zero
// value is empty. It is safe for concurrent use.
type provider struct {
	asking sync.Mutex // held while the provider is asked
	of     string     // guarded by asking; the issuer that found is of
	found  *oidc.Provider

	mu     sync.Mutex
	logins map[token]pending // guarded by mu; by the hash of a cookie
}

// pending is a login that is under way: what the answer must agree with.
type pending struct {
	state, nonce, verifier string
	began                  time.Time
}

// client returns a context in which the provider is asked, with a time limit.
func (g *Gate) client(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, askProvider)
	return oidc.ClientContext(ctx, g.o.Client), cancel
}

// configured asks the provider about itself, once, and returns how to talk to it.
func (g *Gate) configured(ctx context.Context, o *OIDC) (*oidc.Provider, *oauth2.Config, error) {
	p := &g.provider
	p.asking.Lock()
	defer p.asking.Unlock()
	if p.found == nil || p.of != o.Issuer {
		found, err := oidc.NewProvider(ctx, o.Issuer)
		if err != nil {
			return nil, nil, err
		}
		p.found, p.of = found, o.Issuer
	}
	return p.found, &oauth2.Config{ClientID: o.ClientID, ClientSecret: o.ClientSecret, Endpoint: p.found.Endpoint(),
		RedirectURL: strings.TrimSuffix(g.o.URL, "/") + oidcReturn, Scopes: []string{oidc.ScopeOpenID, "email"}}, nil
}

// toProvider sends the browser to the provider.
func (g *Gate) toProvider(w http.ResponseWriter, r *http.Request) {
	o := g.known.Load().OIDC
	if o == nil || r.Method != http.MethodGet {
		g.show(w, http.StatusNotFound, "There is no such login.")
		return
	}
	ctx, cancel := g.client(r.Context())
	defer cancel()
	_, config, err := g.configured(ctx, o)
	if err != nil {
		g.failed(w, http.StatusBadGateway, "The provider cannot be asked; the log says more.", err)
		return
	}
	state, _ := newToken()
	nonce, _ := newToken()
	l := pending{state: state, nonce: nonce, verifier: oauth2.GenerateVerifier(), began: g.o.Now()}
	setCookie(w, oidcCookie, g.provider.remember(l), int(loginLasts/time.Second), g.secure)
	http.Redirect(w, r, config.AuthCodeURL(l.state, oidc.Nonce(l.nonce), oauth2.S256ChallengeOption(l.verifier)), http.StatusSeeOther)
}

// remember keeps a login that is under way and returns the secret of its cookie. If there are too
// many, all are forgotten that have lasted too long, or else all.
func (p *provider) remember(l pending) string {
	secret, hash := newToken()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.logins) >= maxLogins {
		for t, o := range p.logins {
			if l.began.Sub(o.began) > loginLasts {
				delete(p.logins, t)
			}
		}
	}
	if p.logins == nil || len(p.logins) >= maxLogins {
		p.logins = map[token]pending{}
	}
	p.logins[hash] = l
	return secret
}

// take returns the login of a browser, which can be taken once.
func (p *provider) take(r *http.Request, now time.Time) (pending, bool) {
	c, err := r.Cookie(oidcCookie)
	if err != nil {
		return pending{}, false
	}
	hash := token(sha256.Sum256([]byte(c.Value)))
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.logins[hash]
	delete(p.logins, hash)
	return l, ok && now.Sub(l.began) <= loginLasts
}

// fromProvider takes the provider's answer and begins a session.
func (g *Gate) fromProvider(w http.ResponseWriter, r *http.Request) {
	o := g.known.Load().OIDC
	l, ok := g.provider.take(r, g.o.Now())
	if o == nil || !ok || r.FormValue("state") != l.state {
		g.failed(w, http.StatusBadRequest, "This login is not of this browser, or took too long. Begin anew.", errors.New("state does not match"))
		return
	}
	setCookie(w, oidcCookie, "", -1, g.secure)
	ctx, cancel := g.client(r.Context())
	defer cancel()
	mail, err := g.confirmed(ctx, o, r.FormValue("code"), l)
	if err != nil {
		g.failed(w, http.StatusUnauthorized, "The provider did not confirm who you are; the log says more.", err)
		return
	}
	if _, ok := o.role(mail); !ok {
		g.failed(w, http.StatusForbidden, "You are known to the provider, and not among those who may look here.", errors.New("has no role"))
		return
	}
	g.begin(w, r, Person{Name: mail, How: "oidc"}, "")
}

// confirmed exchanges a code for the e-mail address that the provider confirms.
func (g *Gate) confirmed(ctx context.Context, o *OIDC, code string, l pending) (string, error) {
	provider, config, err := g.configured(ctx, o)
	if err != nil {
		return "", err
	}
	tokens, err := config.Exchange(ctx, code, oauth2.VerifierOption(l.verifier))
	if err != nil {
		return "", err
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: o.ClientID, Now: g.o.Now}).Verify(ctx, raw)
	if err != nil {
		return "", err
	}
	var claims struct {
		Mail     string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := id.Claims(&claims); err != nil {
		return "", err
	}
	if id.Nonce != l.nonce {
		return "", errors.New("the token is of another login")
	}
	if claims.Mail == "" || !claims.Verified {
		return "", errors.New("the provider has not verified an e-mail address")
	}
	return claims.Mail, nil
}

// failed answers a login at the provider that failed.
func (g *Gate) failed(w http.ResponseWriter, status int, text string, err error) {
	g.o.Audit.Warn("audit", "event", "login_failed", "how", "oidc", "error", err)
	g.show(w, status, text)
}
