// Package gatewayshard runs a [gateway.GatewayState] over a websocket: it
// dials, reads, keeps the heartbeat, and reconnects.
//
//	shard, err := gatewayshard.NewShard(0, token, handler, gateway.WithIntents(intent.Guilds))
//	if err != nil {
//		return err
//	}
//	return shard.Run(ctx)
//
// [Shard.Run] does the whole life of a shard. [Shard.Dial], [Shard.EventLoop]
// and [Shard.PrepareForReconnect] are its parts, for those who want to decide
// themselves when to reconnect. What belongs to the network (TLS, proxy,
// timeouts, logging) is set in a [Config].
//
// # Goroutines
//
// A connection takes one goroutine: the one that calls EventLoop (or Run).
// Heartbeats come from a timer and do not wait for it: they go on while a
// handler is busy. The handler runs on that goroutine, in the order of the
// events, and while it runs nothing is read: a handler that is too slow slows
// Discord down, visibly, instead of filling memory.
//
// All other methods of a [Shard] are safe for concurrent use, and may be
// called from within the handler, except for [Shard.RequestGuildMembers], whose
// answers arrive on the goroutine that would wait for them.
//
// # Many shards
//
// Package sharding runs all the shards of a bot.
package gatewayshard
