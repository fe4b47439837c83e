package main

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// random makes types and values that reach the corners of the encodings.
type random struct {
	*rand.Rand
}

var names = []string{
	"a", "b", "c", "id", "tags", "name", "é", "e\u0301x", "a.b", "with space", "<&>", "日本", "Z", "_", "q\"q", "${x}", "1st",
	"a-rather-long-attribute-name-of-more-than-31-bytes",
}

var strs = []string{
	"", "a", "b", "x", "true", "false", "True", "1", "0", "0.1", "-7", " 1", "1e3", "1_000", "0x10", "Inf", "-inf", "1p3", ".5", "5.",
	"e\u0301", "é", "\u1100\u1161\u11a8", "가", "👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "a\u0300\u0301\u0302", "\u0344", "ﬁ", "Å", "\u2126",
	"<script>&amp;</script>", "line\nbreak\ttab\r", "\x00\x01\x1f\x7f", "\b\f\v\a", "\u2028\u2029", "\u200b\ufeff\u00ad", "\ue000\U0010ffff",
	"quote\"backslash\\", "arn:aws:ec2:eu-west-1:123456789012:instance/i-0abc", "{\"json\": [1, 2]}", "\u0378", "\u0303start", "=", "<", "end<",
	"\u0915\u093c", "\u09c7", "\u1fbf", "\U0001d15e", "\u0dd9", "tail-", "tail_", "tail:", "tail/", "x\u0338", "😀", "❤️", "\u0300",
}

func (r random) pick(options []string) string { return options[r.IntN(len(options))] }

func (r random) str() string {
	switch n := r.IntN(100); {
	case n < 55:
		return r.pick(strs)
	case n < 75:
		return r.pick(strs) + r.pick(strs)
	case n < 97:
		length := r.IntN(40)
		var b strings.Builder
		for range length {
			b.WriteByte(byte('a' + r.IntN(26)))
		}
		return b.String()
	case n < 99:
		return strings.Repeat("0123456789", 26+r.IntN(5))
	default:
		return strings.Repeat("é日", 60)
	}
}

func (r random) digits(max int) string {
	var b strings.Builder
	b.WriteByte(byte('1' + r.IntN(9)))
	for range r.IntN(max) {
		b.WriteByte(byte('0' + r.IntN(10)))
	}
	return b.String()
}

var numberTexts = []string{
	"0", "-0", "1", "-1", "0.1", "-0.1", "0.2", "0.3", "127", "128", "255", "256", "65535", "65536", "4294967295", "4294967296",
	"-32", "-33", "-128", "-129", "-32768", "-32769", "-2147483648", "-2147483649", "9223372036854775807", "9223372036854775808",
	"-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "9007199254740993", "1e21", "1e22", "1e23",
	"1e30", "1e-7", "1e200", "1e-200", "1e308", "1e309", "1e400", "-1e400", "5e-324", "2.5e-324", "1e-400", "3.141592653589793238462643383279502884",
	"0.30000000000000004", "123456789012345678901234567890.123456789", "99999999995", "9999999999.5", "0.00001", "0.0001", "10000000000", "1.5",
	"2.25", "1e10", "12345678901", "0.99999999999", "123456789.15", "10.00000000005", "1.7976931348623157e308",
}

func (r random) number() cty.Value {
	switch r.IntN(12) {
	case 0, 1, 2:
		return cty.NumberIntVal(int64(r.IntN(300) - 50))
	case 3:
		return cty.NumberIntVal(int64(r.Uint64() >> r.IntN(64)))
	case 4:
		return cty.NumberUIntVal(r.Uint64())
	case 5:
		return cty.NumberFloatVal(float64(r.IntN(2000)-1000) / float64(1+r.IntN(64)))
	case 6:
		f := math.Float64frombits(r.Uint64())
		if math.IsNaN(f) || math.IsInf(f, 0) {
			f = math.Copysign(0, -1)
		}
		return cty.NumberFloatVal(f)
	case 7:
		text := r.digits(60) + "." + r.digits(60)
		if r.IntN(2) == 0 {
			text = fmt.Sprintf("%se%d", text, r.IntN(120)-60)
		}
		return cty.MustParseNumberVal(text)
	case 8:
		return cty.MustParseNumberVal(fmt.Sprintf("%s.%se%d", r.digits(3), r.digits(200), r.IntN(1200)-600))
	case 9:
		n := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(r.IntN(220))), nil)
		n.Add(n, big.NewInt(int64(r.IntN(5)-2)))
		return cty.NumberVal(new(big.Float).SetInt(n))
	default:
		return cty.MustParseNumberVal(r.pick(numberTexts))
	}
}

func (r random) attrs(depth int, dynamic bool) map[string]cty.Type {
	attrs := map[string]cty.Type{}
	for range r.IntN(5) {
		attrs[cty.NormalizeString(r.pick(names))] = r.typ(depth-1, dynamic)
	}
	return attrs
}

// typ makes a type constraint; where dynamic is set, it may leave parts open.
func (r random) typ(depth int, dynamic bool) cty.Type {
	n := r.IntN(14)
	if depth <= 0 {
		n %= 7
	}
	switch n {
	case 0, 1, 2:
		return cty.String
	case 3, 4:
		return cty.Number
	case 5:
		return cty.Bool
	case 6:
		if dynamic {
			return cty.DynamicPseudoType
		}
		return cty.String
	case 7, 8:
		return cty.List(r.typ(depth-1, dynamic))
	case 9, 10:
		return cty.Set(r.typ(depth-1, dynamic))
	case 11:
		return cty.Map(r.typ(depth-1, dynamic))
	case 12:
		tys := make([]cty.Type, r.IntN(4))
		for i := range tys {
			tys[i] = r.typ(depth-1, dynamic)
		}
		return cty.Tuple(tys)
	default:
		return cty.Object(r.attrs(depth, dynamic))
	}
}

// optional makes some attributes of object types optional, or adds some that are.
func (r random) optional(ty cty.Type) cty.Type {
	switch {
	case ty.IsListType():
		return cty.List(r.optional(ty.ElementType()))
	case ty.IsSetType():
		return cty.Set(r.optional(ty.ElementType()))
	case ty.IsMapType():
		return cty.Map(r.optional(ty.ElementType()))
	case ty.IsTupleType():
		tys := make([]cty.Type, ty.Length())
		for i, ety := range ty.TupleElementTypes() {
			tys[i] = r.optional(ety)
		}
		return cty.Tuple(tys)
	case ty.IsObjectType():
		attrs := map[string]cty.Type{}
		var optional []string
		for _, name := range sortedNames(ty.AttributeTypes()) {
			if r.IntN(6) == 0 {
				continue
			}
			attrs[name] = r.optional(ty.AttributeType(name))
			if r.IntN(2) == 0 {
				optional = append(optional, name)
			}
		}
		if r.IntN(2) == 0 {
			attrs["more"] = r.typ(1, true)
			optional = append(optional, "more")
		}
		return cty.ObjectWithOptionalAttrs(attrs, optional)
	default:
		return ty
	}
}

// concrete settles most of what a type constraint leaves open.
func (r random) concrete(ty cty.Type) cty.Type {
	switch {
	case ty == cty.DynamicPseudoType:
		if r.IntN(8) == 0 {
			return ty
		}
		return r.typ(2, false)
	case ty.IsListType():
		return cty.List(r.concrete(ty.ElementType()))
	case ty.IsSetType():
		return cty.Set(r.concrete(ty.ElementType()))
	case ty.IsMapType():
		return cty.Map(r.concrete(ty.ElementType()))
	case ty.IsTupleType():
		tys := make([]cty.Type, ty.Length())
		for i, ety := range ty.TupleElementTypes() {
			tys[i] = r.concrete(ety)
		}
		return cty.Tuple(tys)
	case ty.IsObjectType():
		attrs := map[string]cty.Type{}
		for _, name := range sortedNames(ty.AttributeTypes()) {
			attrs[name] = r.concrete(ty.AttributeType(name))
		}
		return cty.Object(attrs)
	default:
		return ty
	}
}

// similar makes a type that values of the given one have a chance to convert to.
func (r random) similar(ty cty.Type) cty.Type {
	switch r.IntN(12) {
	case 0:
		return cty.DynamicPseudoType
	case 1:
		return r.typ(2, true)
	}
	switch {
	case ty.IsPrimitiveType():
		return []cty.Type{cty.String, cty.String, cty.Number, cty.Bool}[r.IntN(4)]
	case ty.IsListType() || ty.IsSetType() || ty.IsTupleType():
		var ety cty.Type
		switch {
		case !ty.IsTupleType():
			ety = r.similar(ty.ElementType())
		case ty.Length() == 0 || r.IntN(3) == 0:
			ety = cty.DynamicPseudoType
		default:
			ety = r.similar(ty.TupleElementType(0))
		}
		if ty.IsTupleType() && r.IntN(3) == 0 {
			tys := make([]cty.Type, ty.Length())
			for i, ety := range ty.TupleElementTypes() {
				tys[i] = r.similar(ety)
			}
			return cty.Tuple(tys)
		}
		if r.IntN(2) == 0 {
			return cty.Set(ety)
		}
		return cty.List(ety)
	case ty.IsMapType():
		if r.IntN(3) == 0 {
			attrs := map[string]cty.Type{}
			for range r.IntN(3) {
				attrs[r.pick(names[:6])] = r.similar(ty.ElementType())
			}
			return cty.Object(attrs)
		}
		return cty.Map(r.similar(ty.ElementType()))
	case ty.IsObjectType():
		attrs := ty.AttributeTypes()
		if r.IntN(3) == 0 {
			ety := cty.DynamicPseudoType
			if sorted := sortedNames(attrs); len(sorted) > 0 && r.IntN(2) == 0 {
				ety = r.similar(attrs[sorted[0]])
			}
			return cty.Map(ety)
		}
		out := map[string]cty.Type{}
		for _, name := range sortedNames(attrs) {
			out[name] = r.similar(attrs[name])
		}
		return cty.Object(out)
	default:
		return ty
	}
}

// value makes a value of exactly the given type.
func (r random) value(ty cty.Type) cty.Value {
	switch n := r.IntN(100); {
	case n < 6:
		return cty.NullVal(ty)
	case n < 11:
		return cty.UnknownVal(ty)
	case n < 17:
		return r.refined(ty)
	}
	return r.known(ty)
}

func (r random) known(ty cty.Type) cty.Value {
	switch {
	case ty == cty.DynamicPseudoType:
		return cty.DynamicVal
	case ty == cty.String:
		return cty.StringVal(r.str())
	case ty == cty.Number:
		return r.number()
	case ty == cty.Bool:
		return cty.BoolVal(r.IntN(2) == 0)
	case ty.IsObjectType():
		attrs := map[string]cty.Value{}
		for _, name := range sortedNames(ty.AttributeTypes()) {
			attrs[name] = r.value(ty.AttributeType(name))
		}
		return cty.ObjectVal(attrs)
	case ty.IsTupleType():
		elems := make([]cty.Value, ty.Length())
		for i, ety := range ty.TupleElementTypes() {
			elems[i] = r.value(ety)
		}
		return cty.TupleVal(elems)
	}
	length := r.IntN(5)
	if r.IntN(40) == 0 {
		length = 14 + r.IntN(6)
	}
	if ty.IsMapType() {
		elems := map[string]cty.Value{}
		for range length {
			elems[cty.NormalizeString(r.str())] = r.value(ty.ElementType())
		}
		if len(elems) == 0 {
			return cty.MapValEmpty(ty.ElementType())
		}
		return cty.MapVal(elems)
	}
	elems := make([]cty.Value, length)
	for i := range elems {
		elems[i] = r.value(ty.ElementType())
	}
	switch {
	case ty.IsSetType() && length == 0:
		return cty.SetValEmpty(ty.ElementType())
	case ty.IsSetType():
		return cty.SetVal(elems)
	case length == 0:
		return cty.ListValEmpty(ty.ElementType())
	default:
		return cty.ListVal(elems)
	}
}

// refined makes an unknown value about which something is known; where go-cty finds a contradiction, less.
func (r random) refined(ty cty.Type) (ret cty.Value) {
	if ty == cty.DynamicPseudoType {
		return cty.DynamicVal
	}
	defer func() {
		if recover() != nil {
			ret = cty.UnknownVal(ty).RefineNotNull()
		}
	}()
	b := cty.UnknownVal(ty).Refine()
	if r.IntN(2) == 0 {
		b = b.NotNull()
	}
	switch {
	case ty == cty.String:
		if r.IntN(2) == 0 {
			b = b.StringPrefix(r.str())
		} else {
			b = b.StringPrefixFull(r.str())
		}
	case ty == cty.Number:
		if r.IntN(3) > 0 {
			b = b.NumberRangeLowerBound(r.number(), r.IntN(2) == 0)
		}
		if r.IntN(3) > 0 {
			b = b.NumberRangeUpperBound(r.number(), r.IntN(2) == 0)
		}
	case ty.IsCollectionType():
		if r.IntN(3) > 0 {
			b = b.CollectionLengthLowerBound(r.IntN(4))
		}
		if r.IntN(3) > 0 {
			b = b.CollectionLengthUpperBound(r.IntN(8))
		}
	}
	return b.NewValue()
}
