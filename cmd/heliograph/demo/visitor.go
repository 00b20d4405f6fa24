package demo

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/demo/page"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// setPage runs the page on which a visitor can break things. Its reports reach the collectors from
// the visitor network.
func (s *stage) setPage() error {
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: visitor.client(0).AsSlice()}, Timeout: 3 * time.Second}
	o := page.Options{
		Listen: s.o.Page, SignPolicy: s.pagePolicy, Reports: s.node.Store, Dashboard: "http://" + s.node.DashboardAddr + "/", Logger: s.o.Log,
		Transport: &http.Transport{DialContext: from.DialContext, TLSClientConfig: s.collectorTLS, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true},
	}
	for _, c := range s.collectors {
		o.Collectors = append(o.Collectors, page.Collector{ID: c.id, URL: "https://" + c.Addr})
	}
	p, err := page.New(o)
	if err != nil {
		return err
	}
	s.background("page to break", p.Run)
	s.page = p
	return nil
}

// pagePolicy returns the policy of the page's agent, with the URLs at which a browser reaches the
// collectors. Its version is higher than that of the policy for the other clients, which the
// collectors serve.
func (s *stage) pagePolicy(urls []string) ([]byte, error) {
	text := s.policy()
	for i, c := range s.collectors {
		text = strings.Replace(text, "https://"+c.Addr, urls[i], 1)
	}
	dir := filepath.Join(s.dir, "main")
	file := filepath.Join(dir, "page-policy.yaml")
	if err := os.WriteFile(file, []byte("version: 2\n"+text), 0o644); err != nil {
		return nil, err
	}
	signed, err := roles.SignPolicyFile(file, filepath.Join(dir, "keys/policy.pem"), time.Now())
	if err != nil {
		return nil, fmt.Errorf("signing the page's policy: %w", err)
	}
	return signed, nil
}
