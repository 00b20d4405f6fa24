// Package status makes the page that an operator shows to the public: services, incidents in plain
// words, a history of 90 days, and a feed. It consists of files that work on any web server,
// without JavaScript and without anything of a third party, because a page about an outage must not
// live where the outage is.
//
// Nothing of a client, of a network or of a server is on it. [New] decides what is shown, and
// [Page.Files] makes the files.
package status
