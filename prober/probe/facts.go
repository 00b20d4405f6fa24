package probe

import "context"

// Facts are what an answer contained. A [Result] has them only if its attempt was asked for them.
type Facts struct {
	Header map[string][]string // of an HTTP answer, see http.Header
	Body   []byte              // of an HTTP answer, as far as it was read
}

type factsKey struct{}

// WithFacts returns a context for a [Func] whose result shall have facts, and details.
func WithFacts(ctx context.Context) context.Context {
	return context.WithValue(WithDetails(ctx), factsKey{}, true)
}

// WantsFacts reports whether a context is one of [WithFacts].
func WantsFacts(ctx context.Context) bool {
	wanted, _ := ctx.Value(factsKey{}).(bool)
	return wanted
}

// WantsDetails reports whether a context is one of [WithDetails].
func WantsDetails(ctx context.Context) bool {
	wanted, _ := ctx.Value(detailsKey{}).(bool)
	return wanted
}
