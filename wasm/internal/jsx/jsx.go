//go:build js && wasm

// Package jsx lets goroutines wait for JavaScript's promises and events, and reads JavaScript
// values without trusting them. Start with [Await].
//
// All waits share one JavaScript callback, which lives as long as the program. Each wait has its
// own number. So nothing has to be released, and a promise that settles late or never holds no
// Go memory.
package jsx

import (
	"context"
	"errors"
	"sync"
	"syscall/js"
)

// Error is a JavaScript exception, or the reason of a rejected promise.
type Error struct {
	Name    string // "QuotaExceededError", "TypeError"; "" for what is no Error
	Message string
}

func (e *Error) Error() string {
	switch {
	case e.Name == "":
		return "JavaScript: " + e.Message
	case e.Message == "":
		return "JavaScript: " + e.Name
	default:
		return "JavaScript: " + e.Name + ": " + e.Message
	}
}

// Named reports whether err is a JavaScript error of that name.
func Named(err error, name string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Name == name
}

// maxText is how much of a text from JavaScript goes into an Error.
const maxText = 256

// ErrorOf returns an Error for any thrown value.
func ErrorOf(v js.Value) *Error {
	if typeOf(v) != js.TypeObject {
		text, _ := Text(v, maxText)
		return &Error{Message: text}
	}
	name, _ := Text(Field(v, "name"), maxText)
	message, _ := Text(Field(v, "message"), maxText)
	return &Error{Name: name, Message: message}
}

// Try calls f and returns a JavaScript exception as an *[Error]. It does not recover from
// other panics.
func Try(f func() js.Value) (v js.Value, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case js.Error:
			err = ErrorOf(r.Value)
		case *js.ValueError:
			err = &Error{Name: "TypeError", Message: "not what " + r.Method + " needs"}
		case string: // a panic of package js, about something that is not a function
			err = &Error{Name: "TypeError", Message: r}
		default:
			panic(r)
		}
	}()
	return f(), nil
}

// Call calls a method of v with Try.
func Call(v js.Value, method string, args ...any) (js.Value, error) {
	return Try(func() js.Value { return v.Call(method, args...) })
}

// table has the Waiters by number.
var table struct {
	mu      sync.Mutex
	settle  js.Func // made at the first wait
	made    bool
	next    int
	waiting map[int]*Waiter
}

// Outcome is how a wait has ended.
type Outcome struct {
	Which int      // index of the callback that was called first
	Value js.Value // its first argument
}

// Waiter waits until JavaScript calls one of several callbacks.
type Waiter struct {
	id    int
	c     chan Outcome // capacity 1
	reply js.Value     // what the callbacks return
}

// NewWaiter returns a Waiter. The caller passes [Waiter.Callback] to JavaScript and then calls
// [Waiter.Wait] or [Waiter.Forget]. The callbacks return reply.
func NewWaiter(reply js.Value) *Waiter {
	table.mu.Lock()
	defer table.mu.Unlock()
	if !table.made {
		table.made, table.waiting = true, make(map[int]*Waiter)
		table.settle = js.FuncOf(settle)
	}
	w := &Waiter{id: table.next, c: make(chan Outcome, 1), reply: reply}
	table.next++
	table.waiting[w.id] = w
	return w
}

// settle is the function that all callbacks call, with the number of their Waiter, their index, and
// their arguments. It does not block.
func settle(_ js.Value, args []js.Value) any {
	if len(args) < 2 {
		return nil
	}
	table.mu.Lock()
	w := table.waiting[args[0].Int()]
	delete(table.waiting, args[0].Int())
	table.mu.Unlock()
	if w == nil {
		return nil // the wait has ended
	}
	o := Outcome{Which: args[1].Int()}
	if len(args) > 2 {
		o.Value = args[2]
	}
	w.c <- o // the first and only one
	return w.reply
}

// Callback returns a JavaScript function. The first call to any of the callbacks of w
// ends the wait.
func (w *Waiter) Callback(which int) js.Value {
	return table.settle.Value.Call("bind", js.Null(), w.id, which)
}

// On adds Callback(which) as a listener of target's event.
func (w *Waiter) On(target js.Value, event string, which int) {
	target.Call("addEventListener", event, w.Callback(which))
}

// Wait waits for the first call of a callback. It returns the call, or the error of ctx.
func (w *Waiter) Wait(ctx context.Context) (Outcome, error) {
	defer w.Forget()
	select {
	case o := <-w.c:
		return o, nil
	default:
	}
	select {
	case o := <-w.c:
		return o, nil
	case <-ctx.Done():
		return Outcome{}, ctx.Err()
	}
}

// Forget ends the waiting.
func (w *Waiter) Forget() {
	table.mu.Lock()
	defer table.mu.Unlock()
	delete(table.waiting, w.id)
}

// Await waits for a promise. It returns the promise's value, its reason as an *[Error], or the
// error of ctx. It must not be called from a callback, because that would block the event
// loop for ever.
func Await(ctx context.Context, promise js.Value) (js.Value, error) {
	w := NewWaiter(js.Undefined())
	if _, err := Call(promise, "then", w.Callback(0), w.Callback(1)); err != nil {
		w.Forget()
		return js.Undefined(), err
	}
	o, err := w.Wait(ctx)
	switch {
	case err != nil:
		return js.Undefined(), err
	case o.Which != 0:
		return js.Undefined(), ErrorOf(o.Value)
	default:
		return o.Value, nil
	}
}

// Deferred returns a promise and the function that fulfils it.
func Deferred() (promise, fulfil js.Value) {
	executor := js.FuncOf(func(_ js.Value, args []js.Value) any {
		fulfil = args[0]
		return nil
	})
	defer executor.Release()
	return js.Global().Get("Promise").New(executor), fulfil
}
