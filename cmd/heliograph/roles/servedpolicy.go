package roles

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/internal/ops"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// servedPolicy checks the policy that a collector serves as agents check it: against the newest one
// that was served before, and against the collector's own id and receipt key. What agents would
// refuse, the log and readiness say.
//
// The newest policy is kept in a file beside the policy, so that an older one or one of another
// signer is found after a restart, too.
type servedPolicy struct {
	id     string // the collector's
	memory string // the file of the newest policy
	log    *slog.Logger
	now    atomic.Pointer[policyFaults]
}

// policyFaults is what is wrong with a policy, apart from its age.
type policyFaults struct {
	policy *policy.Policy // nil if it cannot be read
	faults []string
	// useless reports whether no agent believes a receipt of this collector
	useless bool
}

// memoryOf returns the name of the file that keeps the newest policy served from path.
func memoryOf(path string) string { return path + ".served" }

// take checks a policy and a receipt key that are served from now on.
func (s *servedPolicy) take(signed []byte, key ed25519.PublicKey) {
	f := &policyFaults{}
	signer, err := policy.Signer(signed)
	if err == nil {
		f.policy, err = policy.Open(signed, signer)
	}
	if err != nil {
		f.faults = append(f.faults, "is not a signed policy: "+err.Error())
	} else {
		f.own(signer, s.id, key)
		s.compare(f, signed)
	}
	s.now.Store(f) // complete, because readiness is asked at any time
	for _, text := range f.at(time.Now()) {
		s.log.Warn("the policy that is served", "fault", text)
	}
}

// own compares a policy with its signer and with the collector.
func (f *policyFaults) own(signer ed25519.PublicKey, id string, key ed25519.PublicKey) {
	if !slices.ContainsFunc(f.policy.Signers, func(k []byte) bool { return bytes.Equal(k, signer) }) {
		f.faults = append(f.faults, "is signed by a key that is not among its signers: agents refuse what this key signs next")
	}
	i := slices.IndexFunc(f.policy.Collectors, func(c policy.Collector) bool { return c.ID == id })
	switch {
	case i < 0:
		f.faults = append(f.faults, "does not name "+id+": no agent delivers here")
	case !key.Equal(ed25519.PublicKey(f.policy.Collectors[i].ReceiptKey)):
		f.useless = true
		f.faults = append(f.faults, "gives "+id+" another receipt key than collector.receipt_key: agents believe no receipt of this collector")
	}
}

// at returns all faults at a time.
func (f *policyFaults) at(now time.Time) []string {
	if f.policy == nil || !f.policy.Expired(now) {
		return f.faults
	}
	expired := "expired on " + time.Unix(f.policy.Expires, 0).UTC().Format(time.DateOnly) + ": agents record counts at most; sign a new version"
	return append(slices.Clone(f.faults), expired)
}

// compare compares a policy with the newest one that was served, and remembers it if it is newer.
func (s *servedPolicy) compare(f *policyFaults, signed []byte) {
	before, err := readLimited(s.memory, policy.MaxSize)
	var known *policy.Policy
	if err == nil {
		known, err = openTrusted(before)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("the policy that was served before is not known", "error", err)
	}
	if known != nil {
		if _, err := known.Next(signed); err != nil {
			f.faults = append(f.faults, s.refused(known, f.policy, err))
			return
		}
	}
	if !bytes.Equal(before, signed) {
		s.remember(signed)
	}
}

// refused says why an agent that has the policy known refuses next.
func (s *servedPolicy) refused(known, next *policy.Policy, err error) string {
	switch {
	case errors.Is(err, policy.ErrSignature):
		return "is signed by a key that the policy served before does not list: agents refuse it. If all agents are new, too, remove " + s.memory
	case next.Version < known.Version:
		return fmt.Sprintf("is version %d, older than version %d that was served before: agents refuse it", next.Version, known.Version)
	default:
		return fmt.Sprintf("differs from the version %d that was served before: agents refuse one of the two; raise the version and sign it again", next.Version)
	}
}

// remember keeps the newest policy.
func (s *servedPolicy) remember(signed []byte) {
	draft := s.memory + ".new"
	err := os.WriteFile(draft, signed, 0o600)
	if err == nil {
		err = os.Rename(draft, s.memory)
	}
	if err != nil {
		s.log.Warn("an older policy would not be noticed after a restart", "error", err)
	}
}

// check is the readiness of the policy.
func (s *servedPolicy) check(context.Context) error {
	f := s.now.Load()
	if f == nil {
		return nil
	}
	text := strings.Join(f.at(time.Now()), "; ")
	switch {
	case text == "":
		return nil
	case f.useless:
		return errors.New(text)
	default:
		return ops.Warning(text)
	}
}

// shown is the policy for people who look.
func (s *servedPolicy) shown(now time.Time) api.ServedPolicy {
	f := s.now.Load()
	if f == nil || f.policy == nil {
		return unreadable(s.id, "is not a signed policy")
	}
	shown := shownPolicy(s.id, f.policy)
	shown.Fault = strings.Join(f.at(now), "; ")
	return shown
}
