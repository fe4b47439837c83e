package main

import (
	"encoding/hex"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// oddTexts are what a decoder of JSON meets besides what go-cty writes.
var oddTexts = []string{
	`{"a":1,"a":2}`, `{"a":1,"a":"x"}`, `{"a":{"b":[]},"a":{"b":[]}}`, `[1,]`, `[,1]`, `{"a":1,}`, `{"a"}`, `{a:1}`, `-`, `+1`, `.5`, `1.`,
	`1e`, `1e5`, `1E+2`, `-0`, `1e400`, `"1e5"`, `"0x10"`, `"Inf"`, `"true"`, `"1"`, `"0"`, `"True"`, `true`, `nul`, `tru`, `null`, ` null `,
	`"\u00e9"`, `"e\u0301"`, `"\ud83d\ude00"`, `"\ud800"`, `"\ud800x"`, `"\ud800\u0041"`, `"\udc00"`, `"\u12"`, `"\x41"`, `"\/\b\f\n\r\t\"\\"`, "\"a\tb\"",
	`"`, `"a`, `[`, `{`, `]`, ``, ` `, `[1 2]`, `{"a" 1}`, `{"a":1 "b":2}`, "[1,\n\t2]", `{"value":1,"type":"number"}`, `{"type":"number","value":"1"}`,
	`{"value":1}`, `{"type":"number"}`, `{"value":1,"type":"nope"}`, `{"value":[1,"x"],"type":["tuple",["number","string"]]}`,
	`{"value":null,"type":"string"}`, `{"value":1,"type":"number","more":1}`, `{"\u0065\u0301":1}`, `[[],{}]`, `{"a":null}`,
}

// textCase decodes text or bytes that were not made for the type they are read as.
func (r random) textCase(c *opCase) (*opCase, bool) {
	ty := r.typ(r.IntN(3), r.IntN(3) == 0)
	v, bytes, err := r.encoded(ty)
	if err != nil {
		return nil, false
	}
	text, err := ctyjson.Marshal(v, ty)
	if err != nil || r.IntN(4) == 0 {
		text = []byte(r.pick(oddTexts))
	}
	switch c.Op {
	case "implied_msgpack":
		c.Text = hex.EncodeToString(bytes)
		return impliedCase(c, func() (cty.Type, error) { return msgpack.ImpliedType(bytes) })
	case "implied_json":
		c.Text = string(text)
		return impliedCase(c, func() (cty.Type, error) { return ctyjson.ImpliedType(text) })
	}
	to := r.similar(ty)
	c.Text, c.To = string(text), typeJSON(to)
	got, err := try(func() (cty.Value, error) { return ctyjson.Unmarshal(text, to) })
	if err != nil {
		c.Err = err.Error()
		return c, !strings.HasPrefix(c.Err, "panic: ") || strings.Contains(c.Err, "inconsistent")
	}
	result, err := msgpack.Marshal(got, got.Type())
	c.Want = &operand{T: typeJSON(got.Type()), Hex: hex.EncodeToString(result)}
	return c, err == nil
}

func impliedCase(c *opCase, find func() (cty.Type, error)) (*opCase, bool) {
	got, err := find()
	if err != nil {
		c.Err = err.Error()
	} else {
		c.Want = &operand{T: typeJSON(got)}
	}
	return c, true
}
