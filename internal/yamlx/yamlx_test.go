package yamlx

import (
	"errors"
	"strings"
	"testing"
)

type config struct {
	Collector struct {
		ID    string   `yaml:"id"`
		Bytes int64    `yaml:"bytes"`
		Keys  []string `yaml:"keys"`
		Small uint8    `yaml:"small"`
		On    bool     `yaml:"on"`
	} `yaml:"collector"`
	Rate float64 `yaml:"rate"`
}

func TestErrorsNameLineAndKey(t *testing.T) {
	for text, want := range map[string]string{
		"collector: hello":                       "f.yaml:1: collector: want a mapping, got a text",
		"collector:\n  id: [x]":                  "f.yaml:2: collector.id: want a text, got a list",
		"collector:\n  bytes: lots":              `f.yaml:2: collector.bytes: want a whole number, got "lots"`,
		"collector:\n  keys: 3":                  "f.yaml:2: collector.keys: want a list, got a number",
		"collector:\n  keys:\n  - a\n  - {b: c}": "f.yaml:4: collector.keys[1]: want a text, got a mapping",
		"collector:\n  small: 300":               "f.yaml:2: collector.small: 300 is out of range",
		"collector:\n  on: perhaps":              `f.yaml:2: collector.on: want true or false, got "perhaps"`,
		"rate: fast":                             `f.yaml:1: rate: want a number, got "fast"`,
		"collector:\n  id: a\n  lissten: b":      `f.yaml:3: collector.lissten: unknown field "lissten"`,
		"collector:\n  id: a\n  id: b":           `f.yaml:3: `,
		"{{{":                                    "f.yaml:1: ",
	} {
		var c config
		if err := Decode("f.yaml", []byte(text), &c); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
	var c config
	if err := Decode("f.yaml", []byte("# nothing\n"), &c); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
	if err := Decode("f.yaml", []byte("collector: {id: a, keys: [b]}\nrate: 1.5\n"), &c); err != nil || c.Collector.ID != "a" || c.Rate != 1.5 {
		t.Errorf("%v, %+v", err, c)
	}
}
