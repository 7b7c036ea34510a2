package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the package discord anew")

const target = "../../discord"

func TestUpToDate(t *testing.T) {
	s, err := parse(table)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files(s) {
		path := filepath.Join(target, name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s is not what the table says; run: make generate", name)
		}
	}
}
