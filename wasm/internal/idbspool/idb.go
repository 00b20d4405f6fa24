//go:build js && wasm

package idbspool

import (
	"context"
	"errors"
	"syscall/js"
	"time"

	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

// Open returns a spool in the database called name. The first segment creates the database. The
// error joins the faults of o, each with the name of its option.
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

// patience is the time limit of one operation, so that a hanging disk does not block the agent for
// ever.
const patience = 20 * time.Second

var errClosed = errors.New("browser closed the database")

// idb is a database in the browser. It runs one operation at a time. Only that operation, and
// callbacks of the event loop, which never runs beside Go code, use conn.
type idb struct {
	name string
	conn js.Value // undefined if the database is not open
	// callback that closes conn if the database is to be deleted, or if the browser has closed it
	drop js.Func
	made bool // drop was made
	ever bool // the database was open at least once
}

func (d *idb) read(f func(t transaction) error) error { return d.run("readonly", false, f) }

func (d *idb) write(create bool, f func(t transaction) error) error {
	return d.run("readwrite", create, f)
}

// run runs f in a transaction. If the connection turns out to be closed, run tries again with a new
// one.
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
	// it says more than the error of the failed request
	if reason := jsx.Field(t, "error"); reason.Truthy() {
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

// open connects if necessary. If create is false and there is no database, it returns errAbsent.
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
	if err == nil && o.Which == upgrade { // stores can be made only within this event
		w = jsx.NewWaiter(js.Undefined())
		w.On(request, "success", success)
		w.On(request, "error", failure)
		if err := upgradeTo(request, create); err != nil {
			// a new database whose first transaction was aborted ceases to exist
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

// unopened returns the error for a database that could not be opened. If it has never been open,
// IndexedDB counts as unavailable.
func (d *idb) unopened(err error) error {
	if d.ever || jsx.Named(err, "AbortError") {
		return err
	}
	return errors.Join(errUnavailable, err)
}

// upgradeTo makes the stores of a new database. If create is false, it aborts, so that no database
// is created.
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

// factory calls a method of indexedDB. Even reading that property throws for some origins and in
// some private windows.
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

// delete implements database. If other tabs have the database open, the browser deletes it once
// they have closed it.
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
