// Package detect measures how well the detector judges: in simulated worlds whose truth is known,
// beside the simple rules that others use ([World]), and on public data sets ([NAB], [RS]).
package detect
