package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"io"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// verdict says whether go-cty reads what Rust wrote and writes the same.
type verdict struct {
	OK    bool   `json:"ok"`
	Hex   string `json:"hex,omitempty"`
	J     string `json:"j,omitempty"`
	Error string `json:"error,omitempty"`
}

func verify(r io.Reader, w io.Writer) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(w)
	defer out.Flush()
	enc := json.NewEncoder(out)
	for lines.Scan() {
		if err := enc.Encode(verifyLine(lines.Bytes())); err != nil {
			return err
		}
	}
	return lines.Err()
}

func verifyLine(line []byte) verdict {
	var given operand
	if err := json.Unmarshal(line, &given); err != nil {
		return verdict{Error: err.Error()}
	}
	got, err := try(func() (verdict, error) {
		var ty cty.Type
		if err := json.Unmarshal([]byte(given.T), &ty); err != nil {
			return verdict{}, err
		}
		bytes, err := hex.DecodeString(given.Hex)
		if err != nil {
			return verdict{}, err
		}
		v, err := msgpack.Unmarshal(bytes, ty)
		if err != nil {
			return verdict{}, err
		}
		again, err := msgpack.Marshal(v, ty)
		if err != nil {
			return verdict{}, err
		}
		ret := verdict{OK: string(again) == string(bytes), Hex: hex.EncodeToString(again)}
		if text, err := ctyjson.Marshal(v, ty); err == nil {
			ret.J = string(text)
			ret.OK = ret.OK && ret.J == given.J
		} else {
			ret.OK = ret.OK && given.J == ""
		}
		return ret, nil
	})
	if err != nil {
		return verdict{Error: err.Error()}
	}
	return got
}
