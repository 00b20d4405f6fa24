package keyfile_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

func Example() {
	key, err := seal.GenerateOpenKey()
	if err != nil {
		log.Fatal(err)
	}
	file := keyfile.MarshalOpenKey(key)
	again, err := keyfile.ParseOpenKey(file)
	if err != nil {
		log.Fatal(err)
	}
	first, _, _ := bytes.Cut(file, []byte("\n"))
	fmt.Println(string(first), bytes.Equal(again.Bytes(), key.Bytes()))
	// Output: -----BEGIN HELIOGRAPH OPEN KEY----- true
}
