package yamlx_test

import (
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/internal/yamlx"
)

// TestSuggestions: an unknown key that is a slip of the hand, or stands in the wrong place, comes
// with what was meant.
func TestSuggestions(t *testing.T) {
	type target struct {
		Name string `yaml:"name"`
		URL  string `yaml:"url"`
	}
	type config struct {
		Prober struct {
			Targets  []target `yaml:"targets"`
			Interval string   `yaml:"interval"`
			Timeout  string   `yaml:"timeout"`
		} `yaml:"prober"`
		Alerts struct {
			Timeout string `yaml:"timeout"`
		} `yaml:"alerts"`
	}
	for text, want := range map[string]string{
		"porber: {}":                            "(did you mean prober?)",
		"prober: {target: []}":                  "(did you mean targets?)",
		"prober: {inteval: 5s}":                 "(did you mean interval?)",
		"prober: {targets: [{nmae: a}]}":        "(did you mean name?)",
		"interval: 5s":                          "(did you mean prober.interval?)",
		"timeout: 5s":                           "", // there are two
		"prober: {colour: red}":                 "",
		"prober: {targets: [{name: a, ur: b}]}": "",
	} {
		err := yamlx.Decode("x.yaml", []byte(text), new(config))
		if err == nil || !strings.HasSuffix(err.Error(), want) || want == "" && strings.Contains(err.Error(), "did you mean") {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
	}
}
