// Package slo judges whether targets keep their objectives, by how fast they spend their
// error budget.
//
// [Judge] holds the rules: an alert needs a long window, in which much of the budget was spent, and
// a short one, in which it still is (Google's Site Reliability Workbook, chapter 5). [Watcher]
// keeps the sums that it takes, by reading totals from a store.
package slo
