package agent

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/report/cbor"
)

// The log of what was sent: the states that hold it and its key, and its bounds. It is enciphered,
// so that no search of the disk, backup or indexer finds in it which services somebody uses; it is
// the user's own, so the key lies beside it.
const (
	stateSent    = "sent"
	stateSentKey = "sentkey"
	maxSentLog   = 64 << 10 // bytes
	maxSentAge   = 30 * 24 * time.Hour
	maxSent      = 1000 // entries
)

// SentReport is one segment that a collector has, in the words of the user's log. It is a
// plain value.
type SentReport struct {
	At        time.Time // when the collector confirmed it
	Collector string    // its id
	URL       string    // where it is
	Batch     report.BatchID
	Bytes     uint64
	Born      time.Time // when the segment was begun

	// Known is false when another process sealed it, or too many waited to remember them all:
	// nobody here can open it, and what follows is empty.
	Known    bool
	Consent  report.Consent // under which it was recorded
	Requests []SentCount    // requests counted
	Samples  []string       // single requests: method, scrubbed URL, outcome
	Errors   []string       // of the application
	More     uint64         // lines left out because there were too many
}

// SentCount counts requests of one target and outcome.
type SentCount struct {
	Target  string // "https://shop.example"
	Outcome report.Outcome
	Count   uint64
}

// Sent returns what left this device and to whom, the oldest first: what collectors have confirmed
// in the last 30 days, as far as 64 KiB hold it. Withdrawing consent deletes it. It reads the spool
// and may be called at any time.
func (a *Agent) Sent() ([]SentReport, error) { return ReadSent(a.o.Spool) }

// ReadSent is Sent for a spool without an agent.
func ReadSent(s Spool) ([]SentReport, error) {
	read := func(name string) ([]byte, error) { return s.State(name, func([]byte) []byte { return nil }) }
	key, err := read(stateSentKey)
	if err != nil || len(key) == 0 {
		return nil, err
	}
	sealed, err := read(stateSent)
	if err != nil {
		return nil, err
	}
	return openSent(key, sealed), nil
}

// logSent writes down that a collector has a segment. It comes before the segment is deleted, so
// that nothing is left out; what is delivered twice is written once.
func (a *Agent) logSent(s Segment, c policy.Collector, bytes int) {
	a.spoolMu.Lock()
	defer a.spoolMu.Unlock()
	if a.userConsent() == report.Off {
		return // the log is gone, and stays so
	}
	r := SentReport{At: time.Now(), Collector: c.ID, URL: c.URL, Batch: s.ID, Bytes: uint64(bytes), Born: s.Birth}
	if sum := a.summaries[s.ID]; sum != nil {
		r.Known, r.Consent, r.Requests, r.Samples, r.Errors, r.More = true, sum.consent, sum.counts, sum.samples, sum.errors, sum.more
		delete(a.summaries, s.ID)
	}
	fresh := make([]byte, 32)
	if _, err := io.ReadFull(a.o.Rand, fresh); err != nil {
		return
	}
	key, err := a.o.Spool.State(stateSentKey, func(old []byte) []byte {
		if len(old) == len(fresh) {
			return nil
		}
		return fresh
	})
	if err != nil {
		return // the log is for the user's information; a disk that takes nothing keeps nothing
	}
	_, _ = a.o.Spool.State(stateSent, func(old []byte) []byte { return a.appendSent(key, old, &r) })
}

// appendSent returns the log with r at its end, or nil if r is there already.
func (a *Agent) appendSent(key, sealed []byte, r *SentReport) []byte {
	all := openSent(key, sealed)
	for i := range all {
		if all[i].Batch == r.Batch {
			return nil
		}
	}
	all = append(all, *r)
	for len(all) > maxSent || len(all) > 1 && r.At.Sub(all[0].At) > maxSentAge {
		all = all[1:]
	}
	plain := encodeSent(all)
	for len(plain) > maxSentLog && len(all) > 1 {
		all = all[(len(all)+7)/8:]
		plain = encodeSent(all)
	}
	aead, err := sentCipher(key)
	if err != nil {
		return nil
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(a.o.Rand, nonce); err != nil {
		return nil
	}
	return aead.Seal(nonce, nonce, plain, nil)
}

func sentCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// openSent reads a log; a damaged one is empty.
func openSent(key, sealed []byte) []SentReport {
	aead, err := sentCipher(key)
	if err != nil || len(sealed) < aead.NonceSize() {
		return nil
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], nil)
	if err != nil {
		return nil
	}
	all, err := decodeSent(plain)
	if err != nil {
		return nil
	}
	return all
}

const sentItems = 12 // of one report

func encodeSent(all []SentReport) []byte {
	b := cbor.AppendArray(nil, len(all))
	for i := range all {
		r := &all[i]
		b = cbor.AppendInt(cbor.AppendArray(b, sentItems), r.At.UnixMilli())
		b = cbor.AppendText(cbor.AppendText(b, r.Collector), r.URL)
		b = cbor.AppendUint(cbor.AppendBytes(b, r.Batch[:]), r.Bytes)
		b = cbor.AppendBool(cbor.AppendInt(b, r.Born.UnixMilli()), r.Known)
		b = cbor.AppendArray(cbor.AppendUint(b, uint64(r.Consent)), len(r.Requests))
		for _, c := range r.Requests {
			b = cbor.AppendText(cbor.AppendText(cbor.AppendArray(b, 3), c.Target), string(c.Outcome))
			b = cbor.AppendUint(b, c.Count)
		}
		b = appendTexts(appendTexts(b, r.Samples), r.Errors)
		b = cbor.AppendUint(b, r.More)
	}
	return b
}

func appendTexts(b []byte, texts []string) []byte {
	b = cbor.AppendArray(b, len(texts))
	for _, s := range texts {
		b = cbor.AppendText(b, s)
	}
	return b
}

var errSentConsent = errors.New("log names an unknown consent")

func decodeSent(b []byte) ([]SentReport, error) {
	d := cbor.New(b)
	all := make([]SentReport, 0, d.Array(maxSent))
	for range cap(all) {
		if d.Array(sentItems) != sentItems {
			d.Fail("want a report of twelve items")
			break
		}
		r := SentReport{At: time.UnixMilli(d.Int()), Collector: d.Text(report.MaxString), URL: d.Text(maxSentLog)}
		copy(r.Batch[:], d.Bytes(len(r.Batch)))
		r.Bytes, r.Born, r.Known = d.Uint(), time.UnixMilli(d.Int()), d.Bool()
		consent := d.Uint()
		if consent > uint64(report.Diagnostics) {
			return nil, errSentConsent
		}
		r.Consent = report.Consent(consent)
		for range d.Array(maxSentCounts) {
			d.Array(3)
			r.Requests = append(r.Requests, SentCount{Target: d.Text(report.MaxString), Outcome: report.Outcome(d.Text(report.MaxOutcome)), Count: d.Uint()})
		}
		r.Samples, r.Errors = decodeTexts(d), decodeTexts(d)
		r.More = d.Uint()
		all = append(all, r)
	}
	return all, d.Done()
}

func decodeTexts(d *cbor.Decoder) (texts []string) {
	for range d.Array(maxSentLines) {
		texts = append(texts, d.Text(maxSentLine))
	}
	return texts
}

// String tells r in plain words, in lines.
func (r SentReport) String() string {
	var b strings.Builder
	say := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
		}
		b.WriteByte('\n')
	}
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	say(r.At.Format(time.DateTime), ": ", number(r.Bytes), " bytes, sealed, went to collector ", r.Collector, " (", r.URL, ")")
	if !r.Known {
		say("  Written on ", r.Born.Format(time.DateTime), ". It was sealed then, by an earlier run or another process, and only its receiver can read it.")
		return b.String()
	}
	if r.Consent == report.Diagnostics {
		say("  You had allowed: counts and diagnostics")
	} else {
		say("  You had allowed: counts only")
	}
	for _, c := range r.Requests {
		requests, how := " requests to ", " succeeded"
		if c.Count == 1 {
			requests = " request to "
		}
		if c.Outcome.Failed() {
			how = " failed: " + string(c.Outcome)
		}
		say("  Counted: ", number(c.Count), requests, c.Target, how)
	}
	for _, s := range r.Samples {
		say("  In detail: ", s)
	}
	for _, s := range r.Errors {
		say("  Error of the application: ", s)
	}
	if r.More > 0 {
		say("  And ", number(r.More), " more of these")
	}
	say("  With it: the application's name and version, the family of the operating system, a random number that is new every day")
	return b.String()
}
