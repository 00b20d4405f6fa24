package yamlx

import (
	"errors"
	"fmt"
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

func TestFirstUnknownKeyIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"zz: 1\ncollector: {id: a}\nxx: 2\nyy: 3\nrate: 1\nww: 4":              `f.yaml:1: zz: unknown field "zz"`,
		"rate: 1\ncollector:\n  bb: 1\n  id: a\n  aa: {bb: 2}\n  cc: [aa]":     `f.yaml:3: collector.bb: unknown field "bb"`,
		"zz: &z {id: a, qq: 1, pp: 2}\ncollector: {<<: *z, oo: 3, keys: [oo]}": `f.yaml:1: zz: unknown field "zz"`,
		"bb: 1\n\"a a\": 2\n'c': 3":                                            `f.yaml:1: bb: unknown field "bb"`,
	} {
		for range 8 {
			var c config
			if err := Decode("f.yaml", []byte(text), &c); err == nil || err.Error() != want {
				t.Errorf("%q:\n got %v\nwant %s", text, err, want)
			}
		}
	}
	var c config
	if err := Decode("f.yaml", []byte(strings.Repeat("a", 300)+": 1\n"+manyKeys(1000)), &c); err == nil || !strings.Contains(err.Error(), "unknown field") {
		t.Errorf("a thousand unknown keys: %v", err)
	}
}

func manyKeys(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "k%d: 1\n", i)
	}
	return text.String()
}
