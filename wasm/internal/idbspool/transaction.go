//go:build js && wasm

package idbspool

import (
	"context"
	"strings"
	"syscall/js"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

// idbTransaction is a transaction of IndexedDB. It stays active only if the next request is made as
// soon as one is answered.
type idbTransaction struct {
	ctx context.Context
	t   js.Value
	err error // the first error of a changing method
}

// request makes a request of a store.
func (x *idbTransaction) request(store, method string, args ...any) (js.Value, error) {
	s, err := jsx.Call(x.t, "objectStore", store)
	if err != nil {
		return s, err
	}
	return jsx.Call(s, method, args...)
}

// get makes a request and waits for its result.
func (x *idbTransaction) get(store, method string, args ...any) (js.Value, error) {
	request, err := x.request(store, method, args...)
	if err != nil {
		return request, err
	}
	w := jsx.NewWaiter(js.Undefined())
	w.On(request, "success", 0)
	w.On(request, "error", 1)
	o, err := w.Wait(x.ctx)
	switch {
	case err != nil:
		return js.Undefined(), err
	case o.Which != 0:
		return js.Undefined(), jsx.ErrorOf(jsx.Field(request, "error"))
	default:
		return jsx.Field(request, "result"), nil
	}
}

// change makes a request. If it fails, the transaction fails.
func (x *idbTransaction) change(store, method string, args ...any) {
	if _, err := x.request(store, method, args...); err != nil && x.err == nil {
		x.err = err
	}
}

// allChunks is the range of a segment's keys. An array is greater than every number.
func allChunks(id string) js.Value {
	return js.Global().Get("IDBKeyRange").Call("bound", []any{id}, []any{id, []any{}})
}

// maxRows is far more than a spool keeps.
const maxRows = 1 << 16

func (x *idbTransaction) segments() ([]string, error) {
	all, err := x.get(segments, "getAll", js.Undefined(), maxRows)
	if err != nil {
		return nil, err
	}
	joined, err := jsx.Call(all, "join", "\n") // one value is read faster than a thousand
	if err != nil || joined.String() == "" {
		return nil, err
	}
	return strings.Split(joined.String(), "\n"), nil
}

func (x *idbTransaction) segment(id string) (string, error) {
	v, err := x.get(segments, "get", id)
	if err != nil {
		return "", err
	}
	row, _ := jsx.Text(v, maxRow)
	return row, nil
}

// maxRow is greater than the length of any row.String.
const maxRow = 256

func (x *idbTransaction) putSegment(id, row string) { x.change(segments, "put", row, id) }

func (x *idbTransaction) deleteSegment(id string) {
	x.change(segments, "delete", id)
	x.change(chunks, "delete", allChunks(id))
}

func (x *idbTransaction) chunks(id string) ([]byte, error) {
	all, err := x.get(chunks, "getAll", allChunks(id))
	if err != nil {
		return nil, err
	}
	var joined []byte
	for i := range all.Length() {
		b, err := jsx.Bytes(all.Index(i), seal.MaxSegment-len(joined))
		if err != nil {
			break // not written by a spool; ParseSegment will notice it
		}
		joined = append(joined, b...)
	}
	return joined, nil
}

func (x *idbTransaction) putChunk(id string, n int, b []byte) {
	x.change(chunks, "put", jsx.Array(b), []any{id, n})
}

func (x *idbTransaction) state(name string) ([]byte, error) {
	v, err := x.get(state, "get", name)
	if err != nil {
		return nil, err
	}
	b, err := jsx.Bytes(v, agent.MaxState)
	if err != nil {
		return nil, nil // absent, or not written by a spool
	}
	return b, nil
}

func (x *idbTransaction) putState(name string, b []byte) { x.change(state, "put", jsx.Array(b), name) }

func (x *idbTransaction) deleteState(name string) { x.change(state, "delete", name) }

func (x *idbTransaction) clear() {
	for _, store := range []string{segments, chunks, state} {
		x.change(store, "clear")
	}
}
