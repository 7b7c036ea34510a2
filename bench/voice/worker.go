package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"

	"github.com/discordpkg/gateway/bench/process"
)

// A worker is a process that answers orders, one after the other, until its
// standard input ends. Both are JSON.
type worker struct {
	name    string
	cmd     *exec.Cmd
	in      io.Closer
	orders  *json.Encoder
	answers *json.Decoder
}

// startWorker starts a child, on some processor cores alone if it can be.
func startWorker(ctx context.Context, part, cores string) (*worker, error) {
	cmd, err := process.Self.Command(ctx, part)
	if err != nil {
		return nil, err
	}
	if tool := pinning(); tool != "" {
		pinned := exec.CommandContext(ctx, tool, append([]string{"-c", cores}, cmd.Args...)...)
		pinned.Stderr = cmd.Stderr
		cmd = pinned
	}
	return start(part, cmd)
}

// pinning returns the tool that keeps a process on some cores, nothing if
// there is none or only one core.
func pinning() string {
	tool, err := exec.LookPath("taskset")
	if err != nil || runtime.NumCPU() < 2 {
		return ""
	}
	return tool
}

func start(name string, cmd *exec.Cmd) (*worker, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &worker{name, cmd, in, json.NewEncoder(in), json.NewDecoder(out)}, nil
}

// ask gives an order and waits for the answer.
func ask[T any](w *worker, order any) (answer T, err error) {
	if err := w.orders.Encode(order); err != nil {
		return answer, fmt.Errorf("%s: %w", w.name, err)
	}
	if err := w.answers.Decode(&answer); err != nil {
		return answer, fmt.Errorf("%s: %w", w.name, err)
	}
	return answer, nil
}

// stop ends the worker.
func (w *worker) stop() error { return errors.Join(w.in.Close(), w.cmd.Wait()) }

// answer carries out orders, the first of which is special, until there are no
// more of them.
func answer[First, Order any](in io.Reader, out io.Writer, first func(First) (any, error), then func(Order) (any, error)) error {
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	var f First
	if err := orders.Decode(&f); err != nil {
		return err
	}
	result, err := first(f)
	for err == nil {
		if err := answers.Encode(result); err != nil {
			return err
		}
		var o Order
		if err := orders.Decode(&o); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		result, err = then(o)
	}
	return err
}
