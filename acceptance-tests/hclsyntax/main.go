// Hclsyntax tells what HashiCorp's parser makes of texts, so that ours can be compared with it.
//
//	hclsyntax verdicts         reads texts from standard input, each after a line with its kind ("native", "json" or
//	                           "template") and its length in bytes, and answers each with a line: "+", or "-" and the
//	                           first problem
//	hclsyntax bench N          reads paths from standard input, parses each file N times and prints the bytes parsed and
//	                           the CPU nanoseconds that took
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
)

// version is set by the build.
var version = "unknown"

var start = hcl.Pos{Line: 1, Column: 1}

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "verdicts":
		err = verdicts(bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout))
	case len(os.Args) == 3 && os.Args[1] == "bench":
		err = bench(os.Args[2])
	default:
		err = fmt.Errorf("hclsyntax %s; usage: hclsyntax verdicts | hclsyntax bench N", version)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func verdicts(in *bufio.Reader, out *bufio.Writer) error {
	for {
		head, err := in.ReadString('\n')
		if err == io.EOF {
			return out.Flush()
		}
		if err != nil {
			return err
		}
		kind, length, _ := strings.Cut(strings.TrimSpace(head), " ")
		n, err := strconv.Atoi(length)
		if err != nil {
			return fmt.Errorf("bad head %q", head)
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(in, text); err != nil {
			return err
		}
		diags, err := parse(kind, text)
		if err != nil {
			return err
		}
		line := "+"
		if diags.HasErrors() {
			line = "-" + strings.ReplaceAll(diags.Error(), "\n", " ")
		}
		fmt.Fprintln(out, line)
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

func parse(kind string, text []byte) (hcl.Diagnostics, error) {
	switch kind {
	case "native":
		_, diags := hclsyntax.ParseConfig(text, "input", start)
		return diags, nil
	case "json":
		_, diags := json.Parse(text, "input")
		return diags, nil
	case "template":
		_, diags := hclsyntax.ParseTemplate(text, "input", start)
		return diags, nil
	}
	return nil, fmt.Errorf("bad kind %q", kind)
}

func bench(rounds string) error {
	n, err := strconv.Atoi(rounds)
	if err != nil {
		return err
	}
	var texts [][]byte
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		text, err := os.ReadFile(lines.Text())
		if err != nil {
			return err
		}
		texts = append(texts, text)
	}
	size := 0
	before := cpu()
	for range n {
		for _, text := range texts {
			hclsyntax.ParseConfig(text, "input", start)
			size += len(text)
		}
	}
	fmt.Println(size, cpu()-before)
	return lines.Err()
}

// cpu gives the nanoseconds of CPU time that this process has taken, garbage collection included.
func cpu() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
