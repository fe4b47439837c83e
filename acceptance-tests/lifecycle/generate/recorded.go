package main

import (
	"bytes"
	"encoding/json"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

var goneTexts = []string{"null", "1.50", "\"gone\"", "{}", "[]", "{\"a0\": [1, {\"b0\": null}]}", "12345678901234567890.123"}

// recorded makes the JSON of a state's object, which holds attributes that the type does not have.
func (g generator) recordedJSON(value cty.Value, ty cty.Type) (string, error) {
	text, err := ctyjson.Marshal(value, ty)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	g.addGone(&out, text, ty)
	return out.String(), nil
}

func (g generator) addGone(out *bytes.Buffer, text []byte, ty cty.Type) {
	switch {
	case text[0] == '{' && (ty.IsObjectType() || ty.IsMapType()):
		var members map[string]json.RawMessage
		must(json.Unmarshal(text, &members))
		names := sortedKeys(members)
		g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		separator := "{"
		for at := 0; at <= len(names); at++ {
			if ty.IsObjectType() && g.chance(6) {
				out.WriteString(separator + "\"" + pick(g, []string{"gone", "a9", "b9"}) + "\":" + pick(g, goneTexts))
				separator = ","
			}
			if at == len(names) {
				break
			}
			name, _ := json.Marshal(names[at])
			out.WriteString(separator + string(name) + ":")
			separator = ","
			if ty.IsMapType() {
				g.addGone(out, members[names[at]], ty.ElementType())
			} else {
				g.addGone(out, members[names[at]], ty.AttributeType(names[at]))
			}
		}
		if separator == "{" {
			out.WriteString("{")
		}
		out.WriteString("}")
	case text[0] == '[' && (ty.IsListType() || ty.IsSetType()):
		var elements []json.RawMessage
		must(json.Unmarshal(text, &elements))
		out.WriteString("[")
		for n, element := range elements {
			if n > 0 {
				out.WriteString(",")
			}
			g.addGone(out, element, ty.ElementType())
		}
		out.WriteString("]")
	default:
		out.Write(text)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
