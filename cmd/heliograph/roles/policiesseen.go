package roles

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

// maxPoliciesSeen is how many policies are remembered, the newest.
const maxPoliciesSeen = 100

// policiesSeen are the policies that collectors were seen to serve since the process began. The
// zero value has none. It is safe for concurrent use.
type policiesSeen struct {
	mu  sync.Mutex
	all []api.ServedPolicy // guarded by mu; by version
}

// note adds the policies that it does not have. Those that could not be read have no version.
func (s *policiesSeen) note(served []api.ServedPolicy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range served {
		at, known := slices.BinarySearchFunc(s.all, p.Version, func(q api.ServedPolicy, version uint64) int { return cmp.Compare(q.Version, version) })
		if p.Version > 0 && !known {
			s.all = slices.Insert(s.all, at, p)
		}
	}
	s.all = slices.Delete(s.all, 0, max(len(s.all)-maxPoliciesSeen, 0))
}

// Policies implements [dashboards.Installation].
func (i *installation) Policies() []api.ServedPolicy {
	i.seen.mu.Lock()
	defer i.seen.mu.Unlock()
	return slices.Clone(i.seen.all)
}

// watchPolicies asks collectors for their policies until ctx ends, so that those are known before
// somebody wants to know what changed: a collector may not answer then.
func (i *installation) watchPolicies(ctx context.Context) error {
	for {
		i.policies(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(askPolicyEvery):
		}
	}
}
