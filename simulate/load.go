package simulate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/goccy/go-yaml"
	"github.com/heliograph-net/heliograph/internal/yamlx"
)

// MaxScenario is the greatest size of a scenario's file in bytes.
const MaxScenario = 1 << 20

// Load reads a scenario from a file. An error about its content names the file, the line and the
// key.
func Load(path string) (*Scenario, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the scenario: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxScenario+1))
	if err != nil {
		return nil, fmt.Errorf("reading the scenario %s: %w", path, err)
	}
	return Parse(path, text)
}

// Parse is like [Load] for a text in memory. Errors use the name in place of the file's.
func Parse(name string, text []byte) (*Scenario, error) {
	if len(text) > MaxScenario {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, MaxScenario)
	}
	s := defaults()
	switch err := yamlx.Strictly(text, &s); {
	case errors.Is(err, io.EOF): // no document: the decoder has zeroed s
		s = defaults()
	case err != nil:
		return nil, located(name, err)
	}
	c := &checker{name: name, text: text}
	c.scenario(&s)
	return &s, errors.Join(c.faults...)
}

// located adds the position in the file to an error of the decoder.
func located(name string, err error) error {
	if e, ok := errors.AsType[yaml.Error](err); ok && e.GetToken() != nil {
		return fmt.Errorf("%s:%d: %s", name, e.GetToken().Position.Line, e.GetMessage())
	}
	return fmt.Errorf("%s: %w", name, err)
}

// checker collects the faults of a scenario.
type checker struct {
	name   string
	text   []byte
	faults []error
}

// require adds an error about key unless ok.
func (c *checker) require(ok bool, key, format string, args ...any) {
	if !ok {
		c.faults = append(c.faults, fmt.Errorf("%s:%d: %s: %s", c.name, c.line(key), key, fmt.Sprintf(format, args...)))
	}
}

// line returns the line in the file of key, or of the nearest key above it that the file has.
func (c *checker) line(key string) int {
	for path := "$." + key; len(path) > 2; {
		if p, err := yaml.PathString(path); err == nil {
			if node, err := p.ReadNode(bytes.NewReader(c.text)); err == nil {
				return node.GetToken().Position.Line
			}
		}
		path = path[:bytes.LastIndexAny([]byte(path), ".[")]
	}
	return 1
}
