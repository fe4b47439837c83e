package main

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/msgpack"
)

var binaryNumbers = map[string]func(a, b cty.Value) cty.Value{
	"add": cty.Value.Add, "subtract": cty.Value.Subtract, "multiply": cty.Value.Multiply, "divide": cty.Value.Divide,
	"modulo": cty.Value.Modulo, "less_than": cty.Value.LessThan, "greater_than": cty.Value.GreaterThan,
	"less_than_or_equal_to": cty.Value.LessThanOrEqualTo, "greater_than_or_equal_to": cty.Value.GreaterThanOrEqualTo,
}

var otherOps = []string{
	"equals", "equals", "equals", "raw_equals", "negate", "absolute", "not", "and", "or", "index", "has_index", "has_element", "length", "get_attr",
	"convert", "convert", "convert", "convert", "convert", "unify", "unify", "unify_unsafe", "string_prefix", "set", "decode_json", "decode_json", "implied_json",
	"implied_msgpack",
}

func (r random) opCase() (*opCase, bool) {
	c := &opCase{}
	var types []cty.Type
	var to cty.Type
	names := append(sortedNames(binaryNumbers), otherOps...)
	c.Op = names[r.IntN(len(names))]
	switch {
	case binaryNumbers[c.Op] != nil:
		types = []cty.Type{cty.Number, cty.Number}
		if r.IntN(20) == 0 {
			types[r.IntN(2)] = cty.DynamicPseudoType
		}
	case c.Op == "negate" || c.Op == "absolute":
		types = []cty.Type{cty.Number}
	case c.Op == "not":
		types = []cty.Type{cty.Bool}
	case c.Op == "and" || c.Op == "or":
		types = []cty.Type{cty.Bool, cty.Bool}
	case c.Op == "equals" || c.Op == "raw_equals":
		ty := r.typ(2, r.IntN(4) == 0)
		types = []cty.Type{ty, ty}
		if r.IntN(6) == 0 {
			types[1] = r.similar(ty)
		}
	case c.Op == "index" || c.Op == "has_index":
		coll := []cty.Type{cty.List(r.typ(1, false)), cty.Map(r.typ(1, false)), cty.Tuple([]cty.Type{cty.String, cty.Number})}[r.IntN(3)]
		key := cty.Number
		if coll.IsMapType() {
			key = cty.String
		}
		types = []cty.Type{coll, key}
	case c.Op == "has_element":
		ety := r.typ(1, false)
		types = []cty.Type{cty.Set(ety), ety}
	case c.Op == "length":
		types = []cty.Type{r.typ(2, false)}
	case c.Op == "get_attr":
		types = []cty.Type{cty.Object(r.attrs(2, false))}
		c.Name = r.pick([]string{"a", "b", "c", "id", "e\u0301x"})
	case c.Op == "convert":
		ty := r.typ(2, r.IntN(4) == 0)
		types = []cty.Type{ty}
		to = r.similar(ty)
		if r.IntN(2) == 0 {
			to = r.optional(to)
		}
		c.To = typeJSON(to)
	case c.Op == "decode_json" || c.Op == "implied_json" || c.Op == "implied_msgpack":
		return r.textCase(c)
	case c.Op == "string_prefix":
		types = []cty.Type{cty.String}
	case c.Op == "set":
		ty := r.typ(1, false)
		for range 2 + r.IntN(5) {
			types = append(types, ty)
		}
	default: // unify, unify_unsafe
		ty := r.typ(2, r.IntN(4) == 0)
		types := []cty.Type{ty}
		for range 1 + r.IntN(3) {
			types = append(types, r.similar(ty))
		}
		for _, ty := range types {
			c.Types = append(c.Types, typeJSON(ty))
		}
		return unifyCase(c, types)
	}
	args := make([]cty.Value, len(types))
	for i, ty := range types {
		v, arg, err := r.operand(ty)
		if err != nil {
			return nil, false
		}
		args[i] = v
		c.Args = append(c.Args, arg)
	}
	if c.Op == "equals" && r.IntN(3) == 0 {
		args[1], c.Args[1] = args[0], c.Args[0]
	}
	if outOfContract(c.Op, args) {
		return nil, false
	}
	// Where the order of Go's maps shows, there is no one answer.
	for i := range 40 {
		got, err := try(func() (cty.Value, error) { return r.run(c, args, to) })
		if err == nil && !got.Type().Equals(got.Type().WithoutOptionalAttributesDeep()) {
			return nil, false // no value should be of such a type; conversion of maps forgets to strip it
		}
		want, message := (*operand)(nil), ""
		if err != nil {
			message = err.Error()
			if strings.Contains(message, "nil pointer") || c.Op == "convert" && strings.HasPrefix(message, "panic: ") {
				return nil, false // an accident of go-cty, not an answer
			}
		} else if want, err = try(func() (*operand, error) {
			bytes, err := msgpack.Marshal(got, got.Type())
			return &operand{T: typeJSON(got.Type()), Hex: hex.EncodeToString(bytes)}, err
		}); err != nil {
			return nil, false
		}
		if i > 0 && ((want == nil) != (c.Want == nil) || want != nil && *want != *c.Want || message != c.Err) {
			return nil, false
		}
		c.Want, c.Err = want, message
	}
	return c, true
}

// outOfContract tells where go-cty leaves checks to its caller: it panics, or computes something by accident.
func outOfContract(op string, args []cty.Value) bool {
	switch op {
	case "equals", "raw_equals", "convert", "set", "string_prefix":
		return false
	case "has_element":
		return args[0].IsNull()
	case "index":
		if args[0].IsNull() || args[1].IsNull() {
			return true
		}
		has := args[0].HasIndex(args[1])
		return args[0].Type().IsMapType() && has.IsKnown() && has.False()
	default:
		return slices.ContainsFunc(args, cty.Value.IsNull)
	}
}

func (r random) run(c *opCase, args []cty.Value, to cty.Type) (cty.Value, error) {
	if op := binaryNumbers[c.Op]; op != nil {
		return op(args[0], args[1]), nil
	}
	switch c.Op {
	case "equals":
		return args[0].Equals(args[1]), nil
	case "raw_equals":
		return cty.BoolVal(args[0].RawEquals(args[1])), nil
	case "negate":
		return args[0].Negate(), nil
	case "absolute":
		return args[0].Absolute(), nil
	case "not":
		return args[0].Not(), nil
	case "and":
		return args[0].And(args[1]), nil
	case "or":
		return args[0].Or(args[1]), nil
	case "index":
		return args[0].Index(args[1]), nil
	case "has_index":
		return args[0].HasIndex(args[1]), nil
	case "has_element":
		return args[0].HasElement(args[1]), nil
	case "length":
		return args[0].Length(), nil
	case "get_attr":
		return args[0].GetAttr(c.Name), nil
	case "convert":
		return convert.Convert(args[0], to)
	case "string_prefix":
		return cty.UnknownVal(cty.String).Refine().StringPrefix(args[0].AsString()).NewValue(), nil
	default:
		return cty.SetVal(args), nil
	}
}

func unifyCase(c *opCase, types []cty.Type) (*opCase, bool) {
	find := func() string {
		got, err := try(func() (cty.Type, error) {
			if c.Op == "unify" {
				ty, _ := convert.Unify(types)
				return ty, nil
			}
			ty, _ := convert.UnifyUnsafe(types)
			return ty, nil
		})
		if err != nil || got == cty.NilType {
			return ""
		}
		return typeJSON(got)
	}
	first := find()
	for range 40 {
		if find() != first {
			return nil, false
		}
	}
	if first == "" {
		c.Err = "no common type"
	} else {
		c.Want = &operand{T: first}
	}
	return c, true
}
