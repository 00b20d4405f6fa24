package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"
)

const (
	maxSessions  = 1000
	sessionLasts = 12 * time.Hour
	cookieName   = "heliograph_session"
)

// token is a secret of a browser; only its hash is kept.
type token [sha256.Size]byte

// newToken returns a random secret for a cookie, and its hash.
func newToken() (secret string, hash token) {
	var b [32]byte
	rand.Read(b[:]) // never fails
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	return secret, sha256.Sum256([]byte(secret))
}

// sessions are the people who are logged in. If there are too many, the oldest is ended. The zero
// value is empty. It is safe for concurrent use.
type sessions struct {
	mu   sync.Mutex
	open map[token]session // guarded by mu
}

type session struct {
	person Person
	hash   string // of the password that began it; "" without one
	began  time.Time
}

// begin begins a session and returns the secret of its cookie.
func (s *sessions) begin(p Person, hash string, now time.Time) string {
	secret, key := newToken()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[token]session{}
	}
	if len(s.open) >= maxSessions {
		s.drop(now)
	}
	s.open[key] = session{p, hash, now}
	return secret
}

// drop ends the sessions that are over, and the oldest one. The caller holds mu.
func (s *sessions) drop(now time.Time) {
	var oldest token
	var began time.Time
	for t, o := range s.open {
		if now.Sub(o.began) > sessionLasts {
			delete(s.open, t)
		} else if began.IsZero() || o.began.Before(began) {
			oldest, began = t, o.began
		}
	}
	delete(s.open, oldest)
}

// of returns the session of a request, by its cookie.
func (s *sessions) of(r *http.Request, now time.Time) (session, bool) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return session{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.open[sha256.Sum256([]byte(c.Value))]
	if !ok || now.Sub(o.began) > sessionLasts {
		return session{}, false
	}
	return o, true
}

// end ends the session of a request.
func (s *sessions) end(r *http.Request) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sha256.Sum256([]byte(c.Value)))
}

// setCookie sets a cookie that scripts cannot read and other sites' requests do not carry, except
// when a link is followed. seconds below 0 delete it.
func setCookie(w http.ResponseWriter, name, value string, seconds int, secure bool) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode})
}
