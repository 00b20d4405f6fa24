//go:build js && wasm

package jsx

import (
	"context"
	"errors"
	"strings"
	"syscall/js"
	"testing"
	"time"
)

// eval returns the value of a JavaScript expression.
func eval(expression string) js.Value {
	return js.Global().Get("Function").New("return " + expression).Invoke()
}

func TestAwait(t *testing.T) {
	v, err := Await(t.Context(), eval(`new Promise((done) => setTimeout(() => done(42), 5))`))
	if err != nil || v.Int() != 42 {
		t.Errorf("%v, %v", v, err)
	}
	_, err = Await(t.Context(), eval(`Promise.reject(new RangeError("too far"))`))
	if !Named(err, "RangeError") || !strings.Contains(err.Error(), "too far") {
		t.Errorf("rejected: %v", err)
	}
	if _, err = Await(t.Context(), eval(`Promise.reject(undefined)`)); err == nil {
		t.Error("rejected with nothing: no error")
	}
	for _, no := range []string{`undefined`, `null`, `7`, `"text"`, `{}`} {
		if _, err := Await(t.Context(), eval(no)); err == nil {
			t.Errorf("%s is no promise, and no error", no)
		}
	}
}

// TestAwaitGivesUp: nothing happens if a promise settles too late, and no memory is kept for one
// that never settles.
func TestAwaitGivesUp(t *testing.T) {
	var settle js.Value
	promise, settle := Deferred()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := Await(ctx, promise); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	settle.Invoke(1)
	if v, err := Await(t.Context(), promise); err != nil || v.Int() != 1 {
		t.Errorf("once more: %v, %v", v, err)
	}
	if n := len(table.waiting); n != 0 {
		t.Errorf("%d still wait", n)
	}
}

func TestTryCatchesWhatJavaScriptThrows(t *testing.T) {
	for _, throws := range []func() js.Value{
		func() js.Value { return eval(`(() => { throw new TypeError("x") })()`) },
		func() js.Value { return js.Global().Call("nothing") },
		func() js.Value { return js.Undefined().Get("x") },
		func() js.Value { return js.ValueOf("x").Call("slice") },
	} {
		if _, err := Try(throws); err == nil {
			t.Error("no error")
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Try swallows Go's own panics")
		}
	}()
	_, _ = Try(func() js.Value { panic(errors.New("ours")) })
}

func TestValuesAreNotTrusted(t *testing.T) {
	hostile := `({get x() { throw new Error("no") }, length: 1e9})`
	if v := Field(eval(hostile), "x"); !v.IsUndefined() {
		t.Errorf("a getter that throws gives %v", v)
	}
	if v := Field(js.Null(), "x"); !v.IsUndefined() {
		t.Errorf("a field of null is %v", v)
	}
	if s, ok := Text(eval(`"a".repeat(1 << 20)`), 4); !ok || s != "aaaa" {
		t.Errorf("text %q, %v", s, ok)
	}
	if _, ok := Text(eval(`new String("x")`), 4); ok {
		t.Error("an object is a text")
	}
	for text, want := range map[string]bool{`1`: true, `0`: true, `1.5`: false, `-1`: false, `11`: false, `NaN`: false, `Infinity`: false, `"1"`: false, `1n`: false} {
		if _, ok := Integer(eval(text), 0, 10); ok != want {
			t.Errorf("Integer(%s) is %v, want %v", text, ok, want)
		}
	}
	for text, want := range map[string]bool{`[]`: true, `[1,2]`: true, `[1,2,3]`: false, `{length: 1}`: false, `"ab"`: false, `undefined`: false, hostile: false} {
		if _, ok := List(eval(text), 2); ok != want {
			t.Errorf("List(%s) is %v, want %v", text, ok, want)
		}
	}
	for text, want := range map[string]bool{`new Uint8Array(4)`: true, `new Uint8Array(5)`: false, `new ArrayBuffer(4)`: false, `[1]`: false, `null`: false} {
		if _, err := Bytes(eval(text), 4); (err == nil) != want {
			t.Errorf("Bytes(%s): %v, want %v", text, err, want)
		}
	}
	if b, err := Bytes(Array([]byte{1, 2, 255}), 3); err != nil || string(b) != "\x01\x02\xff" {
		t.Errorf("there and back: %x, %v", b, err)
	}
}
