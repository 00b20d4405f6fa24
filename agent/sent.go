package agent

import (
	"crypto/aes"
	"crypto/cipher"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// The names of the states with the log of what was sent and its key, and the log's limits. The log
// is encrypted so that a backup, an indexer or a search of the disk does not reveal which services
// the user uses. The log is for the user, so the key is stored beside it.
const (
	stateSent    = "sent"
	stateSentKey = "sentkey"
	maxSentLog   = 64 << 10 // bytes
	maxSentAge   = 30 * 24 * time.Hour
	maxSent      = 1000 // entries
)

// SentReport is an entry of the log of what was sent: one segment that a collector has, in words
// that its user understands.
type SentReport struct {
	At        time.Time // when the collector confirmed it
	Collector string    // its id
	URL       string    // its URL
	Batch     report.BatchID
	Bytes     uint64
	Born      time.Time // when the segment was begun

	// Known is false if another process sealed the segment or too many segments were waiting. The
	// agent cannot open segments, so the following fields are then empty.
	Known   bool
	Consent report.Consent // under which it was recorded
	// requests counted; how long they took was sent, too, and is not kept here
	Requests []SentCount
	Samples  []string // single requests: method, scrubbed URL, outcome
	Errors   []string // errors of the application
	More     uint64   // lines left out because there were too many
}

// SentCount counts requests of one target and outcome.
type SentCount struct {
	Target  string // "https://shop.example"
	Outcome report.Outcome
	Count   uint64
}

// ReadSent is like [Agent.Sent], for a spool without an agent.
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

// sentLog writes the log of what was sent.
type sentLog struct {
	spool *shelter
	rand  io.Reader
}

// add writes r to the log. If the disk fails, r stays in memory as long as the process runs.
func (l sentLog) add(r *SentReport) {
	fresh := make([]byte, 32)
	if _, err := io.ReadFull(l.rand, fresh); err != nil {
		return
	}
	key, err := l.spool.State(stateSentKey, func(old []byte) []byte {
		if len(old) == len(fresh) {
			return nil
		}
		return fresh
	})
	if err == nil {
		_, err = l.spool.State(stateSent, func(old []byte) []byte { return l.with(key, old, r) })
	}
	if err != nil {
		l.spool.noteSent(r)
	}
}

// with returns the log with r at its end, or nil if r is there already.
func (l sentLog) with(key, sealed []byte, r *SentReport) []byte {
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
	if _, err := io.ReadFull(l.rand, nonce); err != nil {
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

// openSent decrypts a log. A damaged log counts as empty.
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

// String describes r in plain words, in several lines.
func (r SentReport) String() string {
	var b strings.Builder
	say := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
		}
		b.WriteByte('\n')
	}
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	say(dateTime(r.At), ": ", number(r.Bytes), " bytes, sealed, went to collector ", r.Collector, " (", r.URL, ")")
	if !r.Known {
		say("  Written on ", dateTime(r.Born), ". It was sealed then, by an earlier run or another process, and only its receiver can read it.")
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
	say("  With it: the application's name and version, the family of the operating system, a random number that is new every day, and which reports of that day were confirmed before")
	return b.String()
}

// dateTime formats t as time.DateTime. Time.Format would make the browser's module 8 KB larger.
func dateTime(t time.Time) string {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b := strconv.AppendInt(nil, int64(year), 10)
	for _, part := range []struct {
		separator byte
		number    int
	}{{'-', int(month)}, {'-', day}, {' ', hour}, {':', minute}, {':', second}} {
		b = append(b, part.separator, byte('0'+part.number/10), byte('0'+part.number%10))
	}
	return string(b)
}
