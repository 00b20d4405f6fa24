// Package slo judges whether targets keep their service level objectives, by how fast they spend
// their error budgets. Start with [New], whose [Watcher] reads totals from a store and keeps the
// sums that [Judge] needs.
//
// [Judge] has the rules (Google's Site Reliability Workbook, chapter 5): an alert needs a long
// window, in which much of the budget was spent, and a short one, in which the budget is still
// being spent.
package slo
