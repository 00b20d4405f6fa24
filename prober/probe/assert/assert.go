// Package assert checks what a probe found with expressions in CEL, the Common Expression Language
// (cel.dev). Start with [Compile] for a rule about a result, and [CompileJSON] for one about a body
// in JSON, as blackbox_exporter has them.
//
// An expression is compiled with its types when the configuration is read. What it may cost when it
// is evaluated is limited, because servers choose what it works on.
package assert

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
)

const (
	// MaxLength is the greatest length of an expression in bytes.
	MaxLength = 4096
	// maxCost is how much one evaluation may cost, in CEL's units, of which an operation has one,
	// and one that reads a text has one for ten bytes of it. A second has some ten million.
	maxCost = 5_000_000
	// so many steps of a comprehension are between two looks at the time
	interruptEvery = 100
)

// Rule is a compiled expression. It is safe for concurrent use.
type Rule struct{ program cel.Program }

// Variables are the values that an expression works on, by name. A value may be a func() any, which
// is called when it is needed.
type Variables map[string]any

var ofResult = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable("status", cel.IntType), cel.Variable("protocol", cel.StringType), cel.Variable("server", cel.StringType), cel.Variable("family", cel.IntType),
		cel.Variable("seconds", cel.DoubleType), cel.Variable("steps", cel.MapType(cel.StringType, cel.DoubleType)),
		cel.Variable("certificate_days", cel.DoubleType),
		cel.Variable("details", cel.MapType(cel.StringType, cel.DoubleType)),
		cel.Variable("labels", cel.MapType(cel.StringType, cel.MapType(cel.StringType, cel.StringType))),
		cel.Variable("headers", cel.MapType(cel.StringType, cel.ListType(cel.StringType))), cel.Variable("body", cel.StringType), cel.Variable("json", cel.DynType),
	)
})

var ofJSON = sync.OnceValues(func() (*cel.Env, error) { return cel.NewEnv(cel.Variable("body", cel.DynType)) })

// Compile compiles an expression about a result, see [Of].
func Compile(text string) (*Rule, error) { return compile(text, ofResult) }

// CompileJSON compiles an expression about one variable, body, which is a body in JSON.
func CompileJSON(text string) (*Rule, error) { return compile(text, ofJSON) }

func compile(text string, variables func() (*cel.Env, error)) (*Rule, error) {
	if strings.TrimSpace(text) == "" || len(text) > MaxLength {
		return nil, fmt.Errorf("want an expression of 1 to %d bytes", MaxLength)
	}
	env, err := variables()
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, errors.New(firstLine(err))
	}
	if t := ast.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("is of type %s, want one that is true or false", t)
	}
	program, err := env.Program(ast, cel.CostLimit(maxCost), cel.InterruptCheckFrequency(interruptEvery))
	if err != nil {
		return nil, err
	}
	return &Rule{program}, nil
}

// firstLine returns what is wrong and where in the expression, without the drawing of it.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimPrefix(text, "ERROR: <input>:")
}

// Holds reports whether the expression is true. It is an error if it cannot be evaluated, is
// neither true nor false, costs too much, or if ctx ends first.
func (r *Rule) Holds(ctx context.Context, v Variables) (bool, error) {
	value, _, err := r.program.ContextEval(ctx, map[string]any(v))
	if err != nil {
		return false, err
	}
	holds, ok := value.Value().(bool)
	if !ok {
		return false, errors.New("is neither true nor false")
	}
	return holds, nil
}
