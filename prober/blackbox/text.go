package blackbox

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// mediaType is that of Prometheus' text format.
const mediaType = "text/plain; version=0.0.4; charset=utf-8"

// family is a gauge. A registry of client_golang's for each scrape would cost several times as much
// as the probe.
type family struct {
	name    string
	samples []sample
}

type sample struct {
	labels map[string]string
	value  float64
}

// gauge returns a family of one sample.
func gauge(name string, value float64, labels map[string]string) family {
	return family{name, []sample{{labels, value}}}
}

// escapes is how the text format writes the values of labels.
var escapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// format writes families in Prometheus' text format, sorted by name.
func format(all []family) []byte {
	slices.SortStableFunc(all, func(a, b family) int { return strings.Compare(a.name, b.name) })
	var b bytes.Buffer
	b.Grow(4096)
	for _, f := range all {
		text, ok := help[f.name]
		if !ok {
			text = "As blackbox_exporter has it"
		}
		b.WriteString("# HELP " + f.name + " " + text + "\n# TYPE " + f.name + " gauge\n")
		for _, s := range f.samples {
			b.WriteString(f.name)
			for i, label := range slices.Sorted(maps.Keys(s.labels)) {
				b.WriteByte("{,"[min(i, 1)])
				b.WriteString(label + `="` + escapes.Replace(s.labels[label]) + `"`)
			}
			if len(s.labels) > 0 {
				b.WriteByte('}')
			}
			b.WriteByte(' ')
			b.Write(strconv.AppendFloat(b.AvailableBuffer(), s.value, 'g', -1, 64))
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}
