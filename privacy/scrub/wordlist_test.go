package scrub

import (
	"strings"
	"testing"
)

func TestWordLists(t *testing.T) {
	for name, list := range map[string]words{"person": personWords, "secret": secretWords, "step": stepWords} {
		text := string(list)
		if !strings.HasPrefix(text, " ") || !strings.HasSuffix(text, " ") || strings.Contains(text, "  ") {
			t.Errorf("%s: want one space before, between and behind words", name)
		}
		for w := range strings.FieldsSeq(text) {
			if !list.has(w) || !list.has(strings.ToUpper(w)) {
				t.Errorf("%s: %q is not found in its list", name, w)
			}
			if list.has(w+"x") || list.has("x"+w) {
				t.Errorf("%s: more than %q is found", name, w)
			}
		}
	}
	for _, s := range []string{"", " ", "user users", " user ", "a-word-of-more-than-any-list-has"} {
		if personWords.has(s) {
			t.Errorf("%q is found", s)
		}
	}
}
