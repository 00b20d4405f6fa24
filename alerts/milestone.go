package alerts

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"syscall"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// recorded is what the milestones of an incident last said of a receiver.
type recorded struct {
	Status Status `json:"status,omitempty"`
	Failed bool   `json:"failed,omitempty"` // and the last attempt after that failed
}

// maxMilestones bounds those that wait while nothing can be stored. What comes after is counted
// among the troubles.
const maxMilestones = 10_000

// record adds a milestone, which is stored with the book.
func (n *Notifier) record(e *entry, at time.Time, kind model.MilestoneKind, receiver, reason string) {
	if e == nil || e.Incident == 0 {
		return // a problem of this process, or of an older release
	}
	if len(n.milestones) >= maxMilestones {
		n.metrics.troubles.WithLabelValues("milestones").Inc()
		return
	}
	n.milestones = append(n.milestones, model.Milestone{Incident: e.Incident, At: at, Kind: kind, Receiver: receiver, Reason: reason})
	n.unsaved = true
}

// recordTold records that a receiver has confirmed a message. It must be called before the book
// knows.
func (n *Notifier) recordTold(r *result, now time.Time) {
	for i := range r.message.Alerts {
		a := &r.message.Alerts[i]
		e := n.book.Entries[a.Key]
		if e == nil {
			continue
		}
		last := e.Recorded[r.receiver.Name]
		if r.kind == refresh && !maps.Equal(a.Labels, e.Alert.Labels) {
			continue // the same alert with labels that it had before
		}
		kind := model.MilestoneTold
		switch {
		case r.kind == refresh && (last.Status == a.Status || a.Status == Resolved && last.Status == ""):
			continue // it has been told, or had nothing to be told of
		case a.Status == Resolved:
			kind = model.MilestoneToldOver
		case r.kind == changes:
			kind = n.book.newsOf(r.receiver.Name, a)
		}
		n.record(e, now, kind, r.receiver.Name, "")
		e.note(r.receiver.Name, recorded{Status: a.Status})
	}
}

// newsOf says what a firing alert of a pending message is to its receiver.
func (b *book) newsOf(receiver string, a *Alert) model.MilestoneKind {
	l := b.ledger(receiver)
	switch last, known := l.Told[a.Key]; {
	case !known || last.Status == Resolved:
		return model.MilestoneTold
	case last.Gist != l.Gists[a.Key]:
		return model.MilestoneUpdated
	default:
		return model.MilestoneReminded
	}
}

// recordFailed records the first failure in a row to tell a receiver.
func (n *Notifier) recordFailed(r *result, now time.Time) {
	for i := range r.message.Alerts {
		a := &r.message.Alerts[i]
		e := n.book.Entries[a.Key]
		if e == nil {
			continue
		}
		last := e.Recorded[r.receiver.Name]
		if last.Failed || r.kind == refresh && last.Status == a.Status {
			continue
		}
		n.record(e, now, model.MilestoneNotTold, r.receiver.Name, reason(r.err))
		last.Failed = true
		e.note(r.receiver.Name, last)
	}
}

func (e *entry) note(receiver string, what recorded) {
	if e.Recorded == nil {
		e.Recorded = map[string]recorded{}
	}
	e.Recorded[receiver] = what
}

// reason puts the error of an attempt into words for everybody who may see the dashboard. The error
// itself, which is logged, may contain addresses that are secrets.
func reason(err error) string {
	if answer, ok := errors.AsType[interface {
		error
		HTTPStatus() int
	}](err); ok {
		return fmt.Sprintf("it answers with status %d", answer.HTTPStatus())
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "its name does not resolve"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not valid"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "its certificate is of another name"
	}
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, ErrRefused):
		return "it refuses the message"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses the connection"
	case errors.Is(err, context.DeadlineExceeded), ok && timeout.Timeout():
		return "it did not answer in time"
	default:
		return "it cannot be reached; the log says why"
	}
}
