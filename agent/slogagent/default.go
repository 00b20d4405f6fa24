package slogagent

import (
	"bytes"
	"context"
	"log"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"
)

// plain writes what slog's own default handler would write, to the output that the log package had
// when plain was made.
//
// That handler passes its records to the log package, and slog.SetDefault makes the log package
// pass its lines to the new default handler. So a default handler that wraps it would call itself
// while it holds the log package's lock, and the first record would deadlock.
type plain struct {
	lines *log.Logger
	like  slog.Handler // the default handler, which knows the level

	mu    *sync.Mutex   // guards attrs of all handlers that were derived from one
	text  *bytes.Buffer // what attrs has written
	attrs slog.Handler  // writes attributes only
}

// isDefault reports whether h is slog's own default handler. Its type is not exported.
func isDefault(h slog.Handler) bool { return typeName(h) == "*slog.defaultHandler" }

func typeName(v any) string { return reflect.TypeOf(v).String() }

func newPlain(h slog.Handler) *plain {
	to := log.Writer()
	if typeName(to) == "*slog.handlerWriter" { // the log package writes to a slog.Handler already
		to = os.Stderr
	}
	// without the place of the call, which would be in this file
	lines := log.New(to, log.Prefix(), log.Flags()&^(log.Lshortfile|log.Llongfile))
	text := new(bytes.Buffer)
	return &plain{lines: lines, like: h, mu: new(sync.Mutex), text: text, attrs: slog.NewTextHandler(text, nil)}
}

// Enabled implements slog.Handler.
func (p *plain) Enabled(ctx context.Context, level slog.Level) bool {
	return p.like.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (p *plain) Handle(ctx context.Context, r slog.Record) error {
	attrs, err := p.attributes(ctx, &r)
	if err != nil {
		return err
	}
	return p.lines.Output(0, r.Level.String()+" "+r.Message+attrs)
}

// attributes returns " key=value" for each attribute.
func (p *plain) attributes(ctx context.Context, r *slog.Record) (string, error) {
	const builtIn = `level=INFO msg=""` // what a record with attributes only begins with
	only := slog.NewRecord(time.Time{}, slog.LevelInfo, "", 0)
	r.Attrs(func(a slog.Attr) bool {
		only.AddAttrs(a)
		return true
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Reset()
	err := p.attrs.Handle(ctx, only)
	return strings.TrimPrefix(strings.TrimSuffix(p.text.String(), "\n"), builtIn), err
}

// WithAttrs implements slog.Handler.
func (p *plain) WithAttrs(attrs []slog.Attr) slog.Handler {
	derived := *p
	derived.attrs = p.attrs.WithAttrs(attrs)
	return &derived
}

// WithGroup implements slog.Handler.
func (p *plain) WithGroup(name string) slog.Handler {
	derived := *p
	derived.attrs = p.attrs.WithGroup(name)
	return &derived
}
