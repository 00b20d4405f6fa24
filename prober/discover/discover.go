package discover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// DefaultRefresh is the default of Source.Refresh.
const DefaultRefresh = 30 * time.Second

// lookLimit is how long one look at a source may take.
const lookLimit = 10 * time.Second

// AddressLabel is the label that has what is probed.
const AddressLabel = "__address__"

// Source is one place where targets are found. One of Files, URL, Names, Consul, Kubernetes and
// EC2 must be given.
type Source struct {
	Files []string // names or patterns (filepath.Glob) of JSON files of file_sd
	URL   string   // of JSON of http_sd

	Names []string // to look up in DNS
	Type  string   // SRV, A or AAAA; empty: SRV
	Port  int      // of A and AAAA

	Consul     *Consul
	Kubernetes *Kubernetes
	EC2        *EC2

	Refresh time.Duration // from one look to the next; 0: DefaultRefresh
	Relabel []Relabel     // applied in order

	client   *http.Client  // nil: the default; for tests
	resolver *net.Resolver // nil: the system's; for tests
}

// Target is what was found.
type Target struct {
	Source  int               // index among the sources
	Address string            // its label AddressLabel
	Labels  map[string]string // without those that begin with "__"
}

// Name returns the label name, or else the address.
func (t *Target) Name() string {
	if name := t.Labels["name"]; name != "" {
		return name
	}
	return t.Address
}

// Finder looks at sources. It is safe for concurrent use.
type Finder struct {
	sources []Source
	log     *slog.Logger

	mu    sync.Mutex // guards the fields below
	found [][]Target // by source; nil: it has not answered yet
	wrong []error    // by source; of the last look
}

// New returns a Finder, or an error that names all faults. logger may be nil.
func New(sources []Source, logger *slog.Logger) (*Finder, error) {
	f := &Finder{sources: slices.Clone(sources), log: logger, found: make([][]Target, len(sources)), wrong: make([]error, len(sources))}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	var faults []error
	for i := range f.sources {
		s := &f.sources[i]
		s.Relabel = slices.Clone(s.Relabel)
		if err := s.validate(); err != nil {
			faults = append(faults, fmt.Errorf("discover[%d]: %w", i, err))
		}
		if s.Refresh == 0 {
			s.Refresh = DefaultRefresh
		}
	}
	return f, errors.Join(faults...)
}

// Run looks at the sources until ctx ends, and calls changed with all targets whenever some have
// come or gone: one call at a time, sorted by name, of which there is none twice. A source that
// fails keeps its targets.
func (f *Finder) Run(ctx context.Context, changed func([]Target)) error {
	var group sync.WaitGroup
	news := make(chan struct{}, 1)
	for i := range f.sources {
		group.Go(func() {
			for ctx.Err() == nil {
				if f.Look(ctx, i) {
					select {
					case news <- struct{}{}:
					default: // that there is something new is known
					}
				}
				sleep(ctx, f.sources[i].Refresh)
			}
		})
	}
	for ctx.Err() == nil {
		select {
		case <-news:
			changed(f.All())
		case <-ctx.Done():
		}
	}
	group.Wait()
	return nil
}

// Look looks at source i once and reports whether its targets have changed.
func (f *Finder) Look(ctx context.Context, i int) (changed bool) {
	limited, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	groups, err := f.sources[i].look(limited)
	var next []Target
	if err == nil {
		next, err = f.sources[i].targets(i, groups)
	}
	if ctx.Err() != nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if (err == nil) != (f.wrong[i] == nil) {
		if err != nil {
			f.log.Warn("a source of targets fails; its targets stay as they were", "source", i, "error", err)
		} else {
			f.log.Info("a source of targets answers again", "source", i)
		}
	}
	if f.wrong[i] = err; err != nil {
		return false
	}
	same := f.found[i] != nil && slices.EqualFunc(f.found[i], next, func(a, b Target) bool { return a.Address == b.Address && maps.Equal(a.Labels, b.Labels) })
	f.found[i] = next
	return !same
}

// All returns the targets of all sources, sorted by name. Of two with the same name the one of the
// earlier source is returned. So the same targets are in the same order, wherever and whenever they
// were found.
func (f *Finder) All() []Target {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := slices.Concat(f.found...)
	slices.SortStableFunc(all, func(a, b Target) int { return strings.Compare(a.Name(), b.Name()) })
	return slices.CompactFunc(all, func(a, b Target) bool { return a.Name() == b.Name() })
}

// Wrong returns why sources fail, joined, or nil.
func (f *Finder) Wrong() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var faults []error
	for i, err := range f.wrong {
		if err != nil {
			faults = append(faults, fmt.Errorf("discover[%d]: %w", i, err))
		}
	}
	return errors.Join(faults...)
}

// targets relabels what a source said.
func (s *Source) targets(source int, groups []group) ([]Target, error) {
	all := []Target{}
	for _, g := range groups {
		for _, address := range g.Targets {
			if len(all) == MaxTargets {
				return nil, fmt.Errorf("more than %d targets", MaxTargets)
			}
			labels := maps.Clone(g.Labels)
			if labels == nil {
				labels = map[string]string{}
			}
			labels[AddressLabel] = address
			if !s.relabel(labels) || labels[AddressLabel] == "" {
				continue
			}
			t := Target{Source: source, Address: labels[AddressLabel], Labels: labels}
			maps.DeleteFunc(labels, func(name, _ string) bool { return strings.HasPrefix(name, "__") })
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b Target) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}

func (s *Source) relabel(labels map[string]string) bool {
	for i := range s.Relabel {
		if !s.Relabel[i].apply(labels) {
			return false
		}
	}
	return true
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
