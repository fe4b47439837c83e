package main

import (
	"fmt"
	"math/rand/v2"
	"sort"

	"github.com/zclconf/go-cty/cty"

	"github.com/opentofu/opentofu/internal/configs/configschema"
)

type generator struct{ *rand.Rand }

func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g generator, options []T) T { return options[g.IntN(len(options))] }

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// place says what a schema may hold where it stands.
type place struct {
	depth                         int
	dynamic, writeOnly, sensitive bool
}

func (p place) deeper() place { p.depth--; return p }

// schema makes a schema that core accepts.
func (g generator) schema() *configschema.Block {
	for {
		// Deep ones cost much and show little.
		depth := pick(g, []int{1, 1, 2, 2, 2, 2, 2, 2, 2, 3})
		block := g.block(place{depth, g.chance(30), g.chance(30), g.chance(30)})
		if block.InternalValidate() == nil {
			return block
		}
	}
}

func (g generator) block(p place) *configschema.Block {
	block := &configschema.Block{
		Attributes: map[string]*configschema.Attribute{}, BlockTypes: map[string]*configschema.NestedBlock{},
	}
	for n := range 1 + g.IntN(4) {
		block.Attributes[fmt.Sprintf("a%d", n)] = g.attribute(p)
	}
	if p.depth <= 0 {
		return block
	}
	for n := range g.IntN(4) {
		inside := p.deeper()
		nesting := pick(g, []configschema.NestingMode{
			configschema.NestingSingle, configschema.NestingGroup, configschema.NestingList, configschema.NestingList,
			configschema.NestingSet, configschema.NestingSet, configschema.NestingSet, configschema.NestingMap,
		})
		if nesting == configschema.NestingSet {
			inside.dynamic, inside.writeOnly = false, false
		}
		block.BlockTypes[fmt.Sprintf("b%d", n)] = &configschema.NestedBlock{Nesting: nesting, Block: *g.block(inside)}
	}
	return block
}

func (g generator) attribute(p place) *configschema.Attribute {
	attribute := &configschema.Attribute{}
	switch n := g.IntN(10); {
	case n < 3:
		attribute.Optional = true
	case n < 5:
		attribute.Required = true
	case n < 7:
		attribute.Computed = true
	default:
		attribute.Optional, attribute.Computed = true, true
	}
	attribute.Sensitive = p.sensitive && g.chance(25)
	attribute.WriteOnly = p.writeOnly && !attribute.Computed && g.chance(40)
	if p.depth > 0 && g.chance(30) {
		inside := p.deeper()
		nesting := pick(g, []configschema.NestingMode{
			configschema.NestingSingle, configschema.NestingList, configschema.NestingSet, configschema.NestingMap,
		})
		if nesting != configschema.NestingSingle {
			inside.dynamic = false
		}
		if nesting == configschema.NestingSet {
			inside.writeOnly = false
		}
		attributes := map[string]*configschema.Attribute{}
		for n := range 1 + g.IntN(3) {
			attributes[fmt.Sprintf("n%d", n)] = g.attribute(inside)
		}
		attribute.NestedType = &configschema.Object{Nesting: nesting, Attributes: attributes}
		return attribute
	}
	attribute.Type = g.plainType(2)
	if p.dynamic && g.chance(25) {
		attribute.Type = cty.DynamicPseudoType
	}
	return attribute
}

func (g generator) plainType(depth int) cty.Type {
	n := g.IntN(13)
	if depth <= 0 {
		n %= 7
	}
	switch n {
	case 0, 1, 2, 3:
		return cty.String
	case 4, 5:
		return cty.Number
	case 6:
		return cty.Bool
	case 7:
		return cty.List(g.plainType(depth - 1))
	case 8:
		return cty.Set(g.plainType(depth - 1))
	case 9, 10, 11:
		return cty.Map(g.plainType(depth - 1))
	default:
		return cty.Object(map[string]cty.Type{"x": g.plainType(depth - 1), "y": g.plainType(depth - 1)})
	}
}

// schemaJSON is the form of a schema in a case.
type schemaJSON struct {
	Attributes map[string]attributeJSON `json:"attributes"`
	Blocks     map[string]blockJSON     `json:"blocks"`
}

type attributeJSON struct {
	Type   *cty.Type   `json:"type,omitempty"`
	Nested *nestedJSON `json:"nested,omitempty"`
	Flags  string      `json:"flags"`
}

type nestedJSON struct {
	Nesting    string                   `json:"nesting"`
	Attributes map[string]attributeJSON `json:"attributes"`
}

type blockJSON struct {
	Nesting string     `json:"nesting"`
	Block   schemaJSON `json:"block"`
}

var nestingNames = map[configschema.NestingMode]string{
	configschema.NestingSingle: "single", configschema.NestingGroup: "group", configschema.NestingList: "list",
	configschema.NestingSet: "set", configschema.NestingMap: "map",
}

func describeBlock(block *configschema.Block) schemaJSON {
	ret := schemaJSON{describeAttributes(block.Attributes), map[string]blockJSON{}}
	for name, nested := range block.BlockTypes {
		ret.Blocks[name] = blockJSON{nestingNames[nested.Nesting], describeBlock(&nested.Block)}
	}
	return ret
}

func describeAttributes(attributes map[string]*configschema.Attribute) map[string]attributeJSON {
	ret := map[string]attributeJSON{}
	for name, attribute := range attributes {
		var described attributeJSON
		for _, flag := range []struct {
			is     bool
			letter string
		}{
			{attribute.Required, "r"}, {attribute.Optional, "o"}, {attribute.Computed, "c"}, {attribute.WriteOnly, "w"},
			{attribute.Sensitive, "s"},
		} {
			if flag.is {
				described.Flags += flag.letter
			}
		}
		if nested := attribute.NestedType; nested != nil {
			described.Nested = &nestedJSON{nestingNames[nested.Nesting], describeAttributes(nested.Attributes)}
		} else {
			described.Type = &attribute.Type
		}
		ret[name] = described
	}
	return ret
}
