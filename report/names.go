package report

import "errors"

// ParseConsent is the inverse of [Consent.String].
func ParseConsent(s string) (Consent, error) {
	for c := Off; c <= Diagnostics; c++ {
		if s == c.String() {
			return c, nil
		}
	}
	return Off, errors.New(`consent must be "off", "counts" or "diagnostics"`)
}

// String returns "off", "counts" or "diagnostics", and "unknown" for any other value.
func (c Consent) String() string {
	switch c {
	case Off:
		return "off"
	case Counts:
		return "counts"
	case Diagnostics:
		return "diagnostics"
	default:
		return "unknown"
	}
}

// String returns "agent", "browser" or "prober", and "unknown" for any other value.
func (s Source) String() string {
	switch s {
	case SourceAgent:
		return "agent"
	case SourceBrowser:
		return "browser"
	case SourceProber:
		return "prober"
	default:
		return "unknown"
	}
}
