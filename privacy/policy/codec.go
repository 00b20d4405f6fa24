package policy

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"math"

	"github.com/heliograph-net/heliograph/privacy/internal/wire"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/report/cbor"
)

// Keys of a policy's map. Fields that may be zero are left out if they are, and so is
// policyKeyEarly with its default, because release 0.1.0 does not know it; the others are
// always present.
const (
	policyKeyVersion    = 1
	policyKeyIssued     = 2
	policyKeyExpires    = 3
	policyKeyDisabled   = 4 // may be zero
	policyKeyMaxConsent = 5 // may be zero
	policyKeySuccess    = 6
	policyKeyWindow     = 7
	policyKeySamples    = 8
	policyKeyRefresh    = 9
	policyKeyBytes      = 10
	policyKeySealKey    = 11
	policyKeyCollectors = 12
	policyKeySigners    = 13
	policyKeyEarly      = 14 // 0: never
	policyKeys          = 14

	// may be zero; a key that older releases pass over, see cbor.FirstOptional, which is itself
	// left to tests of unknown keys
	policyKeyShortLived = cbor.FirstOptional + 1
)

// Keys of a collector's map.
const (
	collectorKeyID         = 1
	collectorKeyURL        = 2
	collectorKeyPriority   = 3 // may be zero
	collectorKeyWeight     = 4 // may be zero
	collectorKeyAddresses  = 5 // may be empty
	collectorKeyPins       = 6 // may be empty
	collectorKeyReceiptKey = 7
	collectorKeyRelay      = 8 // may be empty
	collectorKeyOblivious  = 9 // may be empty
	collectorKeys          = 9
)

// appendPolicy appends the encoding of p, which must be valid and have its defaults filled in.
func appendPolicy(dst []byte, p *Policy) []byte {
	n := policyKeys
	if p.ShortLived {
		n++
	}
	if !p.Disabled {
		n--
	}
	if p.MaxConsent == 0 {
		n--
	}
	if p.EarlyMS == DefaultEarlyMS {
		n--
	}
	dst = cbor.AppendMap(dst, n)
	dst = appendUintField(dst, policyKeyVersion, p.Version)
	dst = appendUintField(dst, policyKeyIssued, uint64(p.Issued))
	dst = appendUintField(dst, policyKeyExpires, uint64(p.Expires))
	if p.Disabled {
		dst = cbor.AppendBool(cbor.AppendUint(dst, policyKeyDisabled), true)
	}
	dst = appendUintField(dst, policyKeyMaxConsent, uint64(p.MaxConsent))
	dst = appendUintField(dst, policyKeySuccess, uint64(p.SuccessPPM))
	dst = appendUintField(dst, policyKeyWindow, p.WindowMS)
	dst = appendUintField(dst, policyKeySamples, uint64(p.SamplesPerWindow))
	dst = appendUintField(dst, policyKeyRefresh, p.RefreshSeconds)
	dst = appendUintField(dst, policyKeyBytes, p.BytesPerDay)
	dst = cbor.AppendBytes(cbor.AppendUint(dst, policyKeySealKey), p.SealKey)
	dst = cbor.AppendArray(cbor.AppendUint(dst, policyKeyCollectors), len(p.Collectors))
	for i := range p.Collectors {
		dst = appendCollector(dst, &p.Collectors[i])
	}
	dst = appendKeys(cbor.AppendUint(dst, policyKeySigners), p.Signers)
	switch p.EarlyMS {
	case DefaultEarlyMS:
	case NeverEarly:
		dst = cbor.AppendUint(cbor.AppendUint(dst, policyKeyEarly), 0)
	default:
		dst = appendUintField(dst, policyKeyEarly, p.EarlyMS)
	}
	if p.ShortLived {
		dst = cbor.AppendBool(cbor.AppendUint(dst, policyKeyShortLived), true)
	}
	return dst
}

func appendCollector(dst []byte, c *Collector) []byte {
	n := collectorKeys
	for _, absent := range [...]bool{c.Priority == 0, c.Weight == 0, len(c.Addresses) == 0, len(c.Pins) == 0, c.Relay == "", len(c.ObliviousKeys) == 0} {
		if absent {
			n--
		}
	}
	dst = cbor.AppendMap(dst, n)
	dst = cbor.AppendText(cbor.AppendUint(dst, collectorKeyID), c.ID)
	dst = cbor.AppendText(cbor.AppendUint(dst, collectorKeyURL), c.URL)
	dst = appendUintField(dst, collectorKeyPriority, uint64(c.Priority))
	dst = appendUintField(dst, collectorKeyWeight, uint64(c.Weight))
	if len(c.Addresses) > 0 {
		dst = cbor.AppendArray(cbor.AppendUint(dst, collectorKeyAddresses), len(c.Addresses))
		for _, a := range c.Addresses {
			dst = cbor.AppendText(dst, a)
		}
	}
	if len(c.Pins) > 0 {
		dst = appendKeys(cbor.AppendUint(dst, collectorKeyPins), c.Pins)
	}
	dst = cbor.AppendBytes(cbor.AppendUint(dst, collectorKeyReceiptKey), c.ReceiptKey)
	if c.Relay != "" {
		dst = cbor.AppendText(cbor.AppendUint(dst, collectorKeyRelay), c.Relay)
	}
	if len(c.ObliviousKeys) > 0 {
		dst = cbor.AppendBytes(cbor.AppendUint(dst, collectorKeyOblivious), c.ObliviousKeys)
	}
	return dst
}

func appendUintField(dst []byte, key, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return cbor.AppendUint(cbor.AppendUint(dst, key), v)
}

func appendKeys(dst []byte, keys [][]byte) []byte {
	dst = cbor.AppendArray(dst, len(keys))
	for _, k := range keys {
		dst = cbor.AppendBytes(dst, k)
	}
	return dst
}

// decodePolicy is the inverse of appendPolicy. It refuses bytes that appendPolicy would not write,
// but for fields with keys from cbor.FirstOptional on, which it passes over.
func decodePolicy(b []byte) (*Policy, error) {
	d := cbor.New(b)
	p := &Policy{EarlyMS: DefaultEarlyMS}
	var key uint64
	for range d.Fields(policyKeys) {
		key = d.Key(key)
		p.decodeField(d, key)
	}
	if d.Skipped() {
		p.foreign = bytes.Clone(b)
	}
	if err := d.Done(); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if p.SuccessPPM == 0 || p.WindowMS == 0 || p.SamplesPerWindow == 0 || p.RefreshSeconds == 0 || p.BytesPerDay == 0 {
		return nil, errors.New("a number is left to its default")
	}
	return p, nil
}

func (p *Policy) decodeField(d *cbor.Decoder, key uint64) {
	switch key {
	case policyKeyVersion:
		p.Version = wire.ReadPositive(d, math.MaxUint64)
	case policyKeyIssued:
		p.Issued = int64(wire.ReadPositive(d, maxUnixSeconds))
	case policyKeyExpires:
		p.Expires = int64(wire.ReadPositive(d, maxUnixSeconds))
	case policyKeyDisabled:
		if p.Disabled = d.Bool(); !p.Disabled {
			d.Fail(wire.PresentZero)
		}
	case policyKeyMaxConsent:
		p.MaxConsent = report.Consent(wire.ReadPositive(d, uint64(report.Diagnostics)))
	case policyKeySuccess:
		p.SuccessPPM = uint32(wire.ReadPositive(d, report.FullPPM))
	case policyKeyWindow:
		p.WindowMS = wire.ReadPositive(d, maxWindowMS)
	case policyKeySamples:
		p.SamplesPerWindow = uint32(wire.ReadPositive(d, maxSamples))
	case policyKeyRefresh:
		p.RefreshSeconds = wire.ReadPositive(d, maxRefreshSeconds)
	case policyKeyBytes:
		p.BytesPerDay = wire.ReadPositive(d, maxBytesPerDay)
	case policyKeySealKey:
		p.SealKey = bytes.Clone(d.Bytes(seal.KeySize))
	case policyKeyCollectors:
		for range d.Array(MaxCollectors) {
			p.Collectors = append(p.Collectors, decodeCollector(d))
		}
	case policyKeySigners:
		p.Signers = decodeKeys(d, MaxSigners, ed25519.PublicKeySize)
	case policyKeyEarly:
		switch p.EarlyMS = d.Uint(); {
		case p.EarlyMS == 0:
			p.EarlyMS = NeverEarly
		case p.EarlyMS == DefaultEarlyMS:
			d.Fail("present with its default")
		case p.EarlyMS > maxWindowMS:
			d.Fail("number too large")
		}
	case policyKeyShortLived:
		if p.ShortLived = d.Bool(); !p.ShortLived {
			d.Fail(wire.PresentZero)
		}
	default:
		d.SkipField(key)
	}
}

func decodeCollector(d *cbor.Decoder) (c Collector) {
	var key uint64
	for range d.Fields(collectorKeys) {
		switch key = d.Key(key); key {
		case collectorKeyID:
			c.ID = d.Text(maxCollectorID)
		case collectorKeyURL:
			c.URL = d.Text(report.MaxString)
		case collectorKeyPriority:
			c.Priority = uint32(wire.ReadPositive(d, maxPriority))
		case collectorKeyWeight:
			c.Weight = uint32(wire.ReadPositive(d, maxPriority))
		case collectorKeyAddresses:
			c.Addresses = decodeAddresses(d)
		case collectorKeyPins:
			c.Pins = decodeKeys(d, MaxPins, sha256.Size)
		case collectorKeyReceiptKey:
			c.ReceiptKey = bytes.Clone(d.Bytes(ed25519.PublicKeySize))
		case collectorKeyRelay:
			if c.Relay = d.Text(MaxRelayURL); c.Relay == "" {
				d.Fail(wire.PresentZero)
			}
		case collectorKeyOblivious:
			if c.ObliviousKeys = bytes.Clone(d.Bytes(MaxObliviousKeys)); len(c.ObliviousKeys) == 0 {
				d.Fail(wire.PresentZero)
			}
		default:
			d.SkipField(key)
		}
	}
	return c
}

func decodeAddresses(d *cbor.Decoder) []string {
	n := d.Array(MaxAddresses)
	if n == 0 {
		d.Fail(wire.PresentZero)
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.Text(maxAddress)
	}
	return list
}

// decodeKeys reads an array of 1 to max byte strings of at most size bytes.
func decodeKeys(d *cbor.Decoder, max, size int) [][]byte {
	n := d.Array(max)
	if n == 0 {
		d.Fail(wire.PresentZero)
		return nil
	}
	list := make([][]byte, n)
	for i := range list {
		list[i] = bytes.Clone(d.Bytes(size))
	}
	return list
}
