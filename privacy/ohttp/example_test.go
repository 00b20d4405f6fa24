package ohttp_test

import (
	"fmt"
	"log"

	"github.com/heliograph-net/heliograph/privacy/ohttp"
)

// A client asks a gateway. A relay between them could read neither the request nor the response.
func Example() {
	key, err := ohttp.GenerateKey(ohttp.MLKEM768X25519())
	if err != nil {
		log.Fatal(err)
	}
	gateway, err := ohttp.NewGateway(key)
	if err != nil {
		log.Fatal(err)
	}
	configs, err := ohttp.ParseKeyConfigs(gateway.Configs(), ohttp.MLKEM768X25519())
	if err != nil {
		log.Fatal(err)
	}
	sealed, exchange, err := configs[0].Encapsulate([]byte("question"))
	if err != nil {
		log.Fatal(err)
	}
	question, reply, err := gateway.Decapsulate(sealed)
	if err != nil {
		log.Fatal(err)
	}
	response, err := reply.Seal([]byte("answer"))
	if err != nil {
		log.Fatal(err)
	}
	answer, err := exchange.Open(response)
	fmt.Println(string(question), string(answer), err)
	// Output: question answer <nil>
}
