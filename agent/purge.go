package agent

import (
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// start begins with the consent in Options. It keeps the records of an earlier run if the user
// still allows something, unless that run had begun to delete them.
func (s *spooler) start(c report.Consent) {
	defer s.recorder.events.caught()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loadPolicy()
	if c == report.Off || unfinished(s.notices.list()) {
		s.consent.withdraw()
		_ = s.purge() // on an error, purgeAgain continues
	}
	if c != report.Off {
		s.begin(c, time.Time{})
	}
}

// grant begins a consent that the user gives to a running agent. It first deletes the spool, which
// has nothing that this consent covers.
func (s *spooler) grant(c report.Consent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, _ := s.consent.now()
	switch {
	case state.allows(): // another call was faster
		s.consent.change(c)
	case state != closed && state != closedWithdrawn:
		_ = s.purge() // if it fails, the consent is refused
		s.loadPolicy()
		s.begin(c, time.Now())
	}
}

// begin begins a consent if the state allows it. The caller holds mu.
func (s *spooler) begin(c report.Consent, since time.Time) {
	if !s.consent.grant(c, since) {
		return // the spool could not be deleted
	}
	s.takeDrops()
	signal(s.kicked)
}

// withdraw deletes what was recorded under the consent that was withdrawn.
func (s *spooler) withdraw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.consent.withdraw() // again, because another call may have granted it meanwhile
	if state, _ := s.consent.now(); !state.purges() {
		return
	}
	_ = s.purge() // on an error, purgeAgain continues
	signal(s.kicked)
}

// purgeAgain deletes what an earlier purge could not delete. It returns when to call it again.
func (s *spooler) purgeAgain() (again time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state, _ := s.consent.now(); state.purges() && s.purge() != nil {
		return time.Now().Add(purgeRetry)
	}
	return time.Now().Add(idle)
}

// purge deletes the spool and everything in memory about it, and informs the consent of the result.
// The caller holds mu.
func (s *spooler) purge() error {
	err := s.forget()
	s.finishSegment()
	s.recorder.forgetDrops() // they are about old records, too
	s.consent.purged(err)
	return err
}

// forget deletes the spool. If anything was sent, it makes a deletion notice first. So a crash at
// any moment leaves either the notice or the tokens from which the next agent without
// consent makes it.
func (s *spooler) forget() error {
	s.receipts = receipted{}
	list := s.prepareNotice()
	if err := s.spool.Purge(); err != nil {
		return err
	}
	s.tokens.forget()
	clear(s.own)
	if !unfinished(list) {
		return nil
	}
	finished := slices.Clone(list)
	for i := range finished {
		finished[i].purged = true
	}
	err := s.notices.keep(finished)
	s.unkept = nil
	if err != nil {
		s.unkept = list // the tokens are deleted, so it could not be made again
	}
	return err
}

// prepareNotice stores a notice in the spool if anything was sent and there is no notice about it
// yet. It returns all notices.
func (s *spooler) prepareNotice() []notice {
	if len(s.unkept) > 0 {
		return s.unkept
	}
	list := s.notices.list()
	if unfinished(list) {
		return list
	}
	sent := s.tokens.sent()
	if len(sent) == 0 {
		return list
	}
	n, err := s.newNotice(sent, time.Now())
	if err != nil {
		return list
	}
	list = append(list, n)
	_ = s.notices.keep(list) // forget tries again
	return list
}

// newNotice seals a notice. Its header has neither client nor drops.
func (s *spooler) newNotice(sent [][16]byte, now time.Time) (n notice, err error) {
	if n.ID, err = report.NewBatchID(now, s.rand); err != nil {
		return n, err
	}
	sealer, err := seal.NewSealer(s.consent.inForce().seal, n.ID)
	if err != nil {
		return n, err
	}
	n.Birth, n.body = now, slices.Clone(sealer.Prefix())
	header := s.header
	header.Source, header.Consent = report.SourceAgent, report.Counts
	for _, r := range []report.Record{&header, &report.DeletionNotice{Clients: sent}} {
		record, err := report.AppendRecord(nil, r)
		if err != nil {
			return n, err
		}
		if n.body, err = sealer.Seal(n.body, record); err != nil {
			return n, err
		}
	}
	n.body = seal.AppendEnd(n.body)
	n.Size = int64(len(n.body))
	return n, nil
}
