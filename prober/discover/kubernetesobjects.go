package discover

import (
	"maps"
	"net"
	"strconv"
)

// kubernetesObject is what is needed of an EndpointSlice, a Service or a Node.
type kubernetesObject struct {
	Metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`

	// of an EndpointSlice

	AddressType string               `json:"addressType"`
	Endpoints   []kubernetesEndpoint `json:"endpoints"`
	Ports       []kubernetesPort     `json:"ports"`

	Spec struct {
		Type         string           `json:"type"` // of a Service, like the next three
		ClusterIP    string           `json:"clusterIP"`
		ExternalName string           `json:"externalName"`
		Ports        []kubernetesPort `json:"ports"`
		ProviderID   string           `json:"providerID"` // of a Node
	} `json:"spec"`

	// of a Node
	Status struct {
		Addresses []struct {
			Type    string `json:"type"`
			Address string `json:"address"`
		} `json:"addresses"`
		DaemonEndpoints struct {
			KubeletEndpoint struct {
				Port int `json:"Port"`
			} `json:"kubeletEndpoint"`
		} `json:"daemonEndpoints"`
	} `json:"status"`
}

type kubernetesPort struct {
	Name        string `json:"name"`
	Port        *int   `json:"port"` // nil: any, of an EndpointSlice
	Protocol    string `json:"protocol"`
	AppProtocol string `json:"appProtocol"`
}

type kubernetesEndpoint struct {
	Addresses  []string         `json:"addresses"`
	Conditions map[string]*bool `json:"conditions"` // nil: unknown
	Hostname   string           `json:"hostname"`
	NodeName   string           `json:"nodeName"`
	Zone       string           `json:"zone"`
	TargetRef  struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	} `json:"targetRef"`
}

const kubernetesPrefix = "__meta_kubernetes_"

// labels returns the labels that all targets of an object have. what is its kind in their names.
func (o *kubernetesObject) labels(what string) map[string]string {
	labels := map[string]string{kubernetesPrefix + what + "_name": o.Metadata.Name}
	if o.Metadata.Namespace != "" {
		labels[kubernetesPrefix+"namespace"] = o.Metadata.Namespace
	}
	addLabels(labels, kubernetesPrefix+what+"_label_", o.Metadata.Labels)
	addLabels(labels, kubernetesPrefix+what+"_annotation_", o.Metadata.Annotations)
	return labels
}

// endpoints returns every address and port of an EndpointSlice.
func (o *kubernetesObject) endpoints() (all []group) {
	const prefix = kubernetesPrefix + "endpointslice_"
	common := o.labels("endpointslice")
	common[prefix+"address_type"] = o.AddressType
	if service := o.Metadata.Labels["kubernetes.io/service-name"]; service != "" {
		common[kubernetesPrefix+"service_name"] = service
	}
	for i := range o.Endpoints {
		e := &o.Endpoints[i]
		for _, p := range o.Ports {
			if p.Port == nil {
				continue
			}
			g := group{Labels: maps.Clone(common)}
			e.addLabels(g.Labels, prefix)
			for name, value := range map[string]string{"port": strconv.Itoa(*p.Port), "port_name": p.Name, "port_protocol": p.Protocol, "port_app_protocol": p.AppProtocol} {
				g.Labels[prefix+name] = value
			}
			for _, address := range e.Addresses {
				g.Targets = append(g.Targets, net.JoinHostPort(address, strconv.Itoa(*p.Port)))
			}
			all = append(all, g)
		}
	}
	return all
}

func (e *kubernetesEndpoint) addLabels(labels map[string]string, prefix string) {
	for name, value := range map[string]string{
		"endpoint_hostname": e.Hostname, "endpoint_node_name": e.NodeName, "endpoint_zone": e.Zone,
		"address_target_kind": e.TargetRef.Kind, "address_target_name": e.TargetRef.Name,
	} {
		if value != "" {
			labels[prefix+name] = value
		}
	}
	for name, is := range e.Conditions {
		if is != nil {
			labels[prefix+"endpoint_conditions_"+labelName(name)] = strconv.FormatBool(*is)
		}
	}
}

// service returns every port of a Service, by the name that the cluster's DNS has for it.
func (o *kubernetesObject) service() (all []group) {
	const prefix = kubernetesPrefix + "service_"
	for _, p := range o.Spec.Ports {
		if p.Port == nil {
			continue
		}
		g := group{Labels: o.labels("service"), Targets: []string{net.JoinHostPort(o.Metadata.Name+"."+o.Metadata.Namespace+".svc", strconv.Itoa(*p.Port))}}
		for name, value := range map[string]string{"type": o.Spec.Type, "cluster_ip": o.Spec.ClusterIP, "external_name": o.Spec.ExternalName,
			"port_name": p.Name, "port_number": strconv.Itoa(*p.Port), "port_protocol": p.Protocol} {
			if value != "" {
				g.Labels[prefix+name] = value
			}
		}
		all = append(all, g)
	}
	return all
}

// node returns a Node at its kubelet, by its internal address if it has one.
func (o *kubernetesObject) node() []group {
	labels := o.labels("node")
	labels[kubernetesPrefix+"node_provider_id"] = o.Spec.ProviderID
	address := ""
	for _, kind := range []string{"Hostname", "ExternalIP", "InternalIP"} { // the last is the best
		for _, a := range o.Status.Addresses {
			if a.Type == kind {
				address = a.Address
				labels[kubernetesPrefix+"node_address_"+kind] = a.Address
			}
		}
	}
	if address == "" {
		return nil
	}
	port := o.Status.DaemonEndpoints.KubeletEndpoint.Port
	return []group{{Labels: labels, Targets: []string{net.JoinHostPort(address, strconv.Itoa(port))}}}
}
