// Lvspbackend is the least that a Discord-compatible backend does for voice: it
// keeps a link with a voice server, tells it who is in which channel, and prints
// what clients have to be told. Start a voice server, and then type commands:
//
//	head -c 32 /dev/urandom | base64 > secret
//	voiceserver -secret-file secret -ca ca.pem &
//	go run ./lvspbackend -secret-file secret -ca ca.pem
//	join 20 30 1
//	mute 20 1
//	leave 20 1
//	close 30
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"

	"github.com/discordpkg/gateway/lvsp"
)

func main() {
	url := flag.String("url", "wss://localhost:4442", "the voice server")
	secret := flag.String("secret-file", "secret", "the file with the secret that it knows, too")
	ca := flag.String("ca", "", "the certificate that it uses, if it made its own")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	b, err := newBackend(*url, *secret, *ca)
	if err != nil {
		log.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
		stop()
	}()
	if err := b.run(ctx, lines); err != nil {
		log.Fatal(err)
	}
}

func newBackend(url, secretFile, ca string) (*backend, error) {
	content, err := os.ReadFile(secretFile)
	if err != nil {
		return nil, err
	}
	secret, err := lvsp.NewSecret(bytes.TrimSpace(content))
	if err != nil {
		return nil, err
	}
	client, err := lvsp.NewClient(secret)
	if err != nil {
		return nil, err
	}
	b := &backend{url: url, client: client, print: func(text string) { fmt.Println(text) }}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		b.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	}
	return b, nil
}
