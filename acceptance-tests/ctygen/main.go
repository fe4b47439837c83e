// Command ctygen is the peer of the Rust crate cty in tests: it makes corpora with go-cty, checks what Rust encoded,
// and times the same work.
//
//	ctygen generate --seed N --count N [--ops N]   prints cases as JSON lines
//	ctygen verify                                  reads {"t","hex"} lines, prints {"ok","hex","error"} lines
//	ctygen bench FILE...                           prints the CPU time of decoding and encoding the cases of the files
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	var err error
	switch os.Args[1] {
	case "generate":
		flags := flag.NewFlagSet("generate", flag.ExitOnError)
		seed := flags.Uint64("seed", 1, "makes the cases reproducible")
		count := flags.Int("count", 1000, "number of encoded values")
		ops := flags.Int("ops", 1000, "number of operations")
		if err := flags.Parse(os.Args[2:]); err != nil {
			usage()
		}
		err = generate(os.Stdout, *seed, *count, *ops)
	case "verify":
		err = verify(os.Stdin, os.Stdout)
	case "bench":
		err = bench(os.Args[2:])
	default:
		usage()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ctygen:", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: ctygen generate --seed N --count N [--ops N] | verify | bench FILE...")
	os.Exit(2)
}
