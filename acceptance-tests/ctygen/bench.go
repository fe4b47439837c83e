package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"syscall"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/msgpack"
)

type benchCase struct {
	ty    cty.Type
	bytes []byte
}

// bench decodes and encodes all values of the corpus, pass after pass, for some seconds of CPU time.
func bench(files []string) error {
	var cases []benchCase
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			var c valueCase
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				return err
			}
			if c.N == "" {
				continue
			}
			var ty cty.Type
			if err := json.Unmarshal([]byte(c.T), &ty); err != nil {
				return err
			}
			bytes, err := hex.DecodeString(c.Hex)
			if err != nil {
				return err
			}
			cases = append(cases, benchCase{ty, bytes})
		}
		if err := lines.Err(); err != nil {
			return err
		}
		f.Close()
	}
	const seconds = 3
	start, passes := cpuNanoseconds(), int64(0)
	for cpuNanoseconds()-start < seconds*1e9 {
		for _, c := range cases {
			v, err := msgpack.Unmarshal(c.bytes, c.ty)
			if err != nil {
				return err
			}
			if _, err := msgpack.Marshal(v, c.ty); err != nil {
				return err
			}
		}
		passes++
	}
	fmt.Printf("go-cty: %d cases, %d ns of CPU time per pass (%d passes)\n", len(cases), (cpuNanoseconds()-start)/passes, passes)
	return nil
}

// cpuNanoseconds counts all threads, so that the garbage collector is in.
func cpuNanoseconds() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
