package discover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
)

// The roles of [Kubernetes].
const (
	RoleEndpointSlice = "endpointslice" // each address and port behind a service
	RoleService       = "service"       // each port of a service, by its name in the cluster
	RoleNode          = "node"          // each node, at its kubelet
)

// Kubernetes is a cluster, as its API has it. Its targets have the labels that Prometheus gives
// them (__meta_kubernetes_…). Inside of a cluster only the role must be given.
type Kubernetes struct {
	Role string `yaml:"role"` // required
	// URL; empty: that of the cluster in which this process runs
	APIServer  string   `yaml:"api_server"`
	Namespaces []string `yaml:"namespaces"`     // empty: all
	Labels     string   `yaml:"label_selector"` // "app=web,tier!=test"; empty: any
	// read at each look; empty: the service account's inside of a cluster
	TokenFile string `yaml:"token_file"`
	CAFile    string `yaml:"ca_file"` // likewise
}

// Where a pod has its service account.
const (
	accountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"
	accountCA    = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
)

// pageSize is how many objects one answer has.
const pageSize = 500

func (k *Kubernetes) validate() error {
	var faults []error
	if _, known := kubernetesRoles[k.Role]; !known {
		faults = append(faults, fmt.Errorf("kubernetes.role: want %s, %s or %s", RoleEndpointSlice, RoleService, RoleNode))
	}
	if u, err := url.Parse(k.APIServer); k.APIServer != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		faults = append(faults, errors.New("kubernetes.api_server: want a URL"))
	}
	if k.Role == RoleNode && len(k.Namespaces) > 0 {
		faults = append(faults, errors.New("kubernetes.namespaces: nodes have none"))
	}
	return errors.Join(faults...)
}

// kubernetesRole says where objects are in the API, and what targets they are.
type kubernetesRole struct {
	root, resource string
	groups         func(*kubernetesObject) []group
}

var kubernetesRoles = map[string]kubernetesRole{
	RoleEndpointSlice: {"/apis/discovery.k8s.io/v1", "endpointslices", (*kubernetesObject).endpoints},
	RoleService:       {"/api/v1", "services", (*kubernetesObject).service},
	RoleNode:          {"/api/v1", "nodes", (*kubernetesObject).node},
}

// look lists the objects of the role, page by page.
func (k *Kubernetes) look(ctx context.Context) (all []group, err error) {
	server, token, ca := k.access()
	api, err := newAPI(server, "", ca)
	if err != nil {
		return nil, err
	}
	defer api.close()
	secret, err := readToken(token)
	if err != nil {
		return nil, err
	}
	if secret != "" {
		api.header["Authorization"] = "Bearer " + secret
	}
	role := kubernetesRoles[k.Role]
	namespaces := k.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{""}
	}
	for _, namespace := range namespaces {
		path := role.root
		if namespace != "" {
			path += "/namespaces/" + url.PathEscape(namespace)
		}
		some, err := k.list(ctx, api, path+"/"+role.resource, role.groups)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// access returns the API server, and the files with the token and the authorities.
func (k *Kubernetes) access() (server, token, ca string) {
	server, token, ca = k.APIServer, k.TokenFile, k.CAFile
	if server != "" {
		return server, token, ca
	}
	server = "https://" + net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	if token == "" {
		token = accountToken
	}
	if ca == "" {
		ca = accountCA
	}
	return server, token, ca
}

// list reads a list, page by page.
func (k *Kubernetes) list(ctx context.Context, api *api, path string, groups func(*kubernetesObject) []group) (all []group, err error) {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if k.Labels != "" {
		query.Set("labelSelector", k.Labels)
	}
	for {
		var page struct {
			Metadata struct {
				Continue string `json:"continue"`
			} `json:"metadata"`
			Items []kubernetesObject `json:"items"`
		}
		if err := api.get(ctx, path, query, &page); err != nil {
			return nil, err
		}
		for i := range page.Items {
			all = append(all, groups(&page.Items[i])...)
		}
		if len(all) > MaxTargets {
			return nil, fmt.Errorf("more than %d targets", MaxTargets)
		}
		if page.Metadata.Continue == "" {
			return all, nil
		}
		query.Set("continue", page.Metadata.Continue)
	}
}
