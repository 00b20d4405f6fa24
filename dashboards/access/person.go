package access

import (
	"context"
	"fmt"
)

// Role is what a person may do.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // may look
	Operator Role = "operator" // may also acknowledge, note and mute
)

// check returns an error unless r is a role.
func (r Role) check() error {
	if r != Viewer && r != Operator {
		return fmt.Errorf("%q is no role; it is %s or %s", string(r), Viewer, Operator)
	}
	return nil
}

// Person is who makes a request.
type Person struct {
	Name string
	Role Role
	How  string // "password", "proxy" or "oidc"; "local" without a gate
}

type personKey struct{}

// Of returns who makes the request of a context. Without a gate, it is whoever has an account on
// this host, and may do everything.
func Of(ctx context.Context) Person {
	if p, ok := ctx.Value(personKey{}).(Person); ok {
		return p
	}
	return Person{Name: "local", Role: Operator, How: "local"}
}

func with(ctx context.Context, p Person) context.Context {
	return context.WithValue(ctx, personKey{}, p)
}
