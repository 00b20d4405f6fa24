// Package deploy holds the examples of deploy/ to the schemas of what reads them: the Compose
// Specification, and the types of the Kubernetes API.
package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/heliograph-net/heliograph/tests/source"
)

// TestCompose reads compose.yaml as docker compose does, with its schema and its rules.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile(source.Path("deploy/compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	load := func(text []byte, env map[string]string) (*types.Project, error) {
		return loader.LoadWithContext(t.Context(), types.ConfigDetails{WorkingDir: t.TempDir(), Environment: env,
			ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: text}}}, func(o *loader.Options) { o.SetProjectName("heliograph", true) })
	}
	p, err := load(text, map[string]string{"HELIOGRAPH_VERSION": "0.2.0"})
	if err != nil {
		t.Fatal(err)
	}
	if names := p.ServiceNames(); len(names) != 3 {
		t.Errorf("services %v: want a collector, a detector and a prober", names)
	}
	for name, s := range p.Services {
		if s.Image != "heliograph:0.2.0" || s.User != "65532:65532" || !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || s.HealthCheck == nil || s.MemLimit == 0 {
			t.Errorf("%s is not confined, or has no health check or limit: %+v", name, s)
		}
	}
	if _, err := load(text, nil); err == nil || !strings.Contains(err.Error(), "the version of the image") {
		t.Errorf("without a version: %v", err)
	}
	// The schema is really asked.
	if _, err := load(bytes.Replace(text, []byte("read_only: true"), []byte("readonly: true"), 1), map[string]string{"HELIOGRAPH_VERSION": "0"}); err == nil {
		t.Error("a key that Compose does not know is taken")
	}
}

// TestKubernetes reads the manifests as an API server does that validates fields strictly, and
// compares what refers to each other.
func TestKubernetes(t *testing.T) {
	names, err := filepath.Glob(source.Path("deploy/kubernetes/*.yaml"))
	if err != nil || len(names) != 3 {
		t.Fatalf("%v, %v", names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var sets []apps.StatefulSet
		var services []core.Service
		for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
			var kind struct{ Kind, APIVersion string }
			if err := yaml.Unmarshal(document, &kind); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			switch kind.APIVersion + " " + kind.Kind {
			case "apps/v1 StatefulSet":
				sets = append(sets, decode[apps.StatefulSet](t, name, document))
			case "v1 Service":
				services = append(services, decode[core.Service](t, name, document))
			default:
				t.Errorf("%s has a %s of %s, whose type the test does not know", name, kind.Kind, kind.APIVersion)
			}
		}
		if len(sets) != 1 {
			t.Fatalf("%s has %d sets", name, len(sets))
		}
		checkSet(t, name, &sets[0])
		for i := range services {
			checkService(t, name, &services[i], &sets[0])
		}
	}
	var s apps.StatefulSet
	if err := yaml.UnmarshalStrict([]byte("spec: {replica: 1}"), &s); err == nil {
		t.Error("a field that Kubernetes does not know is taken")
	}
}

func decode[T any](t *testing.T, name string, document []byte) (v T) {
	t.Helper()
	if err := yaml.UnmarshalStrict(document, &v); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return v
}

// checkSet checks that the pods are those selected, that every mount has a volume, and that every
// container is confined.
func checkSet(t *testing.T, name string, s *apps.StatefulSet) {
	t.Helper()
	pod := &s.Spec.Template.Spec
	for key, value := range s.Spec.Selector.MatchLabels {
		if s.Spec.Template.Labels[key] != value {
			t.Errorf("%s: the selector's %s=%s is no label of the pods", name, key, value)
		}
	}
	if c := pod.SecurityContext; c == nil || c.RunAsNonRoot == nil || !*c.RunAsNonRoot || c.SeccompProfile == nil || c.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: pods are not confined: %+v", name, c)
	}
	var volumes []string
	for _, v := range pod.Volumes {
		volumes = append(volumes, v.Name)
	}
	for _, v := range s.Spec.VolumeClaimTemplates {
		volumes = append(volumes, v.Name)
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		for _, m := range c.VolumeMounts {
			if !slices.Contains(volumes, m.Name) {
				t.Errorf("%s: %s mounts %s, which is no volume", name, c.Name, m.Name)
			}
		}
		x := c.SecurityContext
		if x == nil || !*x.ReadOnlyRootFilesystem || *x.AllowPrivilegeEscalation || !slices.Contains(x.Capabilities.Drop, "ALL") {
			t.Errorf("%s: %s is not confined: %+v", name, c.Name, x)
		}
	}
	for _, c := range pod.Containers {
		if c.LivenessProbe == nil || c.ReadinessProbe == nil || c.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s: %s has no probes, or no limit of memory", name, c.Name)
		}
	}
}

// checkService checks that a service selects the pods, and that its ports are theirs.
func checkService(t *testing.T, name string, s *core.Service, set *apps.StatefulSet) {
	t.Helper()
	for key, value := range s.Spec.Selector {
		if set.Spec.Template.Labels[key] != value {
			t.Errorf("%s: the selector's %s=%s is no label of the pods", name, key, value)
		}
	}
	for _, p := range s.Spec.Ports {
		if !slices.ContainsFunc(set.Spec.Template.Spec.Containers[0].Ports, func(c core.ContainerPort) bool { return c.Name == p.TargetPort.StrVal }) {
			t.Errorf("%s: the port %s goes to none of the container", name, p.Name)
		}
	}
}
