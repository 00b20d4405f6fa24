package vantages_test

import (
	"fmt"

	"github.com/heliograph-net/heliograph/detector/vantages"
	"github.com/heliograph-net/heliograph/report"
)

func ExampleRule_Judge() {
	rule := vantages.Rule{Agree: 2}
	words := []vantages.Word{
		{Vantage: "fra", ASN: 64501, Judgement: report.JudgedDown},
		{Vantage: "ams", ASN: 64502, Judgement: report.JudgedUp},
	}
	fmt.Println(rule.Judge(words))
	words = append(words, vantages.Word{Vantage: "sin", ASN: 64503, Judgement: report.JudgedDown})
	fmt.Println(rule.Judge(words))
	// Output:
	// local
	// global
}
