package discover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Limits of what a source may say.
const (
	MaxBytes   = 64 << 20 // of a file or an answer
	MaxTargets = 100_000  // of a source
	maxFiles   = 1000     // that a pattern matches
)

// group is an entry of file_sd and http_sd.
type group struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// look asks a source.
func (s *Source) look(ctx context.Context) ([]group, error) {
	switch {
	case len(s.Files) > 0:
		return s.files()
	case s.URL != "":
		return s.http(ctx)
	case s.Consul != nil:
		return s.Consul.look(ctx)
	case s.Kubernetes != nil:
		return s.Kubernetes.look(ctx)
	case s.EC2 != nil:
		return s.EC2.look(ctx)
	}
	return s.dns(ctx)
}

// decode parses the JSON of file_sd and http_sd.
func decode(from io.Reader) (groups []group, err error) {
	text, err := io.ReadAll(io.LimitReader(from, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("more than %d bytes", MaxBytes)
	}
	if err := json.Unmarshal(text, &groups); err != nil {
		return nil, fmt.Errorf("not a JSON list of targets and labels: %w", err)
	}
	return groups, nil
}

func (s *Source) files() (all []group, err error) {
	seen := 0
	for _, pattern := range s.Files {
		names, err := filepath.Glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pattern, err)
		}
		if len(names) == 0 && !strings.ContainsAny(pattern, "*?[") {
			return nil, fmt.Errorf("%s: %w", pattern, os.ErrNotExist)
		}
		if seen += len(names); seen > maxFiles {
			return nil, fmt.Errorf("%s: more than %d files", pattern, maxFiles)
		}
		for _, name := range names {
			f, err := os.Open(name)
			if err != nil {
				return nil, err
			}
			groups, err := decode(f)
			_ = f.Close() // it was only read
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			label(groups, "__meta_filepath", name)
			all = append(all, groups...)
		}
	}
	return all, nil
}

func (s *Source) http(ctx context.Context) ([]group, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("X-Prometheus-Refresh-Interval-Seconds", strconv.FormatFloat(s.Refresh.Seconds(), 'f', -1, 64))
	client := s.client
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", answer.Status)
	}
	groups, err := decode(answer.Body)
	label(groups, "__meta_url", s.URL)
	return groups, err
}

// dns looks up names. One that fails fails the whole, so that no target vanishes with a
// name server.
func (s *Source) dns(ctx context.Context) (all []group, err error) {
	resolver := s.resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	for _, name := range s.Names {
		g := group{Labels: map[string]string{"__meta_dns_name": name}}
		switch s.Type {
		case "", "SRV":
			_, records, err := resolver.LookupSRV(ctx, "", "", name)
			if err != nil {
				return nil, err
			}
			for _, r := range records {
				g.Targets = append(g.Targets, net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port))))
			}
		default:
			found, err := resolver.LookupNetIP(ctx, map[string]string{"A": "ip4", "AAAA": "ip6"}[s.Type], name)
			if err != nil {
				return nil, err
			}
			for _, ip := range found {
				g.Targets = append(g.Targets, net.JoinHostPort(ip.Unmap().String(), strconv.Itoa(s.Port)))
			}
		}
		slices.Sort(g.Targets)
		all = append(all, g)
	}
	return all, nil
}

func label(groups []group, name, value string) {
	for i := range groups {
		if groups[i].Labels == nil {
			groups[i].Labels = map[string]string{}
		}
		groups[i].Labels[name] = value
	}
}

// validate returns all faults, joined.
func (s *Source) validate() error {
	var faults []error
	kinds := 0
	for _, given := range []bool{len(s.Files) > 0, s.URL != "", len(s.Names) > 0, s.Consul != nil, s.Kubernetes != nil, s.EC2 != nil} {
		if given {
			kinds++
		}
	}
	if kinds != 1 {
		faults = append(faults, errors.New("give either files, url, names, consul, kubernetes or ec2"))
	}
	if s.Consul != nil {
		faults = append(faults, s.Consul.validate())
	}
	if s.Kubernetes != nil {
		faults = append(faults, s.Kubernetes.validate())
	}
	if s.EC2 != nil {
		faults = append(faults, s.EC2.validate())
	}
	switch s.Type {
	case "", "SRV":
	case "A", "AAAA":
		if s.Port < 1 || s.Port > 65535 {
			faults = append(faults, errors.New("port: want 1 to 65535 with A and AAAA"))
		}
	default:
		faults = append(faults, errors.New("type: want SRV, A or AAAA"))
	}
	for i := range s.Relabel {
		if err := s.Relabel[i].Compile(); err != nil {
			faults = append(faults, fmt.Errorf("relabel[%d].%w", i, err))
		}
	}
	if s.Refresh < 0 {
		faults = append(faults, errors.New("refresh: must be positive"))
	}
	return errors.Join(faults...)
}
