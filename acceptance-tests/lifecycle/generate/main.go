// Command generate makes cases for core's part in the life of a resource instance, with OpenTofu's own answers.
//
// It prints one JSON object a line: a schema, values encoded as msgpack of the schema's type, and what core made of
// them. It is built inside a copy of the OpenTofu module, see the README.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
)

func main() {
	seed := flag.Uint64("seed", 1, "the same seed makes the same cases")
	count := flag.Int("count", 100, "how many cases")
	flag.Parse()
	g := generator{rand.New(rand.NewPCG(*seed, 4))}
	out := bufio.NewWriter(os.Stdout)
	refused := 0
	for n := 0; n < *count; {
		made, err := g.guarded()
		if err != nil {
			refused++
			// Core refuses some plans, and go-cty panics on some that mix types: but those must stay rare.
			if refused > *count/2+20 {
				fmt.Fprintf(os.Stderr, "%d cases of %d were refused, the last one: %s\n", refused, n+refused, err)
				os.Exit(1)
			}
			continue
		}
		line, err := json.Marshal(made)
		if err != nil {
			panic(err)
		}
		out.Write(append(line, '\n'))
		n++
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "%d cases, and %d more that core refuses\n", *count, refused)
}

// guarded makes a case; where OpenTofu panics there is none.
func (g generator) guarded() (made *testCase, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("panic: %v", problem)
		}
	}()
	return g.testCase()
}
