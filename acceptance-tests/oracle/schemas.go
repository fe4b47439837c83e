package main

import (
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/opentofu/opentofu/internal/configs/configschema"
)

// schemaBlock is a block as `terraform providers schema -json` prints it.
type schemaBlock struct {
	Attributes map[string]schemaAttribute `json:"attributes"`
	BlockTypes map[string]schemaNested    `json:"block_types"`
}

type schemaAttribute struct {
	Type       json.RawMessage `json:"type"`
	NestedType *struct {
		Attributes map[string]schemaAttribute `json:"attributes"`
		Nesting    string                     `json:"nesting_mode"`
	} `json:"nested_type"`
	Required bool `json:"required"`
	Optional bool `json:"optional"`
	Computed bool `json:"computed"`
}

type schemaNested struct {
	Nesting  string      `json:"nesting_mode"`
	Block    schemaBlock `json:"block"`
	MinItems int         `json:"min_items"`
	MaxItems int         `json:"max_items"`
}

var nestings = map[string]configschema.NestingMode{
	"single": configschema.NestingSingle,
	"group":  configschema.NestingGroup,
	"list":   configschema.NestingList,
	"set":    configschema.NestingSet,
	"map":    configschema.NestingMap,
}

func (b schemaBlock) block() (*configschema.Block, error) {
	attributes, err := attributesOf(b.Attributes)
	if err != nil {
		return nil, err
	}
	block := &configschema.Block{Attributes: attributes, BlockTypes: map[string]*configschema.NestedBlock{}}
	for name, nested := range b.BlockTypes {
		nesting, ok := nestings[nested.Nesting]
		if !ok {
			return nil, fmt.Errorf("the block %s has the nesting %q", name, nested.Nesting)
		}
		inner, err := nested.Block.block()
		if err != nil {
			return nil, err
		}
		block.BlockTypes[name] = &configschema.NestedBlock{
			Block: *inner, Nesting: nesting, MinItems: nested.MinItems, MaxItems: nested.MaxItems,
		}
	}
	return block, nil
}

func attributesOf(given map[string]schemaAttribute) (map[string]*configschema.Attribute, error) {
	attributes := map[string]*configschema.Attribute{}
	for name, one := range given {
		attribute := &configschema.Attribute{Required: one.Required, Optional: one.Optional, Computed: one.Computed}
		switch {
		case one.NestedType != nil:
			inner, err := attributesOf(one.NestedType.Attributes)
			if err != nil {
				return nil, err
			}
			nesting, ok := nestings[one.NestedType.Nesting]
			if !ok {
				return nil, fmt.Errorf("the attribute %s has the nesting %q", name, one.NestedType.Nesting)
			}
			attribute.NestedType = &configschema.Object{Attributes: inner, Nesting: nesting}
		default:
			var ty cty.Type
			if err := json.Unmarshal(one.Type, &ty); err != nil {
				return nil, fmt.Errorf("the attribute %s: %w", name, err)
			}
			attribute.Type = ty
		}
		attributes[name] = attribute
	}
	return attributes, nil
}
