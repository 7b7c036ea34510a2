package main

const playUsage = `Gatewaybot play plays a file in a voice channel.

Usage: gatewaybot play [flags] [FILE]

The file is one of Opus: .opus or .ogg, .webm, .mkv or .dca; - is standard
input. Others have to be converted, which ffmpeg does as well while it plays.

Without a token it starts a Discord and a voice server of its own in the
process. A second bot joins the channel there, records what it hears to a file,
and compares that with what was played; without FILE a few built-in words are
played. With a bot's token in the environment variable DISCORD_TOKEN it plays on
Discord, where the bot needs the permissions to view the channel, to connect and
to speak.

On a terminal the output is a bar that moves (COLUMNS tells the width, NO_COLOR
and TERM=dumb are respected), elsewhere a line each second. The last line is a
summary. The first interrupt ends the sound and leaves the channel, the second
one ends the program at once.

  -channel ID    the voice channel; without it, the only one the bot can see
  -guild ID      the guild of the channel, for bots with more than one shard
  -for D         how long to play, such as 30s (default to the end of the file)
  -loop          begin again at the end, until interrupted or -for
  -seek D        where in the file to begin, such as 1m30s
  -record FILE   where the second bot records what it hears, with the local
                 Discord (default a new file in the directory for such)
  -loss SHARE    let the local network lose packets, 0.1 is one in ten
  -json          write figures to standard output, an object each second and
                 the summary as the last line, and all else to standard error
  -url URL       gateway to connect to, instead of Discord's
  -log-level L   debug, info, warn or error (default info)

Exit status: 0 if all was played, or until interrupted; 1 if not, and if the
local listener heard anything else than what was played; 2 if a flag is wrong.

Examples:

  gatewaybot play
  gatewaybot play -loss 0.1 song.opus
  gatewaybot play -json | jq .listener.jitter_p99_ms
  DISCORD_TOKEN=... gatewaybot play -channel 1234567890 -loop song.opus
  ffmpeg -v error -i song.mp3 -c:a libopus -b:a 96k -f opus - |
    DISCORD_TOKEN=... gatewaybot play -channel 1234567890 -
  localdiscord -addr 127.0.0.1:4000 -ca ca.pem &
    SSL_CERT_FILE=ca.pem DISCORD_TOKEN=any gatewaybot play \
      -url ws://127.0.0.1:4000 -channel 419430400000000004 song.opus
`

const recordUsage = `Gatewaybot record records what is said in a voice channel.

Usage: gatewaybot record [flags] [FILE]

Each user who speaks gets a file, which is the user's id and .opus. All files
begin and end at the same time: silence is written where nobody spoke. Opus is
written as it came, and is not encoded again. Ask people before recording them.

Without a token it starts a Discord and a voice server of its own in the
process, where a second bot plays FILE, or a few built-in words, until whose end
it records. With a bot's token in the environment variable DISCORD_TOKEN it
records on Discord, where the bot needs the permissions to view the channel and
to connect.

On a terminal the output refreshes itself (COLUMNS tells the width, NO_COLOR and
TERM=dumb are respected), elsewhere it is a line each second. The last line is a
summary. The first interrupt completes the files and leaves the channel, the
second one ends the program at once.

  -channel ID    the voice channel; without it, the only one the bot can see
  -guild ID      the guild of the channel, for bots with more than one shard
  -for D         how long to record, such as 10m (default until interrupted)
  -dir DIR       where the files go, which is made if there is none (default .)
  -loss SHARE    let the local network lose packets, 0.1 is one in ten
  -json          write figures to standard output, an object each second and
                 the summary as the last line, and all else to standard error
  -url URL       gateway to connect to, instead of Discord's
  -log-level L   debug, info, warn or error (default info)

Exit status: 0 if all that came was recorded; 1 if not; 2 if a flag is wrong.

Examples:

  gatewaybot record -dir /tmp/call
  DISCORD_TOKEN=... gatewaybot record -channel 1234567890 -for 10m -dir call
`
