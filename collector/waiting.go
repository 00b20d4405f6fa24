package collector

import (
	"sync"
	"time"
)

// waiting has the uploads that wait for their answers, and says which of them waited too long. A
// timer for each upload, and a wait for several channels, would cost more than the rest of its way
// to the committer. It is safe for concurrent use.
type waiting struct {
	limit  time.Duration
	expire func(*upload) // called for each upload that waited too long, after it was removed

	mu          sync.Mutex
	first, last *upload // guarded by mu, as well as their neighbours; in the order of their coming
	timer       *time.Timer
	armed       bool // guarded by mu; timer is running
	over        bool // guarded by mu; see giveUp
}

func newWaiting(limit time.Duration, expire func(*upload)) *waiting {
	w := &waiting{limit: limit, expire: expire}
	w.timer = time.AfterFunc(time.Hour, w.sweep)
	w.timer.Stop()
	return w
}

// add adds an upload that was queued now. It returns false after giveUp.
func (w *waiting) add(u *upload) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return false
	}
	u.waits, u.before, u.after = true, w.last, nil
	if w.last == nil {
		w.first = u
	} else {
		w.last.after = u
	}
	w.last = u
	if !w.armed {
		w.armed = true
		w.timer.Reset(w.limit)
	}
	return true
}

// remove removes uploads that have their answers now. Those that had waited too long before are
// marked as late.
func (w *waiting) remove(all ...*upload) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range all {
		u.late = !u.waits
		w.unlink(u)
	}
}

// unlink removes an upload, if it is there. The caller must hold mu.
func (w *waiting) unlink(u *upload) {
	if !u.waits {
		return
	}
	if u.before == nil {
		w.first = u.after
	} else {
		u.before.after = u.after
	}
	if u.after == nil {
		w.last = u.before
	} else {
		u.after.before = u.before
	}
	u.waits, u.before, u.after = false, nil, nil
}

// sweep expires the uploads that have waited too long. It runs again when the next could have.
func (w *waiting) sweep() {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := time.Duration(0)
	for u := w.first; u != nil; u = w.first {
		if next = w.limit - time.Since(u.queued); next > 0 && !w.over {
			break
		}
		w.unlink(u)
		w.expire(u)
	}
	if w.armed = w.first != nil; w.armed {
		w.timer.Reset(next)
	}
}

// giveUp expires all uploads and takes no more.
func (w *waiting) giveUp() {
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
	w.sweep()
}
