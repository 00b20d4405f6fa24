package simulate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/goccy/go-yaml"
)

// MaxScenario is the greatest size of a scenario's file in bytes.
const MaxScenario = 1 << 20

// Load reads a scenario. Errors name the file, the line and the key.
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

// Parse does Load's work for a text that is already there. The name is for errors.
func Parse(name string, text []byte) (*Scenario, error) {
	if len(text) > MaxScenario {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, MaxScenario)
	}
	s := defaults()
	switch err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&s); {
	case errors.Is(err, io.EOF): // no document: the decoder has zeroed s
		s = defaults()
	case err != nil:
		return nil, located(name, err)
	}
	c := &checker{name: name, text: text}
	c.scenario(&s)
	return &s, errors.Join(c.faults...)
}

// located says where an error of the decoder is.
func located(name string, err error) error {
	if e, ok := errors.AsType[yaml.Error](err); ok && e.GetToken() != nil {
		return fmt.Errorf("%s:%d: %s", name, e.GetToken().Position.Line, e.GetMessage())
	}
	return fmt.Errorf("%s: %w", name, err)
}

// checker collects what is wrong with a scenario.
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

// line is where key is in the file, or the nearest key above it that is.
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
