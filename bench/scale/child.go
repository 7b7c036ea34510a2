package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	discordPart = "discord"
	fleetPart   = "fleet"
)

// child does its part until it is done.
func child(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("a child has one part")
	}
	switch args[0] {
	case discordPart:
		return serve(in, out)
	case fleetPart:
		var o order
		if err := json.NewDecoder(in).Decode(&o); err != nil {
			return err
		}
		f, err := o.carryOut(ctx, os.Stderr)
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(f)
	}
	return fmt.Errorf("no part %q", args[0])
}
