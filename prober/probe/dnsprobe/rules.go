package dnsprobe

import (
	"errors"
	"slices"

	"github.com/heliograph-net/heliograph/prober/probe/match"
)

// Rules are regular expressions for the records in one section of an answer. Each record is a line
// of a zone file: name, TTL, class, type and data, separated by tabs.
type Rules struct {
	FailIfMatches  []string `yaml:"fail_if_matches_regexp"`   // any record matches any
	FailIfAllMatch []string `yaml:"fail_if_all_match_regexp"` // every record matches all
	// a record does not match one, or there is none
	FailIfNotMatches  []string `yaml:"fail_if_not_matches_regexp"`
	FailIfNoneMatches []string `yaml:"fail_if_none_matches_regexp"` // no record matches any
}

// rules are compiled Rules.
type rules struct{ matches, allMatch, notMatches, noneMatches match.Patterns }

func (r Rules) compile(key string) (c rules, err error) {
	var faults [4]error
	c.matches, faults[0] = match.Compile(key+".fail_if_matches_regexp", r.FailIfMatches)
	c.allMatch, faults[1] = match.Compile(key+".fail_if_all_match_regexp", r.FailIfAllMatch)
	c.notMatches, faults[2] = match.Compile(key+".fail_if_not_matches_regexp", r.FailIfNotMatches)
	c.noneMatches, faults[3] = match.Compile(key+".fail_if_none_matches_regexp", r.FailIfNoneMatches)
	return c, errors.Join(faults[:]...)
}

// allow reports whether records comply with all rules.
func (r *rules) allow(records []string) bool {
	if len(records) == 0 {
		return len(r.notMatches) == 0 && len(r.noneMatches) == 0
	}
	all := len(r.allMatch) > 0
	none := len(r.noneMatches) > 0
	for _, record := range records {
		if r.matches.Any(record) || !r.notMatches.All(record) {
			return false
		}
		all = all && r.allMatch.All(record)
		none = none && !r.noneMatches.Any(record)
	}
	return !all && !none
}

// parts are the rules for an answer's three sections.
type parts struct{ answer, authority, additional rules }

func (o *Options) rules() (p parts, err error) {
	var faults [3]error
	p.answer, faults[0] = o.Answer.compile("validate_answer_rrs")
	p.authority, faults[1] = o.Authority.compile("validate_authority_rrs")
	p.additional, faults[2] = o.Additional.compile("validate_additional_rrs")
	return p, errors.Join(faults[:]...)
}

// expected reports whether an answer is as the options require.
func (p *dnsProbe) expected(r *reply) bool {
	for _, want := range p.answers {
		if !slices.Contains(r.data, want) {
			return false
		}
	}
	return p.rules.answer.allow(r.answer) && p.rules.authority.allow(r.authority) && p.rules.additional.allow(r.additional)
}
