package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"github.com/zclconf/go-cty/cty/msgpack"

	"github.com/opentofu/opentofu/internal/lang"
	"github.com/opentofu/opentofu/internal/lang/marks"
)

// value is a value with everything that is known about it.
type value struct {
	// Type is written as in a state.
	Type json.RawMessage `json:"type"`
	// Msgpack is the value without marks, in hexadecimal.
	Msgpack string `json:"msgpack,omitempty"`
	// JSON is the value as in a state; only in questions.
	JSON  json.RawMessage `json:"json,omitempty"`
	Marks []marked        `json:"marks,omitempty"`
	// Text is for people; only in answers.
	Text string `json:"text,omitempty"`
}

type marked struct {
	Path  []step   `json:"path"`
	Marks []string `json:"marks"`
}

// step leads to an attribute, an element of a map, or one of a list or tuple.
type step struct {
	Attribute *string `json:"attribute,omitempty"`
	Key       *string `json:"key,omitempty"`
	Index     *int64  `json:"index,omitempty"`
}

var tables sync.Map

// functions keeps the tables: each takes longer to make than an expression to evaluate.
func functions(scope *lang.Scope) map[string]function.Function {
	if table, ok := tables.Load(scope.BaseDir); ok {
		return table.(map[string]function.Function)
	}
	table := scope.Functions()
	tables.Store(scope.BaseDir, table)
	return table
}

func (v value) decode() (cty.Value, error) {
	ty := cty.DynamicPseudoType
	if v.Type != nil {
		if err := json.Unmarshal(v.Type, &ty); err != nil {
			return cty.NilVal, err
		}
	}
	decoded := cty.UnknownVal(ty)
	var err error
	switch {
	case v.Msgpack != "":
		var bytes []byte
		if bytes, err = hex.DecodeString(v.Msgpack); err == nil {
			decoded, err = msgpack.Unmarshal(bytes, ty)
		}
	case v.JSON != nil:
		decoded, err = ctyjson.Unmarshal(v.JSON, ty)
	}
	if err != nil {
		return cty.NilVal, err
	}
	var found []cty.PathValueMarks
	for _, one := range v.Marks {
		var path cty.Path
		for _, step := range one.Path {
			switch {
			case step.Attribute != nil:
				path = path.GetAttr(*step.Attribute)
			case step.Key != nil:
				path = path.IndexString(*step.Key)
			case step.Index != nil:
				path = path.Index(cty.NumberIntVal(*step.Index))
			default:
				return cty.NilVal, errors.New("a step leads nowhere")
			}
		}
		set := cty.ValueMarks{}
		for _, name := range one.Marks {
			switch name {
			case "sensitive":
				set[marks.Sensitive] = struct{}{}
			case "ephemeral":
				set[marks.Ephemeral] = struct{}{}
			default:
				set[name] = struct{}{}
			}
		}
		found = append(found, cty.PathValueMarks{Path: path, Marks: set})
	}
	return decoded.MarkWithPaths(found), nil
}

func encode(result cty.Value) (*value, error) {
	bare, found := result.UnmarkDeepWithPaths()
	ty, err := json.Marshal(bare.Type())
	if err != nil {
		return nil, err
	}
	bytes, err := msgpack.Marshal(bare, bare.Type())
	if err != nil {
		return nil, err
	}
	encoded := &value{Type: ty, Msgpack: hex.EncodeToString(bytes), Text: result.GoString()}
	for _, one := range found {
		steps := []step{}
		for _, at := range one.Path {
			switch at := at.(type) {
			case cty.GetAttrStep:
				steps = append(steps, step{Attribute: &at.Name})
			case cty.IndexStep:
				switch {
				case !at.Key.IsKnown() || at.Key.IsNull():
					return nil, fmt.Errorf("a mark within a set at %#v", one.Path)
				case at.Key.Type() == cty.String:
					text := at.Key.AsString()
					steps = append(steps, step{Key: &text})
				case at.Key.Type() == cty.Number:
					index, _ := at.Key.AsBigFloat().Int64()
					steps = append(steps, step{Index: &index})
				default:
					return nil, fmt.Errorf("a mark within a set at %#v", one.Path)
				}
			}
		}
		var names []string
		for mark := range one.Marks {
			switch mark := mark.(type) {
			case string:
				names = append(names, mark)
			default:
				switch mark {
				case marks.Sensitive:
					names = append(names, "sensitive")
				case marks.Ephemeral:
					names = append(names, "ephemeral")
				default:
					names = append(names, fmt.Sprint(mark))
				}
			}
		}
		sort.Strings(names)
		encoded.Marks = append(encoded.Marks, marked{Path: steps, Marks: names})
	}
	return encoded, nil
}
