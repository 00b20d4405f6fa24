package collector

import (
	"errors"
	"fmt"
	"strings"

	"github.com/heliograph-net/heliograph/internal/sentry"
	"github.com/heliograph-net/heliograph/report"
)

// SentryProject is the project whose errors are taken from SDKs of Sentry. Their DSN is
// https://KEY@COLLECTOR/PROJECT. The zero value takes nothing.
type SentryProject struct {
	Project string // a number, as SDKs want it
	// the public key of the DSN: 16 to 64 letters and digits. Browsers' SDKs show it to everybody.
	// So it keeps out mistakes, not people
	Key string
	// the application of events whose release does not name one ("shop@1.2.3"). "" means "sentry"
	App string
}

const defaultSentryApp = "sentry"

// Check returns all faults, joined.
func (p *SentryProject) Check() error {
	if *p == (SentryProject{}) {
		return nil
	}
	var faults []error
	if p.Project == "" || len(p.Project) > 20 || strings.Trim(p.Project, "0123456789") != "" {
		faults = append(faults, fmt.Errorf("project must be a number, is %q", p.Project))
	}
	if len(p.Key) < 16 || len(p.Key) > 64 || !isName(p.Key) {
		faults = append(faults, errors.New("key must be 16 to 64 letters and digits; openssl rand -hex 16 prints one"))
	}
	if len(p.App) > report.MaxString {
		faults = append(faults, fmt.Errorf("app must have at most %d bytes", report.MaxString))
	}
	return errors.Join(faults...)
}

// header describes the application of an event as agents do.
func (p *SentryProject) header(e *sentry.Event, userAgent string, consent report.Consent, token [16]byte) *report.Header {
	app, version := "", e.Release
	if at := strings.LastIndexByte(e.Release, '@'); at >= 0 {
		app, version = e.Release[:at], e.Release[at+1:]
	}
	if app = clean(app, report.MaxString); app == "" {
		app = p.App
	}
	if app == "" {
		app = defaultSentryApp
	}
	return &report.Header{Source: report.SourceAgent, App: app, Version: clean(version, report.MaxString), OS: systemOf(e, userAgent),
		Consent: consent, Client: token}
}

// sentrySystems maps names of systems to those that agents use.
var sentrySystems = map[string]string{"windows": "windows", "linux": "linux", "android": "android", "ios": "ios", "ipados": "ios", "darwin": "darwin",
	"macos": "darwin", "mac os x": "darwin", "freebsd": "freebsd", "openbsd": "openbsd", "netbsd": "netbsd", "chrome os": "chromeos"}

// systemOf returns the system of an event, or "" if it is unknown. SDKs in browsers leave it to the
// server to read the User-Agent header.
func systemOf(e *sentry.Event, userAgent string) string {
	if e.OS == "" {
		return parseUserAgent(userAgent).os
	}
	name := sentrySystems[strings.ToLower(e.OS)]
	if name == "" && e.Platform == "node" {
		return "linux" // the name of a distribution
	}
	return name
}
