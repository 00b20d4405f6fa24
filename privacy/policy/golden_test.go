package policy

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
	"github.com/heliograph-net/heliograph/report"
)

func TestGoldenPolicies(t *testing.T) {
	disabled := testPolicy(t)
	disabled.Version, disabled.Disabled, disabled.MaxConsent, disabled.Collectors = 8, true, report.Off, disabled.Collectors[1:]
	for name, p := range map[string]*Policy{"policy.bin": testPolicy(t), "policy-disabled.bin": disabled} {
		b := signed(t, p, fixtures.SigningKey(1))
		file := fixtures.Golden(t, name, func() []byte { return b })
		if !bytes.Equal(file, b) {
			t.Errorf("%s: the same policy makes another file", name)
		}
		if got, err := Open(file, fixtures.PublicKey(1)); err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestGoldenObliviousPolicy(t *testing.T) {
	p := obliviousPolicy(t)
	b := signed(t, p, fixtures.SigningKey(1))
	file := fixtures.Golden(t, "policy-oblivious.bin", func() []byte { return b })
	if !bytes.Equal(file, b) {
		t.Error("the same policy makes another file")
	}
	if got, err := Open(file, fixtures.PublicKey(1)); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("%+v, %v", got, err)
	}
}
