package access_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/heliograph-net/heliograph/dashboards/access"
)

func ExampleGate_Guard() {
	gate, err := access.New(access.Options{Settings: access.Settings{Proxy: access.Proxy{
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}, Header: "X-Forwarded-User", Operators: []string{"ada"},
	}}})
	if err != nil {
		panic(err)
	}
	page := gate.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := access.Of(r.Context())
		fmt.Fprintf(w, "%s, %s", who.Name, who.Role)
	}))
	for _, from := range []string{"10.0.0.9:40000", "192.0.2.1:40000"} {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/now", nil)
		r.RemoteAddr = from
		r.Header.Set("X-Forwarded-User", "ada")
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 ada, operator
	// 401 {"error":"log in first, at /login"}
}
