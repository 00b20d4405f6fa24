package discover

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Relabel is one of Prometheus' rules of relabelling (relabel_config). A zero field means
// Prometheus' default.
type Relabel struct {
	SourceLabels []string `yaml:"source_labels"`
	Separator    *string  `yaml:"separator"` // nil: ";"
	Regex        string   `yaml:"regex"`     // matches the whole value; empty: (.*)
	TargetLabel  string   `yaml:"target_label"`
	Replacement  *string  `yaml:"replacement"` // nil: "$1"
	Action       string   `yaml:"action"`      // empty: replace

	regex *regexp.Regexp
}

// Compile checks r and prepares it for use.
func (r *Relabel) Compile() (err error) {
	pattern := r.Regex
	if pattern == "" {
		pattern = "(.*)"
	}
	if r.regex, err = regexp.Compile("^(?s:" + pattern + ")$"); err != nil {
		return fmt.Errorf("regex: %w", err)
	}
	switch r.Action {
	case "", "replace", "lowercase", "uppercase":
		if r.TargetLabel == "" {
			return errors.New("target_label: missing")
		}
	case "keep", "drop", "labelmap", "labeldrop", "labelkeep":
	default:
		return errors.New("action: want replace, keep, drop, labelmap, labeldrop, labelkeep, lowercase or uppercase")
	}
	return nil
}

// apply changes labels and reports whether the target is kept.
func (r *Relabel) apply(labels map[string]string) bool {
	separator := ";"
	if r.Separator != nil {
		separator = *r.Separator
	}
	values := make([]string, len(r.SourceLabels))
	for i, name := range r.SourceLabels {
		values[i] = labels[name]
	}
	value := strings.Join(values, separator)
	switch r.Action {
	case "keep":
		return r.regex.MatchString(value)
	case "drop":
		return !r.regex.MatchString(value)
	case "lowercase":
		set(labels, r.TargetLabel, strings.ToLower(value))
	case "uppercase":
		set(labels, r.TargetLabel, strings.ToUpper(value))
	case "labelmap", "labeldrop", "labelkeep":
		r.names(labels)
	default:
		if at := r.regex.FindStringSubmatchIndex(value); at != nil {
			set(labels, r.TargetLabel, string(r.regex.ExpandString(nil, r.replacement(), value, at)))
		}
	}
	return true
}

// names applies an action about the labels' names.
func (r *Relabel) names(labels map[string]string) {
	mapped := map[string]string{}
	for name, value := range labels {
		at := r.regex.FindStringSubmatchIndex(name)
		switch {
		case r.Action == "labelmap" && at != nil:
			mapped[string(r.regex.ExpandString(nil, r.replacement(), name, at))] = value
		case r.Action == "labeldrop" && at != nil, r.Action == "labelkeep" && at == nil:
			delete(labels, name)
		}
	}
	for name, value := range mapped {
		set(labels, name, value)
	}
}

func (r *Relabel) replacement() string {
	if r.Replacement == nil {
		return "$1"
	}
	return *r.Replacement
}

// set sets a label. As in Prometheus, an empty value removes it.
func set(labels map[string]string, name, value string) {
	if value == "" {
		delete(labels, name)
		return
	}
	labels[name] = value
}
