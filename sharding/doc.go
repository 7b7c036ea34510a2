// Package sharding runs the shards of a bot.
//
// A [Group] runs all of them, or a part: it asks Discord how many there should
// be, lets them identify as fast as is allowed, hands their events to one
// handler, to typed ones ([Handle]) or to a loop ([Group.Events]), keeps their
// sessions for the next process in a [Store], and changes their number without
// a gap ([Group.Reshard]).
//
//	group, err := sharding.NewGroup(token, handler, gateway.WithIntents(intent.Guilds))
//	if err != nil {
//		return err
//	}
//	return group.Run(ctx)
//
// Each shard is a [gatewayshard.Shard], which takes one goroutine for its
// connection. A group adds two goroutines to those, and one for each shard with
// a [Queue].
package sharding
