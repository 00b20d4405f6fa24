// Package rs explains minutes of a table of failures, the format "rs" of the command replay: CSV
// with one row for each minute and combination of attributes.
//
//	min,cdn,bitrate,value,cnt
//	1566397200,5,500,3,48
//
// The columns come in any order, and so do the rows. "min" is the start of the minute in Unix
// seconds, "value" how many of "cnt" requests failed. All other columns are attributes. The format
// is that of the RobustSpot data set of failing video sessions. Start with [Run].
package rs
