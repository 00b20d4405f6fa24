package search

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a sample is found by. Whoever sends more is not found by the rest.
const (
	maxWords = 300 // words of one text
	maxWord  = 48  // bytes of a word; longer ones are cut
)

// words returns the words of a text in small letters.
func words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for range maxWords {
			start := strings.IndexFunc(text, inWord)
			if start < 0 {
				return
			}
			text = text[start:]
			end := strings.IndexFunc(text, outsideWord)
			if end < 0 {
				end = len(text)
			}
			if !yield(normal(text[:end])) {
				return
			}
			text = text[end:]
		}
	}
}

func inWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

func outsideWord(r rune) bool { return !inWord(r) }

// normal returns a word in small letters, of maxWord bytes at most.
func normal(word string) string {
	word = strings.ToLower(word)
	if len(word) <= maxWord {
		return word
	}
	end := maxWord
	for !utf8.RuneStart(word[end]) {
		end--
	}
	return word[:end]
}

// contains reports whether a text has the words, one after the other.
func contains(text string, phrase []string) bool {
	var last []string // as many as phrase has
	for word := range words(text) {
		if len(last) == len(phrase) {
			copy(last, last[1:])
			last = last[:len(last)-1]
		}
		if last = append(last, word); len(last) == len(phrase) && equal(last, phrase) {
			return true
		}
	}
	return false
}

func equal(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
