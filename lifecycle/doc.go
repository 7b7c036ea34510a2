// Package lifecycle holds what happens between the connections of a bot:
// when and where to dial, whether to resume or to identify, how long to wait,
// when a session is dead, and when to stop.
//
// A [github.com/discordpkg/gateway.GatewayState] is the protocol of one
// connection. A [Shard] is the life of a shard over all of its connections.
// Like the state it is a pure machine: it has no clock, goroutine, lock or
// socket. The caller tells it what happened and at what time, and it answers
// with one decision, a [ShardDecision]:
//
//	for {
//		switch d := life.Decision(); d.Do {
//		case lifecycle.ShardAsk: // ask what the shards of the bot share
//			life.Granted(now, lifecycle.Grant{})
//		case lifecycle.ShardDial: // d.Session, d.AtResumeURL, d.Limit
//			state, err = gateway.NewGatewayState(token, gateway.WithSession(d.Session))
//			conn, err = dial(state.DialURL(), d.Limit) // state.URL() unless d.AtResumeURL
//			life.Dialed(now) // or life.DialFailed
//		case lifecycle.ShardHold: // read, and call Observe after each message
//			life.Observe(now, state, traffic)
//			life.Ended(now, lifecycle.End{Err: err, Session: session, Seq: state.SequenceNumber()})
//		case lifecycle.ShardLeave: // close the connection because of d.Err, then call Ended
//		case lifecycle.ShardWait: // until d.At, then call HandleTimeout
//		case lifecycle.ShardStop: // return d.Err
//		}
//	}
//
// The decision stays the same until the next input. Every input takes the time.
// [Shard.NextDeadline] says when [Shard.HandleTimeout] is due; an early call
// does nothing. An input that is illegal in the phase of the machine changes
// nothing and returns an [*IllegalInputError]. [ShardTransitions] is the table.
//
// What shards share is not in that machine but in [Shared]: the day's
// identifies, the hosts that do not answer, the network that is back. The caller
// asks its owner when the decision is ShardAsk, and answers with [Shard.Granted]
// or [Shard.Refused]. So no two machines hold a pointer to the same thing.
//
// A [ShardState] is what a machine knows besides the session. It is stored
// beside the [github.com/discordpkg/gateway.Session] and given to the machine
// of the next process.
//
// A [Voice] is the life of one voice session. Its owner carries out decisions
// after every input, until there are none:
//
//	for {
//		switch d := life.Next(); d.Do {
//		case lifecycle.VoiceTell: // send d.Command to the main gateway, then
//			life.Told(now, err)
//		case lifecycle.VoiceConnect: // open a connection with d.Session, call Audio, and at the end
//			life.Ended(now, lifecycle.VoiceEnd{Session: session, Err: err, Decision: lifecycle.VoiceDecisionAfter(err)})
//		case lifecycle.VoiceHangUp: // close the connection with 1000
//		case lifecycle.VoiceWait: // until d.Until, then call HandleTimeout
//		case lifecycle.VoiceStop: // return d.Err
//		}
//	}
package lifecycle
