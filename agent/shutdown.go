package agent

import (
	"context"
	"errors"
	"slices"
	"time"
)

// patience is how long Flush and Shutdown wait for another process to end its upload from the
// same spool.
const patience = 3 * lockLater

// Flush ends the open window, seals it if it is to be sent, and tries once to deliver the segments
// in the spool, to each collector that is not waiting after a failure. It waits for the disk, and
// for the network until ctx ends. It returns nil if no segments remain, and otherwise a
// [*RemainError].
func (a *Agent) Flush(ctx context.Context) error {
	if a.absent() {
		return nil
	}
	select {
	case <-a.stopped:
		return a.remaining
	default:
	}
	a.spooler.sealWindow(true)
	a.courier.deliverAll(ctx, patience)
	return a.remain(ctx, false)
}

// Seal ends the open window and stores it durably if it is to be sent. Unlike [Agent.Flush], it
// does not wait for the network: the segment is delivered in the background. It does nothing after
// [Agent.Shutdown]. It is for hosts that may end at any moment, such as a page.
func (a *Agent) Seal() {
	if a.absent() {
		return
	}
	select {
	case <-a.stopped:
	default:
		a.spooler.sealWindow(true)
	}
}

// remain returns what could not be delivered, for good if final is set, and otherwise for now.
func (a *Agent) remain(ctx context.Context, final bool) (err error) {
	defer a.events.caught()
	remain := &RemainError{}
	var listErr, unstoredErr error
	if a.consent.allows() {
		var segments []Segment
		segments, listErr = a.spooler.waiting()
		unstored, lost, cause := a.spooler.spool.unstored()
		remain.Unstored = len(unstored)
		for _, s := range segments {
			if !slices.Contains(unstored, s.ID) {
				remain.add(s)
			}
		}
		if final {
			remain.Unstored += lost
		}
		if remain.Unstored > 0 {
			unstoredErr = cause
		}
	}
	for _, n := range a.spooler.notices.list() {
		remain.add(n.Segment)
	}
	if *remain == (RemainError{}) && listErr == nil {
		return nil
	}
	remain.Cause = joined(ctx.Err(), listErr, unstoredErr, a.courier.why())
	return remain
}

func (e *RemainError) add(s Segment) {
	e.Segments++
	e.Bytes += s.Size
}

// joined is like errors.Join, but returns a single error unchanged.
func joined(errs ...error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// Shutdown stops recording, does what [Agent.Flush] does, ends all goroutines of the agent and
// closes the spool. If ctx ends first, delivery is cut short, but sealing is not. Shutdown returns
// nil if no segments remain in the spool, and otherwise a [*RemainError]. Later calls return the
// same. Afterwards, [Agent.Observe] does nothing.
func (a *Agent) Shutdown(ctx context.Context) error {
	if a.absent() {
		return nil
	}
	a.stopOnce.Do(func() { go a.stop(ctx) })
	select {
	case <-a.stopped:
		return a.remaining
	case <-ctx.Done():
	}
	select {
	case <-a.stopped:
		return a.remaining
	case <-time.After(grace): // a hanging disk must not hang the host
		return &RemainError{Cause: ctx.Err()}
	}
}

// grace is how long Shutdown may continue after the end of its context, apart from delivery.
const grace = time.Second

// stop does Shutdown's work and closes stopped.
func (a *Agent) stop(ctx context.Context) {
	defer close(a.stopped)
	defer a.events.caught()
	a.spooler.settle(true) // while observations are still recorded
	a.consent.close()
	close(a.stopping)
	a.spooler.sealWindow(true)
	// a transfer in progress may finish, but not after the end of ctx
	cut := context.AfterFunc(ctx, a.courier.cancel)
	a.loops.Wait()
	a.courier.deliverAll(ctx, patience)
	a.spooler.close()
	a.remaining = a.remain(ctx, true)
	cut()
	a.courier.cancel()
	a.courier.transport.Close()
	_ = a.spooler.spool.Close() // everything that matters is already durable
}
