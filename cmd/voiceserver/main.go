// Voiceserver is a voice server for backends that speak Discord's protocol
// with clients, and the Litecord Voice Server Protocol with voice servers. See
// [github.com/discordpkg/gateway/voiceserver] for what it enforces,
// [github.com/discordpkg/gateway/lvsp] for the protocol of backends, and -help
// for the flags.
//
//	$ head -c 32 /dev/urandom | base64 > secret
//	$ go run ./cmd/voiceserver -secret-file secret
//	voice=wss://localhost:4443
//	lvsp=wss://localhost:4442
//
// Backends connect to the second URL and prove that they know the secret. They
// say who is in which channel, and tell clients the first one.
//
// # Stopping
//
// After SIGTERM or an interrupt the links with backends end, so that these look
// for another voice server, or for this one's successor. Then clients are closed
// with 4015, which makes them come back elsewhere. A second signal ends the
// process at once. If it is killed nothing is lost either: backends tell its
// successor who is in which channel, and clients are back within seconds.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr))
}
