// Package sim runs clients against servers in virtual time: hours with
// thousands of connections, faults drawn from a seed and a check of what must
// hold, in seconds.
//
// [Sim] runs shards against a [world.World]: no event that a resume could
// bring is lost or seen twice. [VoiceSim] runs voice calls with their datagrams
// against the pure half of voiceserver. Both use one goroutine and no clock.
// Equal values give equal results.
package sim
