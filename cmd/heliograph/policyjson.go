package main

import (
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// shownPolicy is a policy in JSON.
type shownPolicy struct {
	Version         uint64           `json:"version"`
	Issued          time.Time        `json:"issued"`
	Expires         time.Time        `json:"expires"`
	Disabled        bool             `json:"disabled"`
	MaxConsent      string           `json:"max_consent"`
	SuccessFraction float64          `json:"success_fraction"`
	WindowMS        uint64           `json:"window_ms"`
	EarlyMS         uint64           `json:"early_ms"` // 0: never
	ShortLived      bool             `json:"short_lived"`
	Samples         uint32           `json:"samples_per_window"`
	RefreshSeconds  uint64           `json:"refresh_seconds"`
	BytesPerDay     uint64           `json:"bytes_per_day"`
	SignedBy        string           `json:"signed_by"` // hexadecimal Ed25519 public key
	Signers         []string         `json:"signers"`
	Collectors      []shownCollector `json:"collectors"`
}

type shownCollector struct {
	ID         string   `json:"id"`
	URL        string   `json:"url"`
	Priority   uint32   `json:"priority"`
	Weight     uint32   `json:"weight"`
	Addresses  []string `json:"addresses,omitempty"`
	Pins       []string `json:"pins,omitempty"` // base64
	Relay      string   `json:"relay,omitempty"`
	ReceiptKey string   `json:"receipt_key"` // hexadecimal Ed25519 public key
}

func newShownPolicy(signed []byte, p *policy.Policy) shownPolicy {
	signer, _ := policy.Signer(signed) // which has been read already
	s := shownPolicy{
		Version: p.Version, Issued: time.Unix(p.Issued, 0).UTC(), Expires: time.Unix(p.Expires, 0).UTC(), Disabled: p.Disabled,
		MaxConsent: p.MaxConsent.String(), SuccessFraction: float64(p.SuccessPPM) / report.FullPPM, WindowMS: p.WindowMS,
		ShortLived: p.ShortLived, Samples: p.SamplesPerWindow, RefreshSeconds: p.RefreshSeconds, BytesPerDay: p.BytesPerDay, SignedBy: hex.EncodeToString(signer),
	}
	if p.EarlyMS != policy.NeverEarly {
		s.EarlyMS = p.EarlyMS
	}
	for _, k := range p.Signers {
		s.Signers = append(s.Signers, hex.EncodeToString(k))
	}
	for _, c := range p.Collectors {
		shown := shownCollector{ID: c.ID, URL: c.URL, Priority: c.Priority, Weight: c.Weight, Addresses: c.Addresses, Relay: c.Relay,
			ReceiptKey: hex.EncodeToString(c.ReceiptKey)}
		for _, pin := range c.Pins {
			shown.Pins = append(shown.Pins, base64.StdEncoding.EncodeToString(pin))
		}
		s.Collectors = append(s.Collectors, shown)
	}
	return s
}
