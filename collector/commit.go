package collector

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"log/slog"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// committer makes uploads durable, many at a time. A round has one transaction of the inbox and
// one signature.
type committer struct {
	inbox   Inbox
	signer  *signer
	delay   *queueDelay
	shedder *shedder
	metrics *metrics
	log     *slog.Logger
	trace   tracer
	timeout time.Duration // for storing an upload

	queue   *group[*upload]
	waiting *waiting
	idle    sync.Pool // of *upload
	round   round     // owned by its goroutine
	failing bool      // owned by its goroutine; the inbox failed in the last round
}

func newCommitter(o *Options, s *signer, delay *queueDelay, sh *shedder, m *metrics) *committer {
	c := &committer{inbox: o.Inbox, signer: s, delay: delay, shedder: sh, metrics: m, log: o.Logger, trace: o.Trace, timeout: o.CommitTimeout,
		idle: sync.Pool{New: newUpload}}
	c.waiting = newWaiting(o.CommitTimeout, (*upload).expired)
	c.queue = newGroup(o.MaxUploads, (*upload).weight, c.commit)
	c.queue.open()
	return c
}

// giveUp tells waiting uploads to come later.
func (c *committer) giveUp() { c.waiting.giveUp() }

// upload is one batch on its way into the inbox. The submitter owns its fields before submit and
// after answered, and the committer in between.
type upload struct {
	entry    Entry
	body     *body               // the memory of entry; may be nil
	key      *ed25519.PrivateKey // signs its receipt; nil: no receipt is needed
	queued   time.Time
	answered chan answer // buffered; a late answer leaves the upload to the committer

	waits         bool // guarded by waiting.mu; it is among those that wait
	before, after *upload
	late          bool // set by waiting.remove: its submitter no longer waits
}

func newUpload() any { return &upload{answered: make(chan answer, 1)} }

// answer is the answer to an upload. The receipt is nil if none was needed or if it is not
// yet signed.
type answer struct {
	statement receipt.Statement
	receipt   []byte
	late      bool // it is none: the upload has waited too long
}

// expired lets the submitter go.
func (u *upload) expired() { u.answered <- answer{late: true} }

func (u *upload) weight() int { return len(u.entry.Envelope.Segment) }

// free releases the memory of an upload, which must not be used afterwards.
func (c *committer) free(u *upload) {
	if u.body != nil {
		u.body.free()
	}
	u.entry, u.body, u.key, u.late = Entry{}, nil, nil, false
	c.idle.Put(u)
}

// store submits an entry and waits for the answer, at most for the timeout. It takes ownership of
// body, which may be nil. key signs the receipt; nil means no receipt.
func (c *committer) store(e Entry, body *body, key *ed25519.PrivateKey) answer {
	u := c.idle.Get().(*upload)
	u.entry, u.body, u.key, u.queued = e, body, key, time.Now()
	said := receipt.Statement{Batch: e.Envelope.Batch, Body: e.Body}
	if !c.waiting.add(u) {
		c.free(u)
		return answer{statement: slowDown(said, c.shedder.unavailable())}
	}
	if !c.queue.submit(u) {
		if c.waiting.remove(u); u.late {
			<-u.answered
		}
		c.free(u)
		return answer{statement: slowDown(said, c.shedder.overload(shedCount, 1))}
	}
	a := <-u.answered
	if a.late { // the committer frees it
		return answer{statement: slowDown(said, c.shedder.unavailable())}
	}
	c.free(u)
	return a
}

// deposit stores a segment that the collector has sealed itself, and reports whether it succeeded.
// It takes ownership of segment. source is for the metrics.
func (c *committer) deposit(source, collector string, from origin, id report.BatchID, segment *body) bool {
	start := c.trace.now()
	said := c.store(Entry{Body: sha256.Sum256(segment.bytes), Envelope: report.Envelope{
		Batch: id, Received: time.Now().UnixMilli(), Collector: collector, ASN: from.asn, Country: from.country, Segment: segment.bytes,
	}}, segment, nil).statement
	c.trace.upload(start, said)
	c.metrics.batches.WithLabelValues(source, said.Decision.String(), said.Reason).Inc()
	return said.Decision == receipt.Stored
}

// round has buffers that the committer reuses.
type round struct {
	entries    []Entry
	statements []receipt.Statement
	wanted     unsigned
}

// commit does the work of a round.
func (c *committer) commit(all []*upload) {
	start := time.Now()
	c.delay.round(start, all[0].queued, len(c.queue.in))
	defer c.delay.done()
	work := &c.round
	work.entries, work.statements = work.entries[:0], work.statements[:0]
	work.wanted.reset()
	for _, u := range all {
		c.metrics.wait.Observe(start.Sub(u.queued).Seconds())
		work.entries = append(work.entries, u.entry)
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	statuses, err := c.inbox.Commit(ctx, work.entries)
	clear(work.entries) // releases the bodies
	c.metrics.commitSize.Observe(float64(len(all)))
	c.metrics.commitTime.Observe(time.Since(start).Seconds())
	c.noteInbox(err)
	for i, u := range all {
		s := receipt.Statement{Batch: u.entry.Envelope.Batch, Body: u.entry.Body}
		if err != nil {
			s = slowDown(s, c.shedder.unavailable())
		} else {
			s = decide(s, statuses[i])
		}
		work.statements = append(work.statements, s)
		if u.key != nil {
			work.wanted.add(u.key, s)
		}
	}
	c.trace.commit(all, work.statements)
	c.handOut(all, work.statements, c.signer.sign(&work.wanted))
}

// handOut answers all uploads of a round. receipts has those of the uploads that need one.
func (c *committer) handOut(all []*upload, statements []receipt.Statement, receipts [][]byte) {
	c.waiting.remove(all...)
	for i, u := range all {
		a := answer{statement: statements[i]}
		if u.key != nil {
			a.receipt, receipts = receipts[0], receipts[1:]
		}
		if u.late {
			c.free(u)
		} else {
			u.answered <- a
		}
	}
}

func decide(s receipt.Statement, status Status) receipt.Statement {
	s.Decision = receipt.Stored
	if status != StatusNew {
		s.Reason = receipt.ReasonDuplicate
	}
	return s
}

// noteInbox logs when the inbox begins to fail and when it works again, but not every failure.
func (c *committer) noteInbox(err error) {
	switch {
	case err != nil && !c.failing:
		c.log.Error("inbox takes nothing; uploads are told to come later", "error", err)
	case err == nil && c.failing:
		c.log.Info("inbox takes uploads again")
	}
	c.failing = err != nil
}
