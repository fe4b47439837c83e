package main

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/opentofu/opentofu/internal/configs/configschema"
)

// Few values, so that different places often hold the same.
var (
	texts   = []string{"", "a", "b", "c", "x y", "é", "arn:aws:s3:::it", "{\"a\": [1]}"}
	numbers = []string{"0", "1", "2", "3", "-1", "1.5", "0.1", "12345678901234567890", "0.30000000000000004"}
	keys    = []string{"k", "l", "m", "Name", "a.b"}
)

// plain makes a known value of a plain type.
func (g generator) plain(ty cty.Type) cty.Value {
	if g.chance(5) {
		return cty.NullVal(ty)
	}
	switch {
	case ty == cty.DynamicPseudoType:
		return g.plain(g.plainType(1))
	case ty == cty.String:
		return cty.StringVal(pick(g, texts))
	case ty == cty.Number:
		return cty.MustParseNumberVal(pick(g, numbers))
	case ty == cty.Bool:
		return cty.BoolVal(g.chance(50))
	case ty.IsMapType():
		elements := map[string]cty.Value{}
		for range g.IntN(4) {
			elements[pick(g, keys)] = g.plain(ty.ElementType())
		}
		return mapOf(ty.ElementType(), elements)
	case ty.IsListType() || ty.IsSetType():
		var elements []cty.Value
		for range g.IntN(4) {
			elements = append(elements, g.plain(ty.ElementType()))
		}
		return sequenceOf(ty, elements)
	default:
		attributes := map[string]cty.Value{}
		for _, name := range sortedKeys(ty.AttributeTypes()) {
			attributes[name] = g.plain(ty.AttributeType(name))
		}
		return cty.ObjectVal(attributes)
	}
}

func mapOf(elementType cty.Type, elements map[string]cty.Value) cty.Value {
	if len(elements) == 0 {
		return cty.MapValEmpty(elementType)
	}
	return cty.MapVal(elements)
}

func sequenceOf(ty cty.Type, elements []cty.Value) cty.Value {
	switch {
	case ty.IsListType() && len(elements) == 0:
		return cty.ListValEmpty(ty.ElementType())
	case ty.IsListType():
		return cty.ListVal(elements)
	case len(elements) == 0:
		return cty.SetValEmpty(ty.ElementType())
	default:
		return cty.SetVal(elements)
	}
}

// changed makes another value out of a plain one, similar where that is possible.
func (g generator) changed(ty cty.Type, value cty.Value, unknownPercent int) cty.Value {
	if g.chance(unknownPercent) {
		unknown := cty.UnknownVal(ty)
		if ty != cty.DynamicPseudoType && g.chance(30) {
			unknown = unknown.RefineNotNull()
		}
		return unknown
	}
	if value.IsNull() || !value.IsKnown() || !ty.IsMapType() || g.chance(20) {
		return g.plain(ty)
	}
	elements := map[string]cty.Value{}
	for it := value.ElementIterator(); it.Next(); {
		key, element := it.Element()
		switch n := g.IntN(10); {
		case n < 2:
		case n < 4:
			elements[key.AsString()] = g.changed(ty.ElementType(), element, unknownPercent)
		default:
			elements[key.AsString()] = element
		}
	}
	if g.chance(40) {
		elements[pick(g, keys)] = g.plain(ty.ElementType())
	}
	return mapOf(ty.ElementType(), elements)
}

// draft says how to make one value out of another, or out of nothing.
type draft int

const (
	// recorded is what a state holds: wholly known, computed attributes filled in.
	recorded draft = iota
	// written is what a configuration holds.
	written
	// planned is what a provider of the old type system may answer.
	planned
	// completed is what every provider may answer: computed attributes become unknown.
	completed
)

func (d draft) unknownPercent() int {
	return map[draft]int{written: 10, planned: 25}[d]
}

// object makes the value of a block; base is null where there is nothing to start from.
func (g generator) object(block *configschema.Block, base cty.Value, d draft) cty.Value {
	values := g.attributes(block.Attributes, base, d)
	for _, name := range sortedKeys(block.BlockTypes) {
		nested := block.BlockTypes[name]
		base := attributeOf(base, name, nested.EmptyValue())
		make := func(base cty.Value) cty.Value { return g.object(&nested.Block, base, d) }
		values[name] = g.blocks(nested, base, d, make)
	}
	return cty.ObjectVal(values)
}

func attributeOf(object cty.Value, name string, otherwise cty.Value) cty.Value {
	if object.IsNull() {
		return otherwise
	}
	return object.GetAttr(name)
}

func (g generator) attributes(
	attributes map[string]*configschema.Attribute, base cty.Value, d draft,
) map[string]cty.Value {
	values := map[string]cty.Value{}
	for _, name := range sortedKeys(attributes) {
		attribute := attributes[name]
		values[name] = g.attributeValue(attribute, attributeOf(base, name, attribute.EmptyValue()), base.IsNull(), d)
	}
	return values
}

func (g generator) attributeValue(
	attribute *configschema.Attribute, base cty.Value, isFresh bool, d draft,
) cty.Value {
	ty := attribute.ImpliedType()
	switch d {
	case recorded:
		if attribute.WriteOnly {
			return cty.NullVal(ty)
		}
		isFresh = true
	case written:
		if attribute.Computed && (!attribute.Optional || g.chance(50)) {
			return cty.NullVal(ty)
		}
		isFresh = isFresh || attribute.WriteOnly
	case planned:
		if attribute.WriteOnly {
			return cty.NullVal(ty)
		}
		if attribute.Computed && base.IsNull() && g.chance(50) {
			return cty.UnknownVal(ty)
		}
	case completed:
		if attribute.Computed && base.IsNull() && g.chance(50) {
			return cty.UnknownVal(ty)
		}
		if attribute.NestedType == nil {
			return base
		}
	}
	if !base.IsKnown() {
		return base
	}
	if attribute.Optional && d != completed && g.chance(map[bool]int{true: 25, false: 5}[isFresh]) {
		return cty.NullVal(ty)
	}
	if attribute.NestedType != nil {
		return g.nestedAttribute(attribute, base, isFresh, d)
	}
	switch {
	case isFresh:
		return g.plain(ty)
	case g.chance(map[draft]int{written: 22, planned: 6}[d]):
		return g.changed(ty, base, d.unknownPercent())
	default:
		return base
	}
}

func (g generator) nestedAttribute(
	attribute *configschema.Attribute, base cty.Value, isFresh bool, d draft,
) cty.Value {
	nested := attribute.NestedType
	if base.IsNull() && !isFresh && (d == completed || g.chance(70)) {
		return base
	}
	if d == written && g.chance(3) {
		return cty.UnknownVal(attribute.ImpliedType())
	}
	make := func(base cty.Value) cty.Value { return cty.ObjectVal(g.attributes(nested.Attributes, base, d)) }
	ty := attribute.ImpliedType()
	switch nested.Nesting {
	case configschema.NestingSingle:
		return make(base)
	case configschema.NestingMap:
		return mapOf(ty.ElementType(), g.entries(base, ty.ElementType(), d, make))
	default:
		return sequenceOf(ty, g.elements(base, ty.ElementType(), d, make))
	}
}

func (g generator) blocks(
	nested *configschema.NestedBlock, base cty.Value, d draft, make func(cty.Value) cty.Value,
) cty.Value {
	elementType := nested.Block.ImpliedType()
	if !base.IsKnown() {
		return base
	}
	if d == written && g.chance(2) {
		return cty.UnknownVal(nested.EmptyValue().Type())
	}
	switch nested.Nesting {
	case configschema.NestingSingle:
		switch {
		case d == completed && base.IsNull():
			return base
		case d == written && !base.IsNull() && g.chance(85), d == planned && !base.IsNull(), d == completed:
			return make(base)
		case d == planned || g.chance(40):
			return cty.NullVal(elementType)
		default:
			return make(base)
		}
	case configschema.NestingGroup:
		return make(base)
	case configschema.NestingMap:
		entries := g.entries(base, elementType, d, make)
		if elementType.HasDynamicTypes() {
			return cty.ObjectVal(entries)
		}
		return mapOf(elementType, entries)
	case configschema.NestingList:
		elements := g.elements(base, elementType, d, make)
		if elementType.HasDynamicTypes() {
			return cty.TupleVal(elements)
		}
		return sequenceOf(cty.List(elementType), elements)
	default:
		return sequenceOf(cty.Set(elementType), g.elements(base, elementType, d, make))
	}
}

// elements makes the elements of a collection, of which some leave, come and change places.
func (g generator) elements(
	base cty.Value, elementType cty.Type, d draft, make func(cty.Value) cty.Value,
) []cty.Value {
	var elements []cty.Value
	nothing := cty.NullVal(elementType)
	if d == recorded || base.IsNull() {
		if d == completed {
			return nil
		}
		for range g.IntN(4) {
			elements = append(elements, make(nothing))
		}
		return elements
	}
	for it := base.ElementIterator(); it.Next(); {
		_, element := it.Element()
		if d != completed && g.chance(8) {
			continue
		}
		if d == written && g.chance(3) {
			element = cty.UnknownVal(elementType)
		}
		if element.IsNull() || !element.IsKnown() {
			elements = append(elements, element)
			continue
		}
		elements = append(elements, make(element))
	}
	if d != completed && g.chance(12) {
		elements = append(elements, make(nothing))
	}
	if d != completed && g.chance(10) {
		g.Shuffle(len(elements), func(i, j int) { elements[i], elements[j] = elements[j], elements[i] })
	}
	return elements
}

func (g generator) entries(
	base cty.Value, elementType cty.Type, d draft, make func(cty.Value) cty.Value,
) map[string]cty.Value {
	entries := map[string]cty.Value{}
	nothing := cty.NullVal(elementType)
	if d == recorded || base.IsNull() {
		if d == completed {
			return entries
		}
		for range g.IntN(3) {
			entries[pick(g, keys)] = make(nothing)
		}
		return entries
	}
	for it := base.ElementIterator(); it.Next(); {
		key, element := it.Element()
		if d != completed && g.chance(8) {
			continue
		}
		if element.IsNull() || !element.IsKnown() {
			entries[key.AsString()] = element
			continue
		}
		entries[key.AsString()] = make(element)
	}
	if d != completed && g.chance(12) {
		entries[pick(g, keys)] = make(nothing)
	}
	return entries
}
