//go:build js && wasm

package jsx

import (
	"errors"
	"math"
	"syscall/js"
)

// typeOf returns the type of v. It returns undefined for a BigInt, for which package js panics.
func typeOf(v js.Value) (t js.Type) {
	defer func() {
		if recover() != nil {
			t = js.TypeUndefined
		}
	}()
	return v.Type()
}

// Field returns a property of v, or undefined if v has no properties or throws. (An exception in
// js.Value.Get would end the program.)
func Field(v js.Value, name string) js.Value {
	if t := typeOf(v); t != js.TypeObject && t != js.TypeFunction {
		return js.Undefined()
	}
	field, err := Call(js.Global().Get("Reflect"), "get", v, name)
	if err != nil {
		return js.Undefined()
	}
	return field
}

// Text returns the first max UTF-16 units of a string. It returns false if v is not a string.
func Text(v js.Value, max int) (string, bool) {
	if typeOf(v) != js.TypeString {
		return "", false
	}
	return js.Global().Get("String").Get("prototype").Get("slice").Call("call", v, 0, max).String(), true
}

// Number returns the value of a number. It returns false if v is not a finite number.
func Number(v js.Value) (float64, bool) {
	if typeOf(v) != js.TypeNumber {
		return 0, false
	}
	f := v.Float()
	return f, !math.IsNaN(f) && !math.IsInf(f, 0)
}

// Integer returns the value of a whole number from min to max, which must be within ±2^53. It
// returns false if v is something else.
func Integer(v js.Value, min, max int64) (int64, bool) {
	f, ok := Number(v)
	if !ok || f < float64(min) || f > float64(max) || f != math.Trunc(f) {
		return 0, false
	}
	return int64(f), true
}

// List returns the length of an array of at most max elements. It returns false if v is
// something else.
func List(v js.Value, max int) (int, bool) {
	if !js.Global().Get("Array").Call("isArray", v).Bool() {
		return 0, false
	}
	n := v.Length()
	return n, n <= max
}

// ErrBytes is the error of [Bytes].
var ErrBytes = errors.New("not a Uint8Array of a permitted size")

// Bytes returns a copy of a Uint8Array of at most max bytes.
func Bytes(v js.Value, max int) ([]byte, error) {
	if typeOf(v) != js.TypeObject || !v.InstanceOf(js.Global().Get("Uint8Array")) {
		return nil, ErrBytes
	}
	n := v.Length()
	if n > max {
		return nil, ErrBytes
	}
	b := make([]byte, n)
	js.CopyBytesToGo(b, v)
	return b, nil
}

// Array copies b into a new Uint8Array.
func Array(b []byte) js.Value {
	a := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(a, b)
	return a
}
