// Package gatewayshard runs a [gateway.GatewayState] over a websocket: it
// dials, reads, keeps the heartbeat, and reconnects.
//
//	shard, err := gatewayshard.NewShard(0, token, handler, gateway.WithIntents(intent.Guilds))
//	if err != nil {
//		return err
//	}
//	return shard.Run(ctx)
//
// [Shard.Run] keeps a shard connected. What it does between two connections is
// decided by a machine of package lifecycle. [Shard.Dial], [Shard.EventLoop]
// and [Shard.PrepareForReconnect] are its parts, for callers who decide
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
// called from within the handler. Those that wait for events, [Shard.Await] and
// [Shard.RequestGuildMembers], make the shard read on meanwhile on a second
// goroutine, from wherever they are called: what comes is delivered in order when the handler returns.
// [Shard.Close] is told that a handler calls it by [WithinHandler].
//
// A panic of the handler does not end the shard, see Config.HandlerPanic.
//
// # Many shards
//
// Package sharding runs all the shards of a bot.
package gatewayshard
