// Command gen draws the pages of docs/ that repeat a table of the source.
//
// They are checked and redrawn by its test:
//
//	go -C tools test ./gen
//	go -C tools test ./gen -update
//
// The command itself prints the pages, for a look at them.
package main

import (
	"fmt"
	"os"
)

func main() {
	if _, err := os.Stdout.Write(append(phases(), lives()...)); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
