package discover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxServices is how many services of Consul's catalogue are asked for.
const maxServices = 10_000

// Consul is a catalogue of services, as Consul's HTTP API has it. Its targets are the instances of
// services, with the labels that Prometheus gives them (__meta_consul_…).
type Consul struct {
	Server     string   `yaml:"server"`     // URL of an agent; empty: http://127.0.0.1:8500
	Datacenter string   `yaml:"datacenter"` // empty: the agent's
	Services   []string `yaml:"services"`   // names; empty: all
	Tags       []string `yaml:"tags"`       // that a service must all have
	TokenFile  string   `yaml:"token_file"` // a file with the ACL token; empty: none
	CAFile     string   `yaml:"ca_file"`    // authorities to trust instead of the system's
}

func (c *Consul) validate() error {
	if c.Server == "" {
		return nil
	}
	if u, err := url.Parse(c.Server); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("consul.server: want the URL of an agent, http://127.0.0.1:8500 for instance")
	}
	return nil
}

// consulService is an entry of /v1/health/service/NAME.
type consulService struct {
	Node struct {
		Node, Address, Datacenter string
		Meta, TaggedAddresses     map[string]string
	}
	Service struct {
		ID, Service, Address string
		Port                 int
		Tags                 []string
		Meta                 map[string]string
	}
	Checks []struct{ Status string }
}

// look asks for the instances of the services. One that fails fails the whole.
func (c *Consul) look(ctx context.Context) (all []group, err error) {
	api, err := newAPI(c.Server, "http://127.0.0.1:8500", c.CAFile)
	if err != nil {
		return nil, err
	}
	defer api.close()
	if api.header["X-Consul-Token"], err = readToken(c.TokenFile); err != nil {
		return nil, err
	}
	names, err := c.names(ctx, api)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		var found []consulService
		if err := api.get(ctx, "/v1/health/service/"+url.PathEscape(name), c.query(), &found); err != nil {
			return nil, err
		}
		for i := range found {
			all = append(all, found[i].group())
		}
	}
	return all, nil
}

// names returns the services to ask for, sorted.
func (c *Consul) names(ctx context.Context, api *api) ([]string, error) {
	if len(c.Services) > 0 {
		return c.Services, nil
	}
	var tags map[string][]string // by service
	if err := api.get(ctx, "/v1/catalog/services", c.query(), &tags); err != nil {
		return nil, err
	}
	maps.DeleteFunc(tags, func(_ string, has []string) bool {
		return slices.ContainsFunc(c.Tags, func(tag string) bool { return !slices.Contains(has, tag) })
	})
	if len(tags) > maxServices {
		return nil, fmt.Errorf("%d services, at most %d: name some", len(tags), maxServices)
	}
	return slices.Sorted(maps.Keys(tags)), nil
}

// query has the parameters of all requests. Any server of Consul's may answer, so that a cluster
// without a leader still does.
func (c *Consul) query() url.Values {
	v := url.Values{"stale": {""}}
	if c.Datacenter != "" {
		v.Set("dc", c.Datacenter)
	}
	for _, tag := range c.Tags {
		v.Add("tag", tag)
	}
	return v
}

// group returns an instance with Prometheus' labels.
func (s *consulService) group() group {
	address := s.Service.Address
	if address == "" {
		address = s.Node.Address
	}
	const prefix = "__meta_consul_"
	labels := map[string]string{
		prefix + "node": s.Node.Node, prefix + "address": s.Node.Address, prefix + "dc": s.Node.Datacenter,
		prefix + "service": s.Service.Service, prefix + "service_id": s.Service.ID, prefix + "service_address": s.Service.Address,
		prefix + "service_port": strconv.Itoa(s.Service.Port), prefix + "health": s.health(),
		// between separators, so that a regular expression finds a whole tag
		prefix + "tags": "," + strings.Join(s.Service.Tags, ",") + ",",
	}
	addLabels(labels, prefix+"metadata_", s.Node.Meta)
	addLabels(labels, prefix+"service_metadata_", s.Service.Meta)
	addLabels(labels, prefix+"tagged_address_", s.Node.TaggedAddresses)
	return group{Targets: []string{net.JoinHostPort(address, strconv.Itoa(s.Service.Port))}, Labels: labels}
}

// health returns the worst state of the checks, as Consul sums them up.
func (s *consulService) health() string {
	worst := "passing"
	for _, c := range s.Checks {
		switch {
		case c.Status == "critical":
			return c.Status
		case c.Status == "warning":
			worst = c.Status
		}
	}
	return worst
}
