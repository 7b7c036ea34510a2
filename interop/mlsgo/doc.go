// Package mlsgo holds github.com/thomas-vilte/mls-go, an MLS of another
// author, against what DAVE needs of MLS, and against internal/mls of this
// module in common groups.
//
// Everything is in the tests. Those that begin with TestNeed back, line by
// line, the table of DESIGN.md that says why this module has an MLS of its
// own: where the library falls short they pin how it does, so that a release
// that mends it shows up as a failure here and the table is written anew. The
// fuzz targets are to be run by hand: those of the foreign decoders found the
// panics that the tests pin, and step around them.
package mlsgo
