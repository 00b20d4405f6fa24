package discover

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// exchange is a request that a recorded API answers, and the file with the answer.
type exchange struct{ request, file string }

// recorded serves recorded answers. Every request must be one of the exchanges, and have the
// header. The answers have the form of the real ones; no real server of either API runs here.
func recorded(t *testing.T, header, value string, exchanges ...exchange) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get(header); got != value {
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, "rpc error:\nPermission denied")
			return
		}
		for _, e := range exchanges {
			if e.request == r.URL.RequestURI() {
				http.ServeFile(w, r, filepath.Join("testdata", e.file))
				return
			}
		}
		t.Errorf("asked for %s", r.URL.RequestURI())
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	return server
}

// token writes a file with a token.
func token(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	write(t, file, "s3cret\n")
	return file
}

// described returns the targets with some of their labels.
func described(f *Finder, labels ...string) string {
	var all []string
	for _, t := range f.All() {
		text := t.Name()
		for _, l := range labels {
			text += " " + l + "=" + t.Labels[l]
		}
		all = append(all, text)
	}
	return strings.Join(all, "\n")
}

// keep makes labels of the meta labels with a prefix, so that a test sees them.
func keep(prefix string) []Relabel { return []Relabel{{Action: "labelmap", Regex: prefix + "(.+)"}} }

func TestConsul(t *testing.T) {
	server := recorded(t, "X-Consul-Token", "s3cret",
		exchange{"/v1/catalog/services?dc=east&stale=&tag=prod&tag=v2", "consul-services.json"},
		exchange{"/v1/health/service/web?dc=east&stale=&tag=prod&tag=v2", "consul-web.json"})
	consul := &Consul{Server: server.URL, Datacenter: "east", Tags: []string{"prod", "v2"}, TokenFile: token(t)}
	f := finder(t, Source{Consul: consul, Relabel: keep("__meta_consul_")})
	if !f.Look(t.Context(), 0) {
		t.Fatal(f.Wrong())
	}
	want := `10.1.1.7:8443 node=east-r1-07 dc=east service_id=web-1 health=warning tags=,prod,v2, service_metadata_row=r1 metadata_rack=r1 tagged_address_wan=192.0.2.7
[2001:db8::21]:8443 node=east-r2-01 dc=east service_id=web-2 health=critical tags=,prod,v2, service_metadata_row=r2 metadata_rack= tagged_address_wan=`
	if got := described(f, "node", "dc", "service_id", "health", "tags", "service_metadata_row", "metadata_rack", "tagged_address_wan"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if f.Look(t.Context(), 0) {
		t.Error("the same targets are news")
	}
	if err := os.WriteFile(consul.TokenFile, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f.Look(t.Context(), 0) || len(f.All()) != 2 || f.Wrong() == nil || !strings.Contains(f.Wrong().Error(), "403 Forbidden: rpc error: Permission denied") {
		t.Errorf("%v, with %d targets; want the old ones, and why", f.Wrong(), len(f.All()))
	}
}

func TestKubernetes(t *testing.T) {
	const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?"
	server := recorded(t, "Authorization", "Bearer s3cret",
		exchange{slices + "labelSelector=app%3Dweb&limit=500", "kubernetes-endpointslices-1.json"},
		exchange{slices + "continue=eyJydiI6OTAyMTEsInN0YXJ0IjoiZGVmYXVsdC93ZWItYWJjMTIifQ&labelSelector=app%3Dweb&limit=500", "kubernetes-endpointslices-2.json"},
		exchange{"/api/v1/services?limit=500", "kubernetes-services.json"},
		exchange{"/api/v1/nodes?limit=500", "kubernetes-nodes.json"})
	file := token(t)
	for _, c := range []struct {
		cluster Kubernetes
		labels  []string
		want    string
	}{
		{Kubernetes{Role: RoleEndpointSlice, Namespaces: []string{"default"}, Labels: "app=web"},
			[]string{"namespace", "service_name", "endpointslice_endpoint_conditions_ready", "endpointslice_endpoint_zone", "endpointslice_address_target_name", "endpointslice_port_name"},
			`10.244.1.5:8443 namespace=default service_name=web endpointslice_endpoint_conditions_ready=true endpointslice_endpoint_zone=eu-1a endpointslice_address_target_name=web-6f7d-x2k9p endpointslice_port_name=https
10.244.2.9:8443 namespace=default service_name=web endpointslice_endpoint_conditions_ready=false endpointslice_endpoint_zone=eu-1b endpointslice_address_target_name=web-6f7d-7hqtm endpointslice_port_name=https
[2001:db8::5]:8443 namespace=default service_name=web endpointslice_endpoint_conditions_ready=true endpointslice_endpoint_zone= endpointslice_address_target_name= endpointslice_port_name=https`},
		{Kubernetes{Role: RoleService}, []string{"service_label_app", "service_type", "service_cluster_ip", "service_port_name"},
			`web.default.svc:443 service_label_app=web service_type=ClusterIP service_cluster_ip=10.96.12.4 service_port_name=https
web.default.svc:9090 service_label_app=web service_type=ClusterIP service_cluster_ip=10.96.12.4 service_port_name=metrics`},
		{Kubernetes{Role: RoleNode}, []string{"node_name", "node_label_topology_kubernetes_io_zone", "node_address_ExternalIP"},
			`172.18.0.2:10250 node_name=node-1 node_label_topology_kubernetes_io_zone=eu-1a node_address_ExternalIP=192.0.2.44`},
	} {
		c.cluster.APIServer, c.cluster.TokenFile = server.URL, file
		f := finder(t, Source{Kubernetes: &c.cluster, Relabel: keep("__meta_kubernetes_")})
		if !f.Look(t.Context(), 0) {
			t.Fatal(f.Wrong())
		}
		if got := described(f, c.labels...); got != c.want {
			t.Errorf("%s: %s\nwant\n%s", c.cluster.Role, got, c.want)
		}
	}
}

func TestEC2(t *testing.T) {
	const first = "/?Action=DescribeInstances&Filter.1.Name=tag%3Aenv&Filter.1.Value.1=prod&MaxResults=1000"
	answers := map[string]string{first + "&Version=2016-11-15": "ec2-instances-1.xml", first + "&NextToken=eyJ2IjoiMiJ9&Version=2016-11-15": "ec2-instances-2.xml"}
	session := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signed := r.Header.Get("Authorization")
		if !strings.HasPrefix(signed, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") || !strings.Contains(signed, "/eu-west-1/ec2/aws4_request") || r.Header.Get("X-Amz-Security-Token") != session {
			t.Errorf("%v", r.Header)
		}
		if answers[r.URL.RequestURI()] == "" {
			t.Errorf("asked for %s", r.URL.RequestURI())
		}
		http.ServeFile(w, r, filepath.Join("testdata", answers[r.URL.RequestURI()]))
	}))
	defer server.Close()
	region := &EC2{Region: "eu-west-1", Endpoint: server.URL, Port: 9100, Filters: []EC2Filter{{Name: "tag:env", Values: []string{"prod"}}}, AccessKey: "AKIDEXAMPLE", SecretKeyFile: token(t)}
	want := `10.0.1.17:9100 instance_id=i-0123456789abcdef0 availability_zone=eu-west-1a instance_state=running tag_Name=web-1 tag_rack_row=r7 owner_id=111122223333 public_ip=192.0.2.80
10.0.2.9:9100 instance_id=i-0fedcba9876543210 availability_zone=eu-west-1b instance_state=stopped tag_Name= tag_rack_row= owner_id=111122223333 public_ip=`
	look := func() {
		t.Helper()
		f := finder(t, Source{EC2: region, Relabel: keep("__meta_ec2_")})
		if !f.Look(t.Context(), 0) {
			t.Fatal(f.Wrong())
		}
		if got := described(f, "instance_id", "availability_zone", "instance_state", "tag_Name", "tag_rack_row", "owner_id", "public_ip"); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
	look()
	// with the role of the instance
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" && r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") != "":
			_, _ = fmt.Fprint(w, "imds-token")
		case r.Header.Get("X-aws-ec2-metadata-token") != "imds-token":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/latest/meta-data/iam/security-credentials/":
			_, _ = fmt.Fprint(w, "prober-role")
		case r.URL.Path == "/latest/meta-data/iam/security-credentials/prober-role":
			_, _ = fmt.Fprint(w, `{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "k", "Token": "session", "Expiration": "2026-11-30T12:00:00Z"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer metadata.Close()
	region.AccessKey, region.SecretKeyFile, region.metadata, session = "", "", metadata.URL, "session"
	look()
}

// Inside of a cluster, the API server and the service account are where every pod has them.
func TestKubernetesInsideOfACluster(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "2001:db8::1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "443")
	server, token, ca := (&Kubernetes{Role: RoleNode}).access()
	if server != "https://[2001:db8::1]:443" || token != accountToken || ca != accountCA {
		t.Error(server, token, ca)
	}
}

func TestAnswersOfAPIsAreBounded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved/v1/catalog/services":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case "/html/v1/catalog/services":
			_, _ = fmt.Fprint(w, "<html>")
		default:
			_, _ = w.Write(make([]byte, MaxBytes+1))
		}
	}))
	defer server.Close()
	for path, want := range map[string]string{"": "more than 67108864 bytes", "/html": "not the JSON", "/moved": "302 Found"} {
		f := finder(t, Source{Consul: &Consul{Server: server.URL + path}})
		if f.Look(t.Context(), 0) || f.Wrong() == nil || !strings.Contains(f.Wrong().Error(), want) {
			t.Errorf("%v, want %q", f.Wrong(), want)
		}
	}
}

func TestFaultyClustersAreNamed(t *testing.T) {
	for want, s := range map[string]Source{
		"consul.server":         {Consul: &Consul{Server: "consul:8500"}},
		"kubernetes.role":       {Kubernetes: &Kubernetes{Role: "pod"}},
		"kubernetes.api_server": {Kubernetes: &Kubernetes{Role: RoleNode, APIServer: "here"}},
		"kubernetes.namespaces": {Kubernetes: &Kubernetes{Role: RoleNode, Namespaces: []string{"a"}}},
		"ec2.region":            {EC2: &EC2{Region: "evil.example/"}},
		"ec2.access_key":        {EC2: &EC2{Region: "eu-west-1", AccessKey: "A"}},
		"ec2.port":              {EC2: &EC2{Region: "eu-west-1", Port: -1}},
		"ec2.endpoint":          {EC2: &EC2{Region: "eu-west-1", Endpoint: "here"}},
		"give either":           {Consul: &Consul{}, Kubernetes: &Kubernetes{Role: RoleNode}},
	} {
		if _, err := New([]Source{s}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
