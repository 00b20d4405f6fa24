package simulate

import (
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Span is a duration, written in a scenario's file as "90s" or "2h30m".
type Span struct{ time.Duration }

// UnmarshalYAML reads a span. Its error names the line.
func (s *Span) UnmarshalYAML(node ast.Node) error {
	d, err := time.ParseDuration(word(node))
	if err != nil {
		return wrong(node, "%q is no duration such as 90s or 2h30m", word(node))
	}
	s.Duration = d
	return nil
}

// Moment is a time, written in a scenario's file as "2026-03-02T09:00:00Z".
type Moment struct{ time.Time }

// UnmarshalYAML reads a moment. Its error names the line.
func (m *Moment) UnmarshalYAML(node ast.Node) error {
	t, err := time.Parse(time.RFC3339, word(node))
	if err != nil {
		return wrong(node, "%q is no time such as 2026-03-02T09:00:00Z", word(node))
	}
	m.Time = t.UTC()
	return nil
}

// word returns the text of a scalar.
func word(node ast.Node) string {
	if scalar, ok := node.(ast.ScalarNode); ok {
		return fmt.Sprint(scalar.GetValue())
	}
	return node.String()
}

func wrong(node ast.Node, format string, args ...any) error {
	key := strings.TrimPrefix(node.GetPath(), "$.")
	return &yaml.SyntaxError{Message: key + ": " + fmt.Sprintf(format, args...), Token: node.GetToken()}
}
