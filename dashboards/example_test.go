package dashboards_test

import (
	"context"
	"log"
	"net/http"

	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/model"
)

// A Dashboard is served on a listener of its own. Run feeds its streams.
func Example() {
	var reader model.Reader // a detector's stores, see detector.Reader
	d, err := dashboards.New(dashboards.Options{Reader: reader, Hosts: []string{"status.example"}})
	if err != nil {
		log.Fatal(err)
	}
	go http.ListenAndServe("127.0.0.1:8418", d)
	if err := d.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
