package main

const usage = `Localdiscord is a Discord for one machine, to test bots in any language.

Usage: localdiscord [flags]

It prints its URLs, each in a line of its own, and runs until it is interrupted:

  http=     stands for https://discord.com: the API is below /api/v10
  gateway=  what GET /api/v10/gateway answers; bots may connect to it directly
  voice=    the voice server, where those go who join a voice channel; it makes
            them known to each other, end to end encrypted if they can
  control=  makes things happen, see below
  ca=       the file of -ca

  -addr ADDR           where to listen (default 127.0.0.1:0, any free port)
  -control ADDR        where to listen for control (default 127.0.0.1:0);
                       every program that reaches it may use it
  -tls                 speak https and wss, with a certificate made for the run
  -ca FILE             write the certificate that clients must trust: of -tls,
                       and of the voice server in any case
  -guilds N            number of guilds (default 3)
  -shards N            shards that GET /gateway/bot recommends (default 1)
  -max-concurrency N   shards that may identify at once (default 1)
  -heartbeat D         heartbeat interval (default 41.25s)
  -timeout-ends-session
                       a session ends with close code 4009; without it a bot may
                       resume for the usual time
  -traffic RATE        made up events per second (default 0)
  -token LIST          tokens of bots, separated by commas: each is a bot of its
                       own (default any, and all are one bot)
  -seed N              make up other names and other traffic
  -log-level L         debug, info, warn or error (default info); sessions and
                       broken rules are logged to standard error

Control takes and returns JSON:

  GET  /sessions /stats /guilds /commands /violations /voice
  POST /dispatch    an event: "event", "data", and its receivers: "guild_id",
                    "session_id", "shard":[id,count], "direct", "everyone"
  POST /generate    made up events at once: "events"
  POST /heartbeat   ask every client for a heartbeat
  POST /fault       "kind": cut, stall, zombie, reconnect, invalid_session,
                    close, garbage, giant or drip, on all connections, or on
                    those of "sessions", or on the "next" so many; refuse and
                    dead_resume for the next ones only; with "after", "code",
                    "reason", "resumable", "size", "status", "for", "every"
  POST /voice       "server": move or stop; "close" with a code, "cut", "stall",
                    "network" with "loss" and "jitter", for all or "user_id";
                    "mute", "deaf", "channel_id" of a "guild_id" and "user_id"

Exit status: 0 after an interrupt, 1 if it cannot run, 2 if a flag is wrong.

Examples:

  localdiscord -addr 127.0.0.1:4000 -control 127.0.0.1:4001 -traffic 5
  DISCORD_TOKEN=any gatewaybot -url ws://127.0.0.1:4000
  curl http://127.0.0.1:4001/sessions
  curl http://127.0.0.1:4001/fault -d '{"kind":"cut"}'
  curl http://127.0.0.1:4001/dispatch -d '{"event":"MESSAGE_CREATE",
    "guild_id":"419430400000000000","data":{"id":"1","content":"hello"}}'

  localdiscord -addr 127.0.0.1:4000 -token one,two -ca ca.pem &
  export SSL_CERT_FILE=ca.pem
  DISCORD_TOKEN=one gatewaybot record -url ws://127.0.0.1:4000 -channel ... &
  DISCORD_TOKEN=two gatewaybot play -url ws://127.0.0.1:4000 -channel ... a.opus

  localdiscord -tls -ca ca.pem &
  NODE_EXTRA_CA_CERTS=ca.pem node bot.js
`
