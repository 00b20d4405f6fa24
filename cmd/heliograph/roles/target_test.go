package roles

import (
	"reflect"
	"testing"

	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
)

func TestTargetsAreOfTheirKinds(t *testing.T) {
	c, err := parse("h.yaml", []byte(`prober:
  witnesses: ["192.0.2.9:53"]
  targets:
    - {name: web, url: "https://web.example/healthz", data_centre: east, cluster: web, row: 1}
    - name: shop
      url: https://shop.example
      address: 192.0.2.1:443
      status_min: 200
      status_max: 299
      tls_config: {server_name: other.example}
    - {name: "7", tcp: "db.example:5432"}
`))
	if err != nil {
		t.Fatal(err)
	}
	o, err := proberOptions(c)
	if err != nil {
		t.Fatal(err)
	}
	web, shop, db := o.Targets[0], o.Targets[1], o.Targets[2]
	if web.DataCentre != "east" || web.Cluster != "web" || web.Row != "1" || web.Spec.Address() != "web.example:443" {
		t.Errorf("%+v", web)
	}
	want := httpprobe.Options{URL: "https://shop.example", Connect: "192.0.2.1:443", StatusMin: 200, StatusMax: 299,
		TLS: conn.TLSOptions{ServerName: "other.example"}}
	if got, ok := shop.Spec.(*httpprobe.Options); !ok || !reflect.DeepEqual(*got, want) {
		t.Errorf("%+v, want %+v", shop.Spec, want)
	}
	if got, ok := db.Spec.(*tcpprobe.Options); !ok || got.Target != "db.example:5432" || db.Name != "7" {
		t.Errorf("%+v", db)
	}
	if got := o.Witnesses[0]; got.Spec.Kind() != "tcp" || got.Spec.Address() != "192.0.2.9:53" {
		t.Errorf("%+v", got)
	}
}
