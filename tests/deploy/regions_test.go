package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	disruption "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/heliograph-net/heliograph/tests/source"
)

// cluster is the objects of a manifest.
type cluster struct {
	*testing.T
	name     string
	sets     []apps.StatefulSet
	services []core.Service
	policies []networking.NetworkPolicy
	budgets  []disruption.PodDisruptionBudget
}

func readCluster(t *testing.T, name string) *cluster {
	t.Helper()
	c := &cluster{T: t, name: name}
	text, err := os.ReadFile(source.Path("deploy/regions/kubernetes/" + name + ".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	namespace := "heliograph-" + strings.TrimPrefix(name, "region-")
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		var kind struct {
			Kind, APIVersion string
			Metadata         struct{ Name, Namespace string }
		}
		if err := yaml.Unmarshal(document, &kind); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if kind.Kind != "Namespace" && kind.Metadata.Namespace != namespace {
			t.Errorf("%s: %s %s is in namespace %q, want %s", name, kind.Kind, kind.Metadata.Name, kind.Metadata.Namespace, namespace)
		}
		switch kind.APIVersion + " " + kind.Kind {
		case "v1 Namespace":
			if n := decode[core.Namespace](t, name, document); n.Name != namespace {
				t.Errorf("%s makes namespace %s", name, n.Name)
			}
		case "apps/v1 StatefulSet":
			c.sets = append(c.sets, decode[apps.StatefulSet](t, name, document))
		case "v1 Service":
			c.services = append(c.services, decode[core.Service](t, name, document))
		case "networking.k8s.io/v1 NetworkPolicy":
			c.policies = append(c.policies, decode[networking.NetworkPolicy](t, name, document))
		case "policy/v1 PodDisruptionBudget":
			c.budgets = append(c.budgets, decode[disruption.PodDisruptionBudget](t, name, document))
		default:
			t.Errorf("%s has a %s of %s, which the test does not expect; secrets are not in files", name, kind.Kind, kind.APIVersion)
		}
	}
	return c
}

// pods returns the sets whose pods a selector selects.
func (c *cluster) pods(selector *meta.LabelSelector) (all []*apps.StatefulSet) {
	for i := range c.sets {
		matches := true
		for key, value := range selector.MatchLabels {
			matches = matches && c.sets[i].Spec.Template.Labels[key] == value
		}
		if matches {
			all = append(all, &c.sets[i])
		}
	}
	return all
}

// listens reports whether one of the pods has a port.
func listens(sets []*apps.StatefulSet, port int32) bool {
	return slices.ContainsFunc(sets, func(s *apps.StatefulSet) bool {
		return slices.ContainsFunc(s.Spec.Template.Spec.Containers, func(k core.Container) bool {
			return slices.ContainsFunc(k.Ports, func(p core.ContainerPort) bool { return p.ContainerPort == port })
		})
	})
}

// admitted reports whether a policy lets somebody reach the port of a set; from one other set, or
// from elsewhere if that is nil.
func (c *cluster) admitted(to *apps.StatefulSet, port int32, from *apps.StatefulSet) bool {
	for _, p := range c.policies {
		if !slices.Contains(c.pods(&p.Spec.PodSelector), to) {
			continue
		}
		for _, rule := range p.Spec.Ingress {
			if !slices.ContainsFunc(rule.Ports, func(p networking.NetworkPolicyPort) bool { return p.Port.IntVal == port }) {
				continue
			}
			if len(rule.From) == 0 || from == nil {
				return true
			}
			for _, peer := range rule.From {
				if peer.PodSelector != nil && slices.Contains(c.pods(peer.PodSelector), from) {
					return true
				}
			}
		}
	}
	return false
}

func TestRegionsOnKubernetes(t *testing.T) {
	for _, name := range []string{"hub", "region-eu", "region-us", "region-ap"} {
		c := readCluster(t, name)
		for i := range c.sets {
			checkSet(t, name, &c.sets[i])
			for _, k := range c.sets[i].Spec.Template.Spec.Containers {
				if k.Resources.Requests.Cpu().IsZero() || k.Resources.Requests.Memory().IsZero() {
					t.Errorf("%s: %s requests no resources", name, k.Name)
				}
			}
		}
		c.checkServices()
		c.checkPolicies()
		c.checkBudgets()
	}
}

// checkServices checks that every service has pods, that its ports are theirs, and that a policy
// lets somebody in.
func (c *cluster) checkServices() {
	for _, s := range c.services {
		sets := c.pods(&meta.LabelSelector{MatchLabels: s.Spec.Selector})
		if len(sets) == 0 || len(s.Spec.Selector) == 0 {
			c.Errorf("%s: service %s has no pods", c.name, s.Name)
		}
		for _, set := range sets {
			checkService(c.T, c.name, &s, set)
			for _, p := range s.Spec.Ports {
				if !listens([]*apps.StatefulSet{set}, p.Port) || !c.admitted(set, p.Port, nil) {
					c.Errorf("%s: nobody can reach port %d of service %s: %s does not listen, or no policy admits it", c.name, p.Port, s.Name, set.Name)
				}
			}
		}
	}
}

// checkPolicies checks that everything is denied but what a rule names, that the rules name ports
// that the pods have, and that both ends of a connection agree.
func (c *cluster) checkPolicies() {
	denied := false
	for _, p := range c.policies {
		sets := c.pods(&p.Spec.PodSelector)
		if len(sets) == 0 {
			c.Errorf("%s: policy %s selects no pods", c.name, p.Name)
		}
		if len(p.Spec.PodSelector.MatchLabels) == 0 && len(p.Spec.PolicyTypes) == 2 && len(p.Spec.Ingress)+len(p.Spec.Egress) == 0 {
			denied = true
		}
		for _, rule := range p.Spec.Ingress {
			if len(rule.Ports) == 0 {
				c.Errorf("%s: policy %s opens every port", c.name, p.Name)
			}
			for _, port := range rule.Ports {
				if !listens(sets, port.Port.IntVal) {
					c.Errorf("%s: policy %s opens port %v, on which nothing listens", c.name, p.Name, port.Port)
				}
			}
		}
		for _, rule := range p.Spec.Egress {
			for _, peer := range rule.To {
				if peer.PodSelector != nil {
					c.checkWay(p.Name, sets, c.pods(peer.PodSelector), rule.Ports)
				}
			}
		}
	}
	if !denied {
		c.Errorf("%s: no policy denies what none allows", c.name)
	}
}

func (c *cluster) checkWay(policy string, from, to []*apps.StatefulSet, ports []networking.NetworkPolicyPort) {
	if len(to) == 0 {
		c.Errorf("%s: policy %s leads to no pods", c.name, policy)
	}
	for _, a := range from {
		for _, b := range to {
			for _, port := range ports {
				if !c.admitted(b, port.Port.IntVal, a) {
					c.Errorf("%s: policy %s lets %s talk to port %v of %s, which does not admit it", c.name, policy, a.Name, port.Port, b.Name)
				}
			}
		}
	}
}

// checkBudgets checks that budgets protect pods that may lose one, and that those are on different
// hosts.
func (c *cluster) checkBudgets() {
	for _, b := range c.budgets {
		replicas := int32(0)
		for _, s := range c.pods(b.Spec.Selector) {
			replicas += *s.Spec.Replicas
			if a := s.Spec.Template.Spec.Affinity; a == nil || a.PodAntiAffinity == nil || len(a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution) == 0 {
				c.Errorf("%s: pods of %s may share a host", c.name, s.Name)
			}
		}
		if b.Spec.MaxUnavailable == nil || int(replicas) <= b.Spec.MaxUnavailable.IntValue() {
			c.Errorf("%s: budget %s is of %d pods", c.name, b.Name, replicas)
		}
	}
}

// TestRegionsAreAlike: the manifests of regions differ by their name only.
func TestRegionsAreAlike(t *testing.T) {
	name := regexp.MustCompile(`\b(eu|us|ap)\b`)
	for _, pattern := range []string{"kubernetes/region-*.yaml", "hosts/c-*.yaml", "hosts/p-*.yaml", "nats/hub-c-*.json"} {
		files, err := filepath.Glob(source.Path("deploy/regions/" + pattern))
		if err != nil || len(files) != 3 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		var first string
		for i, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			alike := name.ReplaceAllString(string(text), "REGION")
			if i == 0 {
				first = alike
			}
			if alike != first {
				t.Errorf("%s and %s differ by more than their name", files[0], file)
			}
		}
	}
}

// TestRegionsInCompose reads the compose file of the regions.
func TestRegionsInCompose(t *testing.T) {
	text, err := os.ReadFile(source.Path("deploy/regions/compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{WorkingDir: t.TempDir(), Environment: map[string]string{"HELIOGRAPH_VERSION": "0.2.0", "HELIOGRAPH_PASSWORD_SHA256": "00"},
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: text}}}, func(o *loader.Options) { o.SetProjectName("heliograph", true) })
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Services) != 3+1+2+3*3 {
		t.Errorf("%d services", len(p.Services))
	}
	for name, s := range p.Services {
		if !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || s.HealthCheck == nil || s.MemLimit == 0 || s.User == "" || len(s.Networks) == 0 {
			t.Errorf("%s is not confined, or has no health check, limit or network: %+v", name, s)
		}
		for network := range s.Networks {
			if _, ok := p.Networks[network]; !ok {
				t.Errorf("%s is in network %s, which does not exist", name, network)
			}
		}
	}
}
