// Package interop holds this module to foreign software: client libraries of
// other authors live through a session of the local Discord, talk with our own
// in its voice channels and share encrypted groups with it, and the shard lives
// through servers that are like Discord, but not quite.
//
// Everything is in the tests. Clients for Node run when Node is there.
package interop
