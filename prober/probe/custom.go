package probe

import (
	"cmp"
	"errors"
)

var errNoFunc = errors.New("func: missing; say what the probe does")

// Custom is a [Spec] that a program makes from a [Func] of its own, for things that no other kind
// can probe.
type Custom struct {
	Name   string // name of the kind; empty: "custom"
	Listen string // host:port in the topology; may be empty
	Func   Func   // required
}

// Kind implements [Spec].
func (c Custom) Kind() string { return cmp.Or(c.Name, "custom") }

// Address implements [Spec].
func (c Custom) Address() string { return c.Listen }

// Probe implements [Spec].
func (c Custom) Probe(Env) (Func, error) {
	if c.Func == nil {
		return nil, errNoFunc
	}
	return c.Func, nil
}
