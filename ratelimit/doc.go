// Package ratelimit holds the two limits that Discord puts on what a client
// sends over the gateway: commands per connection ([Window]) and identifies
// per bucket of shards ([Identify]).
//
// Nothing here has a clock, a timer or a goroutine: the time is an argument,
// and a refusal names the time at which to ask again.
package ratelimit
