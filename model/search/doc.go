// Package search finds samples by fields and words. [Parse] reads what a person types, and
// [Query.Match] judges a sample. A store that has many samples keeps an index of [Terms], and asks
// it for [Query.Terms].
//
// A query is a list of parts with spaces between them; a sample must match all of them.
//
//	version:1.5.0         the field has this value
//	error:"No such file"  the same, for a value with spaces
//	timeout               some text of the sample has this word
//	checkout/cart.js      some text has these words, one after the other
//	"not a function"      the same, for words with spaces between them
//
// Words consist of letters, digits and underscores. Capital and small letters are the same, in
// fields, too.
package search
