package bundle

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// enter makes sure that policy.yaml has a collector with this name and URL and a receipt key of its
// own. If it changes the policy, it raises the version. Comments stay. If the result would not be a
// valid policy, enter writes nothing, and its error says what to change by hand.
func (o Operator) enter(name, url string) error {
	p, err := o.policy()
	if err != nil {
		return err
	}
	if url != "" {
		if url, err = origin(url); err != nil {
			return err
		}
	}
	known := collectorOf(p, name)
	switch {
	case known != nil && (url == "" || url == known.URL):
		return nil
	case known == nil && url == "":
		return fmt.Errorf("%s is not among the collectors of %s: --url says where agents will find it", name, o.path(policySource))
	}
	text, err := o.read(policySource)
	if err != nil {
		return err
	}
	var next string
	if known != nil {
		next, err = replaced(string(text), indexOf(p, name), url)
	} else {
		var public string
		if public, err = o.receiptKey(name); err != nil {
			return err
		}
		next, err = appended(string(text), name, url, public, priorityAfter(p))
	}
	if err != nil {
		return err
	}
	return o.rewrite(raised(next, p.Version+1), fmt.Sprintf("the collector (id: %s, url: %s)", name, url), func(p *policy.Policy) bool {
		c := collectorOf(p, name)
		return c != nil && c.URL == url
	})
}

// rewrite replaces policy.yaml if the new text is a policy for which right returns true. Otherwise
// the file stays, and the error says what to change by hand.
func (o Operator) rewrite(text, what string, right func(*policy.Policy) bool) error {
	byHand := func(err error) error {
		return fmt.Errorf("%s could not be changed: %w; change %s by hand, raise the version and try again", o.path(policySource), err, what)
	}
	draft := o.path(".policy.yaml.new")
	if err := replace(draft, []byte(text), 0o644); err != nil {
		return err
	}
	defer os.Remove(draft) // not needed afterwards
	p, err := roles.ReadPolicySource(draft, time.Now())
	if err != nil {
		return byHand(err)
	}
	if !right(p) {
		return byHand(errors.New("the new text would not say it"))
	}
	return replace(o.path(policySource), []byte(text), 0o644)
}

func indexOf(p *policy.Policy, name string) int {
	for i := range p.Collectors {
		if p.Collectors[i].ID == name {
			return i
		}
	}
	return -1
}

// priorityAfter returns a priority after those of all collectors, so that agents try a new
// collector last until the operator changes that.
func priorityAfter(p *policy.Policy) (last uint32) {
	for _, c := range p.Collectors {
		last = max(last, c.Priority)
	}
	return last + 1
}

// replaced returns the policy with another URL for collector number i.
func replaced(text string, i int, url string) (string, error) {
	return edited(text, "$.collectors["+strconv.Itoa(i)+"].url", strconv.Quote(url), false)
}

// appended returns the policy with one more collector.
func appended(text, name, url, public string, priority uint32) (string, error) {
	entry := fmt.Sprintf("- id: %s\n  url: %s\n  priority: %d\n  weight: 1\n  receipt_key: %s\n", name, url, priority, public)
	return edited(text, "$.collectors", entry, true)
}

func edited(text, at, value string, merge bool) (string, error) {
	file, err := parser.ParseBytes([]byte(text), parser.ParseComments)
	if err != nil {
		return "", err
	}
	p, err := yaml.PathString(at)
	if err != nil {
		return "", err
	}
	if merge {
		err = p.MergeFromReader(file, strings.NewReader(value))
	} else {
		err = p.ReplaceWithReader(file, strings.NewReader(value))
	}
	return file.String(), err
}

var versionLine = regexp.MustCompile(`(?m)^version:[ \t]*\d+`)

// raised returns the policy with another version.
func raised(text string, version uint64) string {
	return versionLine.ReplaceAllLiteralString(text, "version: "+strconv.FormatUint(version, 10))
}
