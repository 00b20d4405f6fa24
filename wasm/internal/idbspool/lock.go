//go:build js && wasm

package idbspool

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"syscall/js"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

// lock implements database with a Web Lock, which the browser releases when the tab dies. Pages
// that are not secure contexts have no Web Locks.
func (d *idb) lock() (unlock func(), err error) {
	locks := jsx.Field(jsx.Field(js.Global(), "navigator"), "locks")
	if !locks.Truthy() {
		return d.leaseUpload()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	held, release := jsx.Deferred() // the lock is held until this promise is fulfilled
	w := jsx.NewWaiter(held)
	promise, err := jsx.Call(locks, "request", d.name+".upload", map[string]any{"ifAvailable": true}, w.Callback(0))
	if err == nil {
		_, err = jsx.Call(promise, "catch", w.Callback(1))
	}
	if err != nil {
		w.Forget()
		return nil, err
	}
	o, err := w.Wait(ctx)
	switch {
	case err != nil:
		release.Invoke()
		return nil, err
	case o.Which != 0:
		return nil, jsx.ErrorOf(o.Value)
	case o.Value.IsNull():
		release.Invoke()
		return nil, agent.ErrSpoolBusy
	default:
		return sync.OnceFunc(func() { giveBack(release, promise) }), nil
	}
}

// giveBack releases a lock and waits until it is free for others.
func giveBack(release, released js.Value) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	release.Invoke()
	_, _ = jsx.Await(ctx, released)
}

// uploadLease is the name of the blob that replaces the lock if there are no Web Locks. It has the
// time until which the lease is held, in Unix ms (8 bytes, big-endian), and 8 bytes that identify
// the holder. State does not accept this name.
const uploadLease = "upload lease"

// leaseTime limits how long the lease of a dead tab delays others. If an upload takes longer,
// another tab may upload at the same time. A collector then gets a segment twice and says so.
const leaseTime = time.Minute

func (d *idb) leaseUpload() (unlock func(), err error) {
	mine := make([]byte, 16)
	if _, err := rand.Read(mine[8:]); err != nil {
		return nil, err
	}
	err = d.write(false, func(t transaction) error {
		b, err := t.state(uploadLease)
		if err != nil {
			return err
		}
		now := time.Now().UnixMilli()
		if len(b) == len(mine) {
			if left := int64(binary.BigEndian.Uint64(b)) - now; left > 0 && left <= leaseTime.Milliseconds() {
				return agent.ErrSpoolBusy
			}
		}
		binary.BigEndian.PutUint64(mine, uint64(now+leaseTime.Milliseconds()))
		t.putState(uploadLease, mine)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { d.endLease(mine) }), nil
}

// endLease deletes the lease if it is still the given one. A lease that cannot be deleted expires.
func (d *idb) endLease(mine []byte) {
	_ = d.write(false, func(t transaction) error {
		b, err := t.state(uploadLease)
		if err == nil && string(b) == string(mine) {
			t.deleteState(uploadLease)
		}
		return err
	})
}
