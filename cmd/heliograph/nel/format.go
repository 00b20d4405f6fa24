package nel

import (
	"fmt"
	"go/format"
	"strings"
)

// Formats are the values of --format.
var Formats = []string{"text", "nginx", "caddy", "go"}

// Format returns headers in the configuration of a web server or as Go code. It adds directives for
// a Content-Security-Policy, which may be "", as a comment, because they belong into the service's
// own policy. The values that [Headers] returns need no escaping in any of the formats.
func Format(name string, headers []Header, directives string) (string, error) {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	comment := func(prefix string) {
		if directives != "" {
			line("%sAppend to your Content-Security-Policy: %s", prefix, directives)
		}
	}
	switch name {
	case "text":
		for _, h := range headers {
			line("%s: %s", h.Name, h.Value)
		}
		comment("# ")
	case "nginx":
		line("# In a server or location block. A block with add_header lines of its own inherits none: repeat these there.")
		for _, h := range headers {
			line("add_header %s '%s' always;", h.Name, h.Value)
		}
		comment("# ")
	case "caddy":
		line("# In a site block.")
		line("header {")
		for _, h := range headers {
			line("\t%s `%s`", h.Name, h.Value)
		}
		line("}")
		comment("# ")
	case "go":
		line("// Package reporting asks browsers to report failed requests to Heliograph's collectors.")
		line("package reporting\n\nimport \"net/http\"\n")
		line("// Handler sets the headers on every answer of next.")
		comment("// ")
		line("func Handler(next http.Handler) http.Handler {")
		line("return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {")
		for _, h := range headers {
			line("w.Header().Set(%q, `%s`)", h.Name, h.Value)
		}
		line("next.ServeHTTP(w, r)\n})\n}")
		text, err := format.Source([]byte(b.String()))
		return string(text), err
	default:
		return "", fmt.Errorf("--format: %q is none of %s", name, strings.Join(Formats, ", "))
	}
	return b.String(), nil
}
