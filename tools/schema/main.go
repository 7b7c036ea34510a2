// Command schema makes the package discord from schema.txt, which says what
// Discord documents of its dispatch events.
//
// The files are checked and written anew by its test:
//
//	go -C tools test ./schema
//	go -C tools test ./schema -update
//
// The command itself compares the table with Discord's OpenAPI document, for
// those who keep the table, and prints one difference a line:
//
//	go -C tools run ./schema -openapi openapi.json
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	document := flag.String("openapi", "", "compare the table with the OpenAPI document in this `file`")
	flag.Parse()
	if err := run(*document); err != nil {
		fmt.Fprintln(os.Stderr, "schema:", err)
		os.Exit(1)
	}
}

func run(document string) error {
	s, err := parse(table)
	if err != nil {
		return err
	}
	if document == "" {
		fmt.Printf("%d events, %d objects, %d unions, %d enumerations, %d sets of flags\n",
			len(s.events), len(s.objects), len(s.unions), len(s.enums), len(s.flags))
		return nil
	}
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	differences, err := compare(s, text)
	if err != nil {
		return err
	}
	for _, d := range differences {
		fmt.Println(d)
	}
	return nil
}
