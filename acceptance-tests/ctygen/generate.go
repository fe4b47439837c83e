package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"github.com/zclconf/go-cty/cty/msgpack"
)

// valueCase says how go-cty encodes one value. J is empty where JSON has no form for it.
type valueCase struct {
	Hex string `json:"hex"`
	J   string `json:"j"`
	N   string `json:"n"`
	T   string `json:"t"`
}

// operand is a value as both sides read it: from msgpack, or from JSON, which parses numbers with more precision.
type operand struct {
	T   string `json:"t"`
	Hex string `json:"hex,omitempty"`
	J   string `json:"j,omitempty"`
}

// opCase says what go-cty makes of an operation; Err where it refuses.
type opCase struct {
	Op    string    `json:"op"`
	Args  []operand `json:"args,omitempty"`
	Name  string    `json:"name,omitempty"`
	Text  string    `json:"text,omitempty"`
	To    string    `json:"to,omitempty"`
	Types []string  `json:"types,omitempty"`
	Want  *operand  `json:"want,omitempty"`
	Err   string    `json:"err,omitempty"`
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func typeJSON(ty cty.Type) string {
	text, err := ty.MarshalJSON()
	if err != nil {
		panic(err)
	}
	// What go-cty writes for a tuple whose list of elements is nil.
	return strings.ReplaceAll(string(text), `["tuple",null]`, `["tuple",[]]`)
}

// try turns the panics by which go-cty refuses invalid use into errors.
func try[T any](f func() (T, error)) (ret T, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f()
}

func generate(w io.Writer, seed uint64, count, ops int) error {
	r := random{rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15))}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for n := 0; n < count; {
		c, err := r.valueCase(fmt.Sprintf("random-%d-%d", seed, n))
		if err != nil {
			continue // no value that survives its own encoding, such as a collection of several types
		}
		if err := enc.Encode(c); err != nil {
			return err
		}
		n++
	}
	for n := 0; n < ops; {
		c, ok := r.opCase()
		if !ok {
			continue
		}
		if err := enc.Encode(c); err != nil {
			return err
		}
		n++
	}
	return nil
}

func (r random) valueCase(name string) (*valueCase, error) {
	ty := r.typ(r.IntN(4), true)
	v, bytes, err := r.encoded(ty)
	if err != nil {
		return nil, err
	}
	c := &valueCase{N: name, T: typeJSON(ty), Hex: hex.EncodeToString(bytes)}
	if text, err := ctyjson.Marshal(v, ty); err == nil {
		again, err := try(func() (cty.Value, error) { return ctyjson.Unmarshal(text, ty) })
		if err != nil || !again.RawEquals(v) {
			return nil, errors.New("JSON loses something")
		}
		c.J = string(text)
	}
	return c, nil
}

// encoded makes a value for a reader of the given type which decodes to what encodes the same again.
func (r random) encoded(ty cty.Type) (cty.Value, []byte, error) {
	type both struct {
		v     cty.Value
		bytes []byte
	}
	ret, err := try(func() (both, error) {
		v := r.value(r.concrete(ty))
		first, err := msgpack.Marshal(v, ty)
		if err != nil {
			return both{}, err
		}
		v, err = msgpack.Unmarshal(first, ty)
		if err != nil {
			return both{}, err
		}
		second, err := msgpack.Marshal(v, ty)
		if err == nil && string(first) != string(second) {
			err = errors.New("does not encode the same again")
		}
		return both{v, second}, err
	})
	return ret.v, ret.bytes, err
}

// operand makes an argument of the given type, in the form that both sides decode.
func (r random) operand(ty cty.Type) (cty.Value, operand, error) {
	v, bytes, err := r.encoded(ty)
	if err != nil {
		return v, operand{}, err
	}
	if r.IntN(2) == 0 {
		if text, err := ctyjson.Marshal(v, ty); err == nil {
			if parsed, err := ctyjson.Unmarshal(text, ty); err == nil {
				return parsed, operand{T: typeJSON(ty), J: string(text)}, nil
			}
		}
	}
	return v, operand{T: typeJSON(ty), Hex: hex.EncodeToString(bytes)}, nil
}
