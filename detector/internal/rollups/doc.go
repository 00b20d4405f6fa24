// Package rollups has what all stores keep in SQLite on the way from rows that wait to be judged to
// sums of minutes and hours: the pages of rows ([Pages]), the sums of a page ([Steps],
// [AddDurations], [ErrorKey]), and how they are added to those that are stored ([Register]).
package rollups
