package main

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/opentofu/opentofu/internal/configs/configschema"
)

// legacy makes an object as the old SDKs do: blocks may be null or unknown.
func (g generator) legacy(block *configschema.Block, value cty.Value) cty.Value {
	if value.IsNull() || !value.IsKnown() {
		return value
	}
	values := value.AsValueMap()
	for _, name := range sortedKeys(block.BlockTypes) {
		nested := block.BlockTypes[name]
		elementType := nested.Block.ImpliedType()
		if elementType.HasDynamicTypes() {
			continue
		}
		value := values[name]
		ty := value.Type()
		switch n := g.IntN(20); {
		case n < 4:
			values[name] = cty.NullVal(ty)
			continue
		// What core makes of an unknown block with nested attributes is no value: no old SDK has those.
		case n < 6 && nested.Nesting != configschema.NestingMap && !hasNestedAttribute(&nested.Block):
			values[name] = cty.UnknownVal(ty)
			continue
		}
		if value.IsNull() || !value.IsKnown() {
			continue
		}
		switch nested.Nesting {
		case configschema.NestingSingle, configschema.NestingGroup:
			values[name] = g.legacy(&nested.Block, value)
		case configschema.NestingList, configschema.NestingSet:
			var elements []cty.Value
			for it := value.ElementIterator(); it.Next(); {
				_, element := it.Element()
				elements = append(elements, g.legacy(&nested.Block, element))
			}
			if g.chance(5) {
				elements = append(elements, cty.NullVal(elementType))
			}
			values[name] = sequenceOf(ty, elements)
		}
	}
	return cty.ObjectVal(values)
}

func hasNestedAttribute(block *configschema.Block) bool {
	for _, attribute := range block.Attributes {
		if attribute.NestedType != nil {
			return true
		}
	}
	for _, nested := range block.BlockTypes {
		if hasNestedAttribute(&nested.Block) {
			return true
		}
	}
	return false
}
