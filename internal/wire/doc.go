// Package wire reads and writes the JSON object that wraps every gateway
// message, in one pass and without allocating.
//
// Reading accepts what encoding/json accepts, and gives the same values, except
// for containers nested deeper than [MaxDepth] and keys that differ from the
// documented ones in case. The fuzz tests hold it to that.
package wire
