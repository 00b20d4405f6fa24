package scrub

import (
	"strings"
	"testing"
)

func TestWordLists(t *testing.T) {
	for name, list := range map[string]*words{"person": &personWords, "secret": &secretWords, "step": &stepWords} {
		for first, text := range list {
			if text == "" {
				continue
			}
			if !strings.HasPrefix(text, " ") || !strings.HasSuffix(text, " ") || strings.Contains(text, "  ") {
				t.Errorf("%s: %q: want one space before, between and behind words", name, text)
			}
			if strings.Count(text, " "+string(rune(first))) != len(strings.Fields(text)) || first == ' ' {
				t.Errorf("%s: %q: want words with %q", name, text, rune(first))
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
	}
	for _, s := range []string{"", " ", "user users", " user ", "a-word-of-more-than-any-list-has"} {
		if personWords.has(s) {
			t.Errorf("%q is found", s)
		}
	}
}
