package agent_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/agent"
)

func TestTraceIDOf(t *testing.T) {
	const id = "0af7651916cd43dd8448eb211c80319c"
	const valid = "00-" + id + "-b7ad6b7169203331-01"
	for header, want := range map[string]string{
		valid:                                    id,
		strings.ToUpper(valid):                   id,
		"01-" + id + "-b7ad6b7169203331-01":      id,
		"cc-" + id + "-b7ad6b7169203331-01-what": id, // a later version may say more
		"":                                       "",
		id:                                       "",
		"00-" + id:                               "",
		valid[:len(valid)-1]:                     "",
		valid + "-what":                          "", // version 00 has no more
		valid + ", " + valid:                     "", // sent twice
		valid + " ":                              "",
		"cc-" + id + "-b7ad6b7169203331-01.what": "",
		"ff-" + id + "-b7ad6b7169203331-01":      "",
		"0x-" + id + "-b7ad6b7169203331-01":      "",
		"00-" + id + "-0000000000000000-01":      "",
		"00-" + id + "-b7ad6b716920333_-01":      "",
		"00-" + id[:31] + "g-b7ad6b7169203331-01":    "",
		"00-+" + id[1:] + "-b7ad6b7169203331-01":     "",
		"00-" + id + "-b7ad6b7169203331-0g":          "",
		"00_" + id + "-b7ad6b7169203331-01":          "",
		"00-" + strings.Repeat("0", 32) + "-b7-01":   "",
		"00-" + id + "xb7ad6b7169203331-01":          "",
		"00-" + id + "-b7ad6b7169203331x01":          "",
		"00-" + strings.Repeat("\x00", 32) + "-b-01": "",
	} {
		if got := agent.TraceIDOf(header); strings.Trim(hex.EncodeToString(got[:]), "0") != strings.Trim(want, "0") {
			t.Errorf("%q: trace id %x, want %q", header, got, want)
		}
	}
}

func FuzzTraceIDOf(f *testing.F) {
	f.Add("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	f.Add("00-0af7651916cd43dd8448eb211c80319c")
	f.Add("")
	f.Fuzz(func(t *testing.T, h string) {
		if id := agent.TraceIDOf(h); id != [16]byte{} && !strings.EqualFold(h[3:35], hex.EncodeToString(id[:])) {
			t.Fatalf("%q became %x", h, id)
		}
	})
}
