package main

const usage = `Gatewaybot shows a session of Discord's gateway live.

Usage: gatewaybot [flags]
       gatewaybot play [flags] [FILE]    plays a file in a voice channel
       gatewaybot record [flags]         records a voice channel

Play and record have flags of their own, see gatewaybot play -help.

Without a token it starts a Discord of its own in the process, connects to it,
shows the events that come, cuts the connection once to show the resume, and
counts whether an event was lost or seen twice. With a bot's token in the
environment variable DISCORD_TOKEN it connects to Discord instead.

On a terminal the output is a table that refreshes itself (COLUMNS and LINES
tell its size, NO_COLOR and TERM=dumb are respected), elsewhere a line each
second. Many shards are shown as a fleet: a cell for each in the colour of what
it does, and the queue of those that have to identify. The first interrupt ends
the sessions properly, the second one at once.

  -for D          how long to run, such as 30s or 2h; 0 is until interrupted
                  (default 15s; 0 with a token or -soak)
  -cut D          when to cut the connection; 0 is never
                  (default half of -for; 0 with a token or -soak)
  -soak           run until something is wrong: a lost event, a silent
                  connection, a disconnect that Discord did not announce, any
                  other warning; report it and exit with 1
  -intents LIST   names, numbers, all, unprivileged, privileged, none, separated
                  by commas (default all; unprivileged with a token)
  -events LIST    show only these events, and ask for the intents they need
                  besides those of -intents
  -shards N       run N shards, or auto: as many as are stored, or else as
                  Discord recommends (default 1)
  -max-concurrency N
                  how many shards may identify at once where Discord does not
                  say (default 1 with -url, else 16 or a sixteenth of the
                  shards); the local Discord's next ones may after half a
                  second, not 5 s
  -store FILE     keep the sessions in a file of JSON: the next run resumes
                  them, after a crash too (needs a token)
  -takeover       wait for the process that has the file of -store to end,
                  and then resume its sessions: start the new one first
  -json           write events to standard output, each a line of JSON like
                  {"shard":0,"seq":1,"t":"READY","d":{}}, and all else to
                  standard error
  -encoding E     json or etf (default json)
  -compress C     none, zlib-stream, zstd-stream or payload (default none)
  -url URL        gateway to connect to, instead of Discord's
  -traffic RATE   events per second of the local Discord (default 100)
  -seed N         make up other traffic in the local Discord
  -log-level L    debug, info, warn or error (default info)

Exit status: 0 if all went well, 1 if an event was lost or seen twice, if a cut
connection was not resumed, or if there is no session to be had, 2 if a flag
is wrong.

Examples:

  gatewaybot
  gatewaybot play
  gatewaybot -shards 200 -max-concurrency 16
  gatewaybot -for 1m -shards 4 -encoding etf -compress zstd-stream
  gatewaybot -json -events MESSAGE_CREATE -for 5s | jq -r .d.content
  DISCORD_TOKEN=... gatewaybot -intents guilds,guild_messages
  DISCORD_TOKEN=... gatewaybot -shards auto -store sessions.json
  DISCORD_TOKEN=... gatewaybot -soak -compress zlib-stream
  DISCORD_TOKEN=any gatewaybot -url ws://127.0.0.1:4000
`
