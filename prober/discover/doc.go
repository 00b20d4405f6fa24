// Package discover finds targets where Prometheus would: in files (file_sd), at a URL (http_sd),
// and in DNS (SRV, A and AAAA). Labels become a target's name and place by Prometheus' rules of
// relabelling. Start with [New] and [Finder.Run].
//
// Prometheus' own packages for Kubernetes, Consul and clouds are not used, for their weight. An
// HTTP service discovery in front of them does the same.
package discover
