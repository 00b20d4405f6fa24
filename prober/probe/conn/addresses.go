package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/assert"
	"github.com/heliograph-net/heliograph/report"
)

// The rules of [Addresses].
const (
	AnyAddress   = "any"  // one address answers
	AllAddresses = "all"  // every address answers
	BothFamilies = "both" // one IPv4 address and one IPv6 address answer
)

// MaxAddresses is how many addresses of a name are tried. Further addresses are ignored.
const MaxAddresses = 16

// Addresses says which addresses of a name are tried, how many of them must answer, and what must
// be true of an answer. All are tried at the same time, once each. With the zero value, every
// address is tried and one must answer.
type Addresses struct {
	// Rule is AnyAddress, AllAddresses or BothFamilies. Empty: AnyAddress.
	Rule string `yaml:"addresses"`

	// Prefer is "ip4" or "ip6": only addresses of that family are tried. Empty: both families are.
	Prefer string `yaml:"preferred_ip_protocol"`

	// Fallback says whether the other family is tried if the name has no address of the preferred
	// one. nil: true.
	Fallback *bool `yaml:"ip_protocol_fallback"`

	// Source is the address of this machine to probe from. Empty: that of Env, or the system's
	// choice.
	Source string `yaml:"source_ip_address"`

	// Assert are up to MaxAssertions expressions, see package assert, that must all be true of an
	// attempt that has succeeded otherwise, at each address.
	Assert []string `yaml:"assert"`
}

// MaxAssertions is how many assertions there may be.
const MaxAssertions = 8

// Check implements [probe.Checker].
func (o *Addresses) Check() (key string, err error) {
	_, key, err = o.assertions()
	return key, err
}

// assertions returns the compiled assertions.
func (o *Addresses) assertions() (rules []*assert.Rule, key string, err error) {
	if len(o.Assert) > MaxAssertions {
		return nil, "assert", fmt.Errorf("%d expressions, at most %d", len(o.Assert), MaxAssertions)
	}
	for i, text := range o.Assert {
		rule, err := assert.Compile(text)
		if err != nil {
			return nil, fmt.Sprintf("assert[%d]", i), err
		}
		rules = append(rules, rule)
	}
	return rules, "", nil
}

func (o Addresses) validate() error {
	var faults []error
	switch o.Rule {
	case "", AnyAddress, AllAddresses, BothFamilies:
	default:
		faults = append(faults, errors.New("addresses: want any, all or both"))
	}
	switch o.Prefer {
	case "", "ip4", "ip6":
	default:
		faults = append(faults, errors.New("preferred_ip_protocol: want ip4 or ip6"))
	}
	if _, err := netip.ParseAddr(o.Source); err != nil && o.Source != "" {
		faults = append(faults, errors.New("source_ip_address: want an IP address"))
	}
	if o.Rule == BothFamilies && o.Prefer != "" {
		faults = append(faults, errors.New("addresses: both families cannot answer when preferred_ip_protocol leaves one out"))
	}
	return errors.Join(faults...)
}

// choose returns the addresses to try among those that the resolver found, in its order.
func (o Addresses) choose(found []netip.Addr) ([]netip.Addr, error) {
	var v4, v6, all []netip.Addr
	for _, ip := range found {
		ip = ip.Unmap()
		if all = append(all, ip); ip.Is4() {
			v4 = append(v4, ip)
		} else {
			v6 = append(v6, ip)
		}
	}
	strict := o.Fallback != nil && !*o.Fallback
	switch {
	case len(all) == 0, strict && o.Prefer == "ip4" && len(v4) == 0, strict && o.Prefer == "ip6" && len(v6) == 0:
		return nil, &net.DNSError{Err: "no address", IsNotFound: true}
	case o.Rule == BothFamilies && len(v4) == 0:
		return nil, &net.DNSError{Err: "no IPv4 address", IsNotFound: true}
	case o.Rule == BothFamilies && len(v6) == 0:
		return nil, &net.DNSError{Err: "no IPv6 address", IsNotFound: true}
	case o.Rule == BothFamilies:
		half := MaxAddresses / 2
		return append(v4[:min(len(v4), half)], v6[:min(len(v6), half)]...), nil
	case o.Prefer == "ip4" && len(v4) > 0:
		all = v4
	case o.Prefer == "ip6" && len(v6) > 0:
		all = v6
	}
	return all[:min(len(all), MaxAddresses)], nil
}

// finding is the result of an attempt at one address or at a group of addresses.
type finding struct {
	result probe.Result
	err    error
}

func (f *finding) ok() bool { return f.err == nil && f.result.Outcome == report.OK }

// each makes an attempt at one address.
type each func(ctx context.Context, ip netip.Addr) finding

// judge makes an attempt at each address and returns the one that decides.
func (o Addresses) judge(ctx context.Context, all []netip.Addr, try each) finding {
	switch o.Rule {
	case AllAddresses:
		return allAnswer(concurrently(all, func(ip netip.Addr) finding { return try(ctx, ip) }))
	case BothFamilies:
		v4 := 0
		for v4 < len(all) && all[v4].Is4() {
			v4++
		}
		families := [][]netip.Addr{all[:v4], all[v4:]}
		return allAnswer(concurrently(families, func(family []netip.Addr) finding { return anyAnswers(ctx, family, try) }))
	}
	return anyAnswers(ctx, all, try)
}

// concurrently calls f for all items at once and returns the results in the order of the items.
func concurrently[T any](items []T, f func(T) finding) []finding {
	found := make([]finding, len(items))
	var group sync.WaitGroup
	for i, item := range items {
		group.Go(func() { found[i] = f(item) })
	}
	group.Wait()
	return found
}

// anyAnswers cancels the other attempts once one succeeds. If none does, the first address decides.
func anyAnswers(ctx context.Context, all []netip.Addr, try each) finding {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var once sync.Once
	var winner *finding
	found := concurrently(all, func(ip netip.Addr) finding {
		f := try(ctx, ip)
		if f.ok() {
			once.Do(func() {
				winner = &f
				cancel()
			})
		}
		return f
	})
	if winner != nil {
		return *winner
	}
	for i := range found {
		if found[i].err == nil {
			return found[i]
		}
	}
	return found[0]
}

// allAnswer returns the first attempt that failed, or else the first that is inconclusive, or else
// the slowest.
func allAnswer(found []finding) finding {
	decides := &found[0]
	for i := range found {
		f := &found[i]
		switch {
		case f.err == nil && !f.ok():
			return *f
		case decides.err != nil:
		case f.err != nil, f.result.Total() > decides.result.Total():
			decides = f
		}
	}
	return *decides
}
