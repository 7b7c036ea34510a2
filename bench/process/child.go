// Package process is what the benchmarks share: programs that run parts of
// themselves as child processes, and what a process uses and holds.
package process

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// ChildArg as the first argument makes a program one of its own children, the
// second says which.
const ChildArg = "child"

// IsChild reports whether the arguments, without the program, are those of a
// child.
func IsChild(args []string) bool { return len(args) > 0 && args[0] == ChildArg }

// A Program is the file of a program that runs its parts as children.
type Program string

// Self is the running program.
const Self Program = ""

// Command returns a child ready to start. It shares the standard error.
func (p Program) Command(ctx context.Context, part string) (*exec.Cmd, error) {
	file := string(p)
	if p == Self {
		var err error
		if file, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	c := exec.CommandContext(ctx, file, ChildArg, part)
	c.Stderr = os.Stderr
	return c, nil
}

// Perform has a child of p carry out an order, which it reads as JSON from its
// standard input, and returns what it writes to its standard output.
func Perform[T any](ctx context.Context, p Program, part string, order any) (result T, err error) {
	c, err := p.Command(ctx, part)
	if err != nil {
		return result, err
	}
	in, err := json.Marshal(order)
	if err != nil {
		return result, err
	}
	c.Stdin = bytes.NewReader(in)
	out, err := c.Output()
	if err != nil {
		return result, fmt.Errorf("child %s: %w", part, err)
	}
	return result, json.Unmarshal(out, &result)
}
