package main

import (
	"context"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/discordpkg/gateway/gatewaytest"
)

// The exit statuses.
const (
	exitOK = iota
	exitWrong
	exitUsage
)

// run is the program but for the process: it serves until ctx ends, and
// returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, usage)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "localdiscord: %v (see localdiscord -help)\n", err)
		return exitUsage
	}
	if err := serve(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "localdiscord: %v\n", err)
		return exitWrong
	}
	return exitOK
}

func serve(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	gateway, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: o.level}))
	srv := gatewaytest.NewServer(append(o.server(log), gatewaytest.WithListener(gateway))...)
	defer srv.Close()
	control, err := net.Listen("tcp", o.control)
	if err != nil {
		return err
	}
	var serving sync.WaitGroup
	defer serving.Wait()
	controller := &http.Server{Handler: srv.ControlHandler(), ReadHeaderTimeout: 10 * time.Second}
	serving.Go(func() { _ = controller.Serve(control) }) // returns when closed
	defer controller.Close()

	if err := announce(stdout, o, srv, control.Addr()); err != nil {
		return err
	}
	srv.Generate(o.traffic)
	watch(ctx, srv, log)
	return nil
}

// announce writes the certificate, and then says where everything is.
func announce(w io.Writer, o *options, srv *gatewaytest.Server, control net.Addr) error {
	text := fmt.Sprintf("http=%s\ngateway=%s\nvoice=wss://%s\ncontrol=http://%s\n", srv.URL, srv.GatewayURL, srv.Voice().Endpoint(), control)
	if o.ca != "" {
		block := &pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}
		if err := os.WriteFile(o.ca, pem.EncodeToMemory(block), 0o644); err != nil {
			return err
		}
		text += "ca=" + o.ca + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}
