package agent

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// patience is how long Flush and Shutdown wait for another process to end its upload from the
// same spool.
const patience = 3 * lockLater

// Flush ends the open window, seals it if the policy has it sent, and tries to deliver what is in
// the spool once, to each collector that is not waiting after a failure. It waits for the disk, and
// for the network until ctx ends. It returns nil when nothing remains, else *RemainError.
func (a *Agent) Flush(ctx context.Context) error {
	select {
	case <-a.stopped:
		return a.remaining
	default:
	}
	a.endWindow(true)
	a.deliverAll(ctx, patience)
	return a.remain(ctx)
}

// Seal ends the open window and stores it durably, if the policy has it sent. Unlike Flush it does
// not wait for the network: what it stored is delivered in the background. It does nothing after
// Shutdown. For hosts that may die at any moment, such as a page.
func (a *Agent) Seal() {
	select {
	case <-a.stopped:
	default:
		a.endWindow(true)
	}
}

// remain says what the spool still has that could be delivered.
func (a *Agent) remain(ctx context.Context) (err error) {
	defer a.caught()
	var segments []Segment
	var listErr error
	if a.userConsent() != report.Off {
		segments, listErr = a.kept()
	}
	for _, n := range a.notices() {
		segments = append(segments, n.Segment)
	}
	if len(segments) == 0 && listErr == nil {
		return nil
	}
	remain := &RemainError{Segments: len(segments), Cause: ctx.Err()}
	if listErr != nil {
		remain.Cause = listErr
	}
	for _, s := range segments {
		remain.Bytes += s.Size
	}
	return remain
}

// kept tells the segments that wait in the spool, and the one that is still open because nobody
// could be asked to take it.
func (a *Agent) kept() ([]Segment, error) {
	a.spoolMu.Lock()
	defer a.spoolMu.Unlock()
	segments, err := a.o.Spool.List()
	if s := a.segment; err == nil && s != nil && s.size > 0 {
		segments = append(segments, Segment{ID: s.id, Birth: s.birth, Size: s.size})
	}
	return segments, err
}

// Shutdown stops recording, does what Flush does, ends all of the agent's goroutines and closes the
// spool. When ctx ends first, the delivery is cut short, but the sealing is not. It returns nil
// when nothing remains in the spool, else *RemainError; a later call returns what the first did.
// Observe afterwards does nothing.
func (a *Agent) Shutdown(ctx context.Context) error {
	a.stopOnce.Do(func() { go a.stop(ctx) })
	select {
	case <-a.stopped:
		return a.remaining
	case <-ctx.Done():
	}
	select {
	case <-a.stopped:
		return a.remaining
	case <-time.After(grace): // a disk that hangs must not hang the host
		return &RemainError{Cause: ctx.Err()}
	}
}

// grace is what Shutdown takes beyond its context, for what is no delivery.
const grace = time.Second

// stop does Shutdown's work and closes stopped.
func (a *Agent) stop(ctx context.Context) {
	defer close(a.stopped)
	defer a.caught()
	a.close()
	a.endWindow(true)
	cut := context.AfterFunc(ctx, a.cancel) // whoever transfers now may finish, but not after ctx
	a.loops.Wait()
	a.deliverAll(ctx, patience)
	a.endSegment()
	a.remaining = a.remain(ctx)
	cut()
	a.cancel()
	a.o.Transport.Close()
	_ = a.o.Spool.Close() // what matters in it is durable already
}

// close ends recording, and keeps the open window.
func (a *Agent) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.level.Store(uint32(report.Off))
	close(a.stopping)
}

// endSegment ends the open segment, which a delivery that did not come about has left open, and
// leaves what is still to be told.
func (a *Agent) endSegment() {
	defer a.caught()
	a.spoolMu.Lock()
	defer a.spoolMu.Unlock()
	a.finishSegment()
	if a.userConsent() != report.Off {
		a.leaveDrops()
	}
}
