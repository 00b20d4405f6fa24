//go:build js && wasm

package idbspool

import (
	"context"
	"errors"
	"syscall/js"
	"time"

	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

// Open returns the spool in the database called name, which comes into being with the first
// segment. The error joins the faults of o, each naming its option.
func Open(name string, o Options) (*Spool, error) {
	if name == "" {
		return nil, errors.New("idbspool: database name: is required")
	}
	return newSpool(&idb{name: name}, o)
}

const (
	version  = 1
	segments = "segments"
	chunks   = "chunks"
	state    = "state"
)

// patience is how long one operation may take: a disk that hangs must not hang the agent for ever.
const patience = 20 * time.Second

var errClosed = errors.New("browser closed the database")

// idb is a database of the browser's. One operation at a time; only the event loop, which never
// runs beside Go code, and it touch conn.
type idb struct {
	name string
	conn js.Value // undefined: not open
	drop js.Func  // closes conn when somebody wants to delete the database, or the browser did
	made bool     // drop is there
	ever bool     // it was open once
}

func (d *idb) read(f func(t transaction) error) error { return d.run("readonly", false, f) }

func (d *idb) write(create bool, f func(t transaction) error) error {
	return d.run("readwrite", create, f)
}

// run runs f in a transaction, in a second one if the connection turns out to be dead.
func (d *idb) run(mode string, create bool, f func(t transaction) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for again := true; ; again = false {
		if err := d.open(ctx, create); err != nil {
			return err
		}
		t, err := jsx.Call(d.conn, "transaction", []any{segments, chunks, state}, mode, map[string]any{"durability": "strict"})
		if err == nil {
			return transact(ctx, t, f)
		}
		d.close()
		if !again {
			return err
		}
	}
}

// transact runs f in t and waits until its changes are durable.
func transact(ctx context.Context, t js.Value, f func(t transaction) error) error {
	end := jsx.NewWaiter(js.Undefined())
	end.On(t, "complete", 0)
	end.On(t, "abort", 1)
	x := &idbTransaction{ctx: ctx, t: t}
	err := f(x)
	if err == nil {
		err = x.err
	}
	if err != nil {
		_, _ = jsx.Call(t, "abort") // it may have aborted already
	}
	o, waitErr := end.Wait(ctx)
	switch {
	case waitErr != nil:
		_, _ = jsx.Call(t, "abort")
		return errors.Join(err, waitErr)
	case o.Which == 0 && err == nil:
		return nil
	}
	if reason := jsx.Field(t, "error"); reason.Truthy() { // says more than the request that failed
		err = jsx.ErrorOf(reason)
	}
	switch {
	case err == nil:
		return errClosed
	case jsx.Named(err, "QuotaExceededError"):
		return errors.Join(errQuota, err)
	default:
		return err
	}
}

// open connects, if need be. Without create, errAbsent when there is no database.
func (d *idb) open(ctx context.Context, create bool) error {
	if d.conn.Truthy() {
		return nil
	}
	request, err := d.factory("open", d.name, version)
	if err != nil {
		return err
	}
	const success, failure, upgrade = 0, 1, 2
	w := jsx.NewWaiter(js.Undefined())
	w.On(request, "success", success)
	w.On(request, "error", failure)
	w.On(request, "upgradeneeded", upgrade)
	o, err := w.Wait(ctx)
	if err == nil && o.Which == upgrade { // still in the event: that is the time to make the stores
		w = jsx.NewWaiter(js.Undefined())
		w.On(request, "success", success)
		w.On(request, "error", failure)
		if err := upgradeTo(request, create); err != nil {
			// nothing is left of a new database whose first transaction was aborted
			_, _ = w.Wait(ctx)
			return err
		}
		o, err = w.Wait(ctx)
	}
	switch {
	case err != nil:
		return err
	case o.Which == failure:
		return d.unopened(jsx.ErrorOf(jsx.Field(request, "error")))
	}
	d.conn, d.ever = jsx.Field(request, "result"), true
	if !d.made {
		d.made = true
		d.drop = js.FuncOf(func(this js.Value, _ []js.Value) any {
			_, _ = jsx.Call(this, "close")
			if this.Equal(d.conn) {
				d.conn = js.Undefined()
			}
			return nil
		})
	}
	d.conn.Call("addEventListener", "versionchange", d.drop)
	d.conn.Call("addEventListener", "close", d.drop)
	return nil
}

// unopened judges why a database could not be opened. When it never could be, it is as good as
// not available.
func (d *idb) unopened(err error) error {
	if d.ever || jsx.Named(err, "AbortError") {
		return err
	}
	return errors.Join(errUnavailable, err)
}

// upgradeTo makes the stores of a new database, or sees to it that none comes into being.
func upgradeTo(request js.Value, create bool) error {
	if !create {
		_, _ = jsx.Call(jsx.Field(request, "transaction"), "abort")
		return errAbsent
	}
	conn := jsx.Field(request, "result")
	for _, name := range []string{segments, chunks, state} {
		if _, err := jsx.Call(conn, "createObjectStore", name); err != nil {
			return err
		}
	}
	return nil
}

// factory calls a method of indexedDB, which pages of some origins and windows of some browsers may
// not even look at.
func (d *idb) factory(method string, args ...any) (js.Value, error) {
	factory := jsx.Field(js.Global(), "indexedDB")
	if !factory.Truthy() {
		return js.Undefined(), errUnavailable
	}
	request, err := jsx.Call(factory, method, args...)
	if err != nil {
		return js.Undefined(), d.unopened(err)
	}
	return request, nil
}

// delete implements database. When other tabs keep it open, the browser deletes it once
// they let go.
func (d *idb) delete() {
	d.close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := d.factory("deleteDatabase", d.name)
	if err != nil {
		return
	}
	w := jsx.NewWaiter(js.Undefined())
	for i, event := range []string{"success", "error", "blocked"} {
		w.On(request, event, i)
	}
	_, _ = w.Wait(ctx)
}

// close implements database.
func (d *idb) close() {
	if d.conn.Truthy() {
		_, _ = jsx.Call(d.conn, "close")
		d.conn = js.Undefined()
	}
}
