package main

import (
	"encoding/hex"
	"sort"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/msgpack"

	"github.com/opentofu/opentofu/internal/configs/configschema"
	"github.com/opentofu/opentofu/internal/lang/marks"
	"github.com/opentofu/opentofu/internal/plans/objchange"
	"github.com/opentofu/opentofu/internal/tofu"
)

type testCase struct {
	Schema          schemaJSON `json:"schema"`
	Prior           string     `json:"prior"`
	PriorSensitive  []pathJSON `json:"prior_sensitive"`
	Config          string     `json:"config"`
	IgnoreAll       bool       `json:"ignore_all"`
	Ignore          []pathJSON `json:"ignore"`
	Legacy          bool       `json:"legacy"`
	Planned         string     `json:"planned"`
	RequiresReplace []pathJSON `json:"requires_replace"`
	Want            want       `json:"want"`
	Normalize       pair       `json:"normalize"`
	Strip           strip      `json:"strip"`
}

type want struct {
	Config   string `json:"config"`
	Proposed string `json:"proposed"`
	// After and its sensitive paths are those of the second plan where the object is replaced.
	After          string     `json:"after"`
	AfterSensitive []pathJSON `json:"after_sensitive"`
	Action         string     `json:"action"`
	Replace        []pathJSON `json:"replace"`
}

type strip struct {
	Recorded string `json:"recorded"`
	Want     string `json:"want"`
	// Object is what was recorded, without what the schema lacks.
	Object string `json:"object"`
}

type pair struct {
	Value string `json:"value"`
	Want  string `json:"want"`
}

func (g generator) testCase() (*testCase, error) {
	schema := g.schema()
	ty := schema.ImpliedType()
	encode := func(value cty.Value) string {
		value, _ = value.UnmarkDeep()
		encoded, err := msgpack.Marshal(value, ty)
		must(err)
		return hex.EncodeToString(encoded)
	}

	// What came over the wire: there, nulls lose the types that were chosen for dynamic parts of them.
	arrived := func(value cty.Value) cty.Value {
		encoded, err := msgpack.Marshal(value, ty)
		must(err)
		value, err = msgpack.Unmarshal(encoded, ty)
		must(err)
		return value
	}

	prior := arrived(g.object(schema, cty.NullVal(ty), recorded))
	config := arrived(g.object(schema, prior, written))
	ret := &testCase{Schema: describeBlock(schema), Legacy: g.chance(65)}

	stored, err := g.recordedJSON(prior, ty)
	must(err)
	ret.Strip = strip{stored, string(tofu.OracleStrip([]byte(stored), ty)), encode(prior)}
	legacy := arrived(g.legacy(schema, prior))
	ret.Normalize = pair{encode(legacy), encode(objchange.NormalizeObjectFromLegacySDK(legacy, schema))}

	if g.chance(8) {
		prior = cty.NullVal(ty)
	}
	var sensitive []cty.PathValueMarks
	if !prior.IsNull() {
		marked := schema.ValueMarks(prior, nil, nil, false)
		sort.Slice(marked, func(i, j int) bool { return pathText(marked[i].Path) < pathText(marked[j].Path) })
		for _, mark := range marked {
			if !g.chance(5) {
				sensitive = append(sensitive, mark)
			}
		}
	}
	prior = prior.MarkWithPaths(sensitive)
	ret.Prior, ret.Config, ret.PriorSensitive = encode(prior), encode(config), sensitivePaths(prior)

	question := tofu.OracleQuestion{Schema: schema, Prior: prior, Config: config, Legacy: ret.Legacy}
	switch n := g.IntN(10); {
	case n < 4:
	case n < 5:
		question.IgnoreAll, ret.IgnoreAll = true, true
	default:
		question.Ignore = g.ignored(prior, config)
	}
	ret.Ignore = describePaths(question.Ignore)
	question.Plan = func(proposed, config cty.Value) (cty.Value, []cty.Path) {
		planned := arrived(g.plan(schema, prior, proposed, ret.Legacy))
		replace := g.requiresReplace(schema, prior, planned)
		ret.Planned, ret.RequiresReplace = encode(planned), describePaths(replace)
		return planned, replace
	}
	answer, err := tofu.OraclePlan(question)
	if err != nil {
		return nil, err
	}
	action := answer.Action.String()
	if answer.Action.IsReplace() {
		action = "Replace"
	}
	sortPaths(answer.Replace)
	ret.Want = want{
		encode(answer.Config), encode(answer.Proposed), encode(answer.After), sensitivePaths(answer.After), action,
		describePaths(answer.Replace),
	}
	return ret, nil
}

// plan answers as a provider.
func (g generator) plan(schema *configschema.Block, prior, proposed cty.Value, isLegacy bool) cty.Value {
	prior, _ = prior.UnmarkDeep()
	switch n := g.IntN(10); {
	case !isLegacy:
		if n < 3 {
			return withoutWriteOnly(schema, proposed)
		}
		return withoutWriteOnly(schema, g.object(schema, proposed, completed))
	case n < 3 && !prior.IsNull():
		return prior
	case n < 5:
		return withoutWriteOnly(schema, proposed)
	default:
		return g.object(schema, proposed, planned)
	}
}

func withoutWriteOnly(schema *configschema.Block, value cty.Value) cty.Value {
	value, err := cty.Transform(value, func(path cty.Path, value cty.Value) (cty.Value, error) {
		if attribute := schema.AttributeByPath(path); attribute != nil && attribute.WriteOnly {
			return cty.NullVal(value.Type()), nil
		}
		return value, nil
	})
	must(err)
	return value
}

// places returns the paths that can be written, through lists, maps and objects.
func places(values ...cty.Value) []cty.Path {
	var found []cty.Path
	for _, value := range values {
		value, _ = value.UnmarkDeep()
		must(cty.Walk(value, func(path cty.Path, value cty.Value) (bool, error) {
			if len(path) > 0 {
				found = append(found, path.Copy())
			}
			return !value.Type().IsSetType(), nil
		}))
	}
	sortPaths(found)
	return found
}

// sortPaths makes the order of paths the same in every run: go-cty visits attributes in any order.
func sortPaths(paths []cty.Path) {
	sort.Slice(paths, func(i, j int) bool { return pathText(paths[i]) < pathText(paths[j]) })
}

func pathText(path cty.Path) string {
	var text strings.Builder
	for _, step := range describePath(path) {
		for _, kind := range sortedKeys(step) {
			text.WriteString("/" + kind + " " + step[kind])
		}
	}
	return text.String()
}

func (g generator) ignored(prior, config cty.Value) []cty.Path {
	var paths []cty.Path
	from := places(prior, config)
	for range 1 + g.IntN(3) {
		path := pick(g, from)
		switch g.IntN(12) {
		case 0:
			path = append(path, cty.IndexStep{Key: cty.StringVal(pick(g, keys))})
		case 1:
			path = append(path, cty.IndexStep{Key: cty.NumberIntVal(int64(g.IntN(4)))})
		case 2:
			path = append(path, cty.GetAttrStep{Name: pick(g, keys)})
		}
		paths = append(paths, path)
	}
	return paths
}

func (g generator) requiresReplace(schema *configschema.Block, prior, planned cty.Value) []cty.Path {
	if g.chance(35) {
		return nil
	}
	var paths []cty.Path
	from := places(prior, planned)
	var writeOnly []cty.Path
	for _, path := range from {
		if attribute := schema.AttributeByPath(path); attribute != nil && attribute.WriteOnly {
			writeOnly = append(writeOnly, path)
		}
	}
	if len(writeOnly) > 0 && g.chance(40) {
		paths = append(paths, pick(g, writeOnly))
	}
	for range g.IntN(4) {
		path := pick(g, from).Copy()
		// Keys may be written in other ways that lead to the same place.
		at := g.IntN(len(path))
		switch step := path[at].(type) {
		case cty.IndexStep:
			if g.chance(10) && step.Key.Type() == cty.String {
				path[at] = cty.GetAttrStep{Name: step.Key.AsString()}
			} else if g.chance(10) && step.Key.Type() == cty.Number {
				path[at] = cty.IndexStep{Key: cty.StringVal(step.Key.AsBigFloat().Text('f', -1))}
			}
		case cty.GetAttrStep:
			if g.chance(5) {
				path[at] = cty.IndexStep{Key: cty.StringVal(step.Name)}
			}
		}
		paths = append(paths, path)
	}
	return paths
}

func sensitivePaths(value cty.Value) []pathJSON {
	var paths []cty.Path
	_, found := value.UnmarkDeepWithPaths()
	for _, marked := range found {
		if _, ok := marked.Marks[marks.Sensitive]; ok {
			paths = append(paths, marked.Path)
		}
	}
	sortPaths(paths)
	return describePaths(paths)
}

// pathJSON holds one map for each step: of "attr", or "key" or "index" to the text of the name, key or number.
type pathJSON []map[string]string

func describePaths(paths []cty.Path) []pathJSON {
	ret := []pathJSON{}
	for _, path := range paths {
		ret = append(ret, describePath(path))
	}
	return ret
}

func describePath(path cty.Path) pathJSON {
	described := pathJSON{}
	for _, step := range path {
		switch step := step.(type) {
		case cty.GetAttrStep:
			described = append(described, map[string]string{"attr": step.Name})
		case cty.IndexStep:
			switch {
			case step.Key.Type() == cty.String:
				described = append(described, map[string]string{"key": step.Key.AsString()})
			case step.Key.Type() == cty.Number:
				described = append(described, map[string]string{"index": step.Key.AsBigFloat().Text('f', -1)})
			default:
				// Only marks of a schema lead into sets, and no case holds these.
				described = append(described, map[string]string{"element": step.Key.GoString()})
			}
		}
	}
	return described
}
