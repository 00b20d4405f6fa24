package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

func ExampleClient() {
	dashboard := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `[{"type":"tcp.reset","asn":64501,"as_name":"Northnet","ok":0,"failed":41,"clients":31}]`)
	}))
	defer dashboard.Close()

	client, err := api.NewClient(dashboard.URL, nil) // for example http://127.0.0.1:8418
	if err != nil {
		fmt.Println(err)
		return
	}
	totals, err := client.Totals(context.Background(), api.TotalsQuery{Since: 15 * time.Minute, By: []api.Dimension{api.ByType, api.ByASN}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range totals {
		fmt.Printf("%s from %s: %.0f failed, %d clients\n", *t.Type, t.ASName, t.Failed, t.Clients)
	}
	// Output: tcp.reset from Northnet: 41 failed, 31 clients
}
