package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// childArg as the first argument makes the program one of its own children,
// the second says which.
const childArg = "child"

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

// command returns a child ready to start.
func command(ctx context.Context, part string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, self, childArg, part)
	c.Stderr = os.Stderr
	return c, nil
}

// perform has a child run the shards.
func perform(ctx context.Context, o order) (f figures, err error) {
	c, err := command(ctx, fleetPart)
	if err != nil {
		return f, err
	}
	in, err := json.Marshal(o)
	if err != nil {
		return f, err
	}
	c.Stdin = bytes.NewReader(in)
	out, err := c.Output()
	if err != nil {
		return f, fmt.Errorf("shards: %w", err)
	}
	return f, json.Unmarshal(out, &f)
}
