package report

import "github.com/heliograph-net/heliograph/report/cbor"

// Keys of a header's map.
const (
	headerSource  = 1
	headerApp     = 2
	headerVersion = 3
	headerOS      = 4
	headerConsent = 5
	headerClient  = 6
	headerDrops   = 7
)

func (h *Header) appendBody(dst []byte) []byte {
	f := newFields(dst)
	f.uint(headerSource, uint64(h.Source))
	f.text(headerApp, h.App)
	f.text(headerVersion, h.Version)
	f.text(headerOS, h.OS)
	f.uint(headerConsent, uint64(h.Consent))
	f.bytes16(headerClient, h.Client)
	if len(h.Drops) > 0 {
		f.key(headerDrops)
		f.b = cbor.AppendArray(f.b, len(h.Drops))
		for _, drop := range h.Drops {
			f.b = cbor.AppendText(cbor.AppendArray(f.b, 2), drop.Reason)
			f.b = cbor.AppendUint(f.b, drop.Count)
		}
	}
	return f.b
}

func decodeHeader(d *cbor.Decoder) *Header {
	h := new(Header)
	var key uint64
	for range d.Fields(7) {
		switch key = d.Key(key); key {
		case headerSource:
			h.Source = Source(readUint(d, uint64(SourceProber)))
		case headerApp:
			h.App = readText(d, MaxString)
		case headerVersion:
			h.Version = readText(d, MaxString)
		case headerOS:
			h.OS = readText(d, MaxString)
		case headerConsent:
			h.Consent = Consent(readUint(d, uint64(Diagnostics)))
		case headerClient:
			h.Client = readBytes16(d)
		case headerDrops:
			h.Drops = decodeDrops(d)
		default:
			d.SkipField(key)
		}
	}
	return h
}

func decodeDrops(d *cbor.Decoder) []Drop {
	n := d.Array(MaxDrops)
	if n == 0 {
		d.Fail(presentZero)
		return nil
	}
	drops := make([]Drop, 0, n)
	for range n {
		if d.Array(2) != 2 {
			d.Fail("want a reason and a count")
		}
		drops = append(drops, Drop{Reason: d.Text(MaxOutcome), Count: d.Uint()})
	}
	return drops
}

func (h *Header) validate() error {
	if fault := h.fault(); fault != "" {
		return malformed("header", fault)
	}
	return nil
}

// fault says what breaks h's rules, or "".
func (h *Header) fault() string {
	switch {
	case h == nil:
		return "is nil"
	case h.Source < SourceAgent || h.Source > SourceProber:
		return "source is unknown"
	case nameFault(h.App, MaxString) != "":
		return "app is " + nameFault(h.App, MaxString)
	case textFault(h.Version, MaxString) != "":
		return "version is " + textFault(h.Version, MaxString)
	case textFault(h.OS, MaxString) != "":
		return "os is " + textFault(h.OS, MaxString)
	case h.Consent != Counts && h.Consent != Diagnostics:
		return "consent is off or unknown"
	case len(h.Drops) > MaxDrops:
		return "more than MaxDrops drops"
	}
	return dropsFault(h.Drops)
}

func dropsFault(drops []Drop) string {
	last := ""
	for _, drop := range drops {
		switch {
		case !validReason(drop.Reason):
			return "drop reason is not 1 to MaxOutcome bytes of [a-z_]"
		case drop.Reason <= last:
			return "drops are not sorted, or name a reason twice"
		case drop.Count == 0 || drop.Count > MaxCount:
			return "drop count is zero or above MaxCount"
		}
		last = drop.Reason
	}
	return ""
}

func validReason(s string) bool {
	if s == "" || len(s) > MaxOutcome {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return true
}
