package sentry

import (
	"net/http"
	"net/url"
	"strings"
)

// Key returns the key that a request names: in X-Sentry-Auth, as servers' SDKs do, in the query, as
// browsers' SDKs do to need no preflight, or in Authorization. It returns "" if there is none.
func Key(r *http.Request) string {
	for _, name := range []string{"X-Sentry-Auth", "Authorization"} {
		if key := authKey(r.Header.Get(name)); key != "" {
			return key
		}
	}
	return r.URL.Query().Get("sentry_key")
}

// authKey returns the key in "Sentry sentry_version=7, sentry_key=…".
func authKey(s string) string {
	s, ok := strings.CutPrefix(s, "Sentry ")
	if !ok {
		return ""
	}
	for field := range strings.SplitSeq(s, ",") {
		if key, ok := strings.CutPrefix(strings.TrimSpace(field), "sentry_key="); ok {
			return key
		}
	}
	return ""
}

// ParseDSN returns the key and the project of a DSN: https://key@host/path/project.
func ParseDSN(dsn string) (key, project string) {
	u, err := url.Parse(dsn)
	if err != nil || u.User == nil {
		return "", ""
	}
	return u.User.Username(), u.Path[strings.LastIndexByte(u.Path, '/')+1:]
}
