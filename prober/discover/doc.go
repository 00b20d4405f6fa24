// Package discover finds targets where Prometheus would: in files (file_sd), at a URL (http_sd), in
// DNS (SRV, A and AAAA), in Consul's catalogue, in a Kubernetes cluster, and among the instances of
// EC2. Labels become a target's name and place by Prometheus' rules of relabelling. Start with
// [New] and [Finder.Run].
//
// Prometheus' own packages for Consul, Kubernetes and EC2 are not used, for their weight. What they
// ask these APIs for is a few lists, which this package asks for by HTTP and gives the same labels.
package discover
