package collector

import (
	"strings"

	"github.com/heliograph-net/heliograph/report"
)

// userAgent has what is stored of a browser's User-Agent string, and the string itself for the
// client token.
type userAgent struct {
	family, major, os string // "chrome", "120", "windows"
	raw               string // used only in the keyed hash of clientTokens
}

// families lists browsers in the order in which they are searched for, because most browsers also
// claim to be the ones they descend from.
var families = []struct{ mark, family string }{
	{"Edg/", "edge"}, {"EdgA/", "edge"}, {"EdgiOS/", "edge"},
	{"OPR/", "opera"}, {"SamsungBrowser/", "samsung"}, {"YaBrowser/", "yandex"}, {"Vivaldi/", "vivaldi"},
	{"FxiOS/", "firefox"}, {"Firefox/", "firefox"}, {"CriOS/", "chrome"}, {"Chrome/", "chrome"}, {"Version/", "safari"},
}

// systems lists operating systems in the order in which they are searched for: Android also says
// Linux, and iPads may say Mac OS X.
var systems = []struct{ mark, os string }{
	{"Windows", "windows"}, {"Android", "android"}, {"iPhone", "ios"}, {"iPad", "ios"}, {"iPod", "ios"}, {"CrOS", "chromeos"},
	{"Mac OS X", "macos"}, {"Linux", "linux"},
}

// maxUserAgent is how many bytes of a User-Agent string are parsed.
const maxUserAgent = 512

// parseUserAgent never fails. It returns "other" for what it does not know.
func parseUserAgent(s string) userAgent {
	s = s[:min(len(s), maxUserAgent)]
	ua := userAgent{family: "other", raw: s}
	for _, f := range families {
		if _, rest, found := strings.Cut(s, f.mark); found {
			ua.family, ua.major = f.family, leadingDigits(rest)
			break
		}
	}
	for _, o := range systems {
		if strings.Contains(s, o.mark) {
			ua.os = o.os
			break
		}
	}
	return ua
}

// leadingDigits returns the digits at the beginning of s, a major version, or "" if there are
// more than 4.
func leadingDigits(s string) string {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n > 4 {
		return ""
	}
	return s[:n]
}

// header returns a header that describes the browser, as agents describe their application.
func (u userAgent) header(consent report.Consent, token [16]byte) *report.Header {
	return &report.Header{Source: report.SourceBrowser, App: u.family, Version: u.major, OS: u.os, Consent: consent, Client: token}
}
