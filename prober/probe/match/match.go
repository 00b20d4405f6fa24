// Package match checks texts against lists of regular expressions. Start with [Compile].
package match

import (
	"errors"
	"fmt"
	"regexp"
)

// Patterns are compiled regular expressions (RE2, see [regexp/syntax]). They are safe for
// concurrent use.
type Patterns []*regexp.Regexp

// Compile compiles patterns. The error names all faults, each with key, which is the patterns' key
// in the configuration.
func Compile(key string, patterns []string) (Patterns, error) {
	var compiled Patterns
	var faults []error
	for i, p := range patterns {
		re, err := regexp.Compile(p)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s[%d]: %w", key, i, err))
			continue
		}
		compiled = append(compiled, re)
	}
	return compiled, errors.Join(faults...)
}

// Any reports whether at least one pattern matches text.
func (p Patterns) Any(text string) bool {
	for _, re := range p {
		if re.MatchString(text) {
			return true
		}
	}
	return false
}

// All reports whether every pattern matches text; without patterns it is true.
func (p Patterns) All(text string) bool {
	for _, re := range p {
		if !re.MatchString(text) {
			return false
		}
	}
	return true
}
