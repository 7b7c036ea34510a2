package main

const usage = `Voiceserver is a voice server for backends that speak Discord's protocol with
clients. Backends drive it over LVSP, the Litecord Voice Server Protocol.

Usage: voiceserver -secret-file FILE [flags]

It prints its URLs, each in a line of its own, and runs until it is interrupted:

  voice=    what clients connect to; backends tell them
  lvsp=     what backends connect to
  ca=       the file of -ca
  metrics=  numbers for Prometheus; /healthz beside it says ok until it drains

Where:

  -listen ADDR          for clients, websocket (default :4443)
  -lvsp ADDR            for backends (default :4442)
  -udp ADDR             for audio, the first port (default :0, any free ports)
  -udp-ports N          ports for audio, each with a processor of its own at
                        best (default 1)
  -endpoint HOST:PORT   what clients are told to connect to (default the
                        address of -listen)
  -address IP           what clients are told to send audio to (default that of
                        -udp, or 127.0.0.1 if it has none)
  -metrics ADDR         for Prometheus (default none); without a host, as in
                        :9090, reachable from this machine only

Backends:

  -secret-file FILE     the secret of the only backend, 32 bytes at least
  -backend NAME=FILE    one of several backends, each with a secret and with ids
                        of its own; may be given often, or with commas
  -dialect NAME         what they speak: seed, wire-2022, final or extended
                        (default: found out from what they send)
  -allow-plain-secret   accept the secret itself, as the seed dialect has it
  -hello-seconds        state the heartbeat interval in seconds, for backends
                        that take the number for that
  -token-life D         how long the tokens of users are good (default 24h)

TLS, for clients and backends alike:

  -tls-cert FILE        the certificate and those above it; read again when it
                        is renewed
  -tls-key FILE         its key
  -ca FILE              without -tls-cert: write the certificate that is made
                        for the run, for clients that are to trust it
  -without-tls          neither, as behind a proxy

Calls:

  -require-e2ee         close clients without end-to-end encryption (4017),
                        except in channels that do without
  -without-e2ee         no end-to-end encryption at all
  -max-connections N    voice connections (default 10000)
  -channel-size N       members of a channel (default 500)
  -capacity N           packets per second; backends are told how much of it is
                        left, as health (default 100000)

Running:

  -drain D              how long clients have to go after SIGTERM (default 30s)
  -log-format F         text or json (default text), to standard error
  -log-level L          debug, info, warn or error (default info)

Every flag may be set as a variable: VOICESERVER_SECRET_FILE for -secret-file.

After SIGTERM the links with backends end, and clients are closed with 4015,
which makes them come back elsewhere. A second signal ends the process at once.

Exit status: 0 after a signal, 1 if it cannot run, 2 if a flag is wrong.

Examples:

  head -c 32 /dev/urandom | base64 > secret
  voiceserver -secret-file secret -address 203.0.113.7 -udp :50000 \
    -endpoint voice.example:4443 -tls-cert cert.pem -tls-key key.pem

  voiceserver -secret-file secret -ca ca.pem -metrics 127.0.0.1:9090 &
  curl http://127.0.0.1:9090/metrics
`
