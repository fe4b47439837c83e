// Command oracle answers what expressions, templates and blocks are worth, by the reference implementation and the
// function table of OpenTofu's core.
//
// It reads one JSON object a line and prints one for each. It is built inside a copy of the OpenTofu module, see the
// README.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/opentofu/opentofu/internal/lang"
	"github.com/opentofu/opentofu/internal/lang/blocktoattr"
)

// question is one line of the input: an expression, a template or a body, and what is around it.
type question struct {
	Expression *string `json:"expression"`
	Template   *string `json:"template"`
	Body       *string `json:"body"`
	// IsJSON tells that the text is JSON.
	IsJSON bool `json:"is_json"`
	// Schema is that of the body, as in `terraform providers schema -json`.
	Schema *schemaBlock `json:"schema"`
	// Constraint is the type of a variable that takes the value, as its `type` argument.
	Constraint *string `json:"constraint"`
	// Wanted is a type to convert to, as JSON.
	Wanted    json.RawMessage  `json:"wanted"`
	Variables map[string]value `json:"variables"`
	// Folder is what file functions read in.
	Folder string `json:"folder"`
}

type answer struct {
	Value  *value    `json:"value,omitempty"`
	Errors []problem `json:"errors,omitempty"`
	// Panic is set where the reference implementation itself gives up.
	Panic string `json:"panic,omitempty"`
}

type problem struct {
	Summary string `json:"summary"`
	Detail  string `json:"detail"`
	At      []int  `json:"at,omitempty"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	var lines []string
	for in.Scan() {
		lines = append(lines, in.Text())
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	answers := make([][]byte, len(lines))
	work := make(chan int)
	var workers sync.WaitGroup
	for range 4 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for index := range work {
				encoded, err := json.Marshal(guarded(lines[index]))
				if err != nil {
					panic(err)
				}
				answers[index] = encoded
			}
		}()
	}
	for index := range lines {
		work <- index
	}
	close(work)
	workers.Wait()
	out := bufio.NewWriter(os.Stdout)
	for _, encoded := range answers {
		out.Write(append(encoded, '\n'))
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func guarded(line string) (given answer) {
	defer func() {
		if trouble := recover(); trouble != nil {
			given = answer{Panic: fmt.Sprint(trouble)}
		}
	}()
	var asked question
	if err := json.Unmarshal([]byte(line), &asked); err != nil {
		return answer{Panic: "the question is not understood: " + err.Error()}
	}
	return asked.answer()
}

func (asked question) answer() answer {
	context, err := asked.context()
	if err != nil {
		return answer{Panic: "the question is not understood: " + err.Error()}
	}
	result, diags := asked.evaluate(context)
	if !diags.HasErrors() {
		result, diags = asked.converted(result)
	}
	if diags.HasErrors() {
		return answer{Errors: problems(diags)}
	}
	encoded, err := encode(result)
	if err != nil {
		return answer{Panic: "the value cannot be written: " + err.Error()}
	}
	return answer{Value: encoded}
}

// context holds the variables and the functions as a plan sees them: what is not pure is unknown.
func (asked question) context() (*hcl.EvalContext, error) {
	scope := &lang.Scope{BaseDir: asked.Folder, PureOnly: true, PlanTimestamp: time.Unix(0, 0).UTC()}
	if scope.BaseDir == "" {
		scope.BaseDir = "."
	}
	context := &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: functions(scope)}
	for name, encoded := range asked.Variables {
		decoded, err := encoded.decode()
		if err != nil {
			return nil, fmt.Errorf("the variable %s: %w", name, err)
		}
		context.Variables[name] = decoded
	}
	return context, nil
}

func (asked question) evaluate(context *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	start := hcl.InitialPos
	switch {
	case asked.Expression != nil && asked.IsJSON:
		expression, diags := hcljson.ParseExpression([]byte(*asked.Expression), "a.tf.json")
		if diags.HasErrors() {
			return cty.DynamicVal, diags
		}
		return expression.Value(context)
	case asked.Expression != nil:
		expression, diags := hclsyntax.ParseExpression([]byte(*asked.Expression), "a.tf", start)
		if diags.HasErrors() {
			return cty.DynamicVal, diags
		}
		return expression.Value(context)
	case asked.Template != nil:
		template, diags := hclsyntax.ParseTemplate([]byte(*asked.Template), "a.tf", start)
		if diags.HasErrors() {
			return cty.DynamicVal, diags
		}
		return template.Value(context)
	case asked.Body != nil && asked.Schema != nil:
		return asked.decodeBody(context)
	}
	panic("nothing is asked")
}

// decodeBody does what core does with the block of a resource: dynamic blocks, blocks that are attributes, decoding.
func (asked question) decodeBody(context *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	var file *hcl.File
	var diags hcl.Diagnostics
	if asked.IsJSON {
		file, diags = hcljson.Parse([]byte(*asked.Body), "a.tf.json")
	} else {
		file, diags = hclsyntax.ParseConfig([]byte(*asked.Body), "a.tf", hcl.InitialPos)
	}
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	schema, err := asked.Schema.block()
	if err != nil {
		panic(err)
	}
	body := dynblock.Expand(file.Body, context)
	body = blocktoattr.FixUpBlockAttrs(body, schema)
	return hcldec.Decode(body, schema.DecoderSpec(), context)
}

// converted does what core does with the value of a variable.
func (asked question) converted(result cty.Value) (cty.Value, hcl.Diagnostics) {
	wanted := cty.DynamicPseudoType
	switch {
	case asked.Constraint != nil:
		text := []byte(*asked.Constraint)
		expression, diags := hclsyntax.ParseExpression(text, "a.tf", hcl.InitialPos)
		if diags.HasErrors() {
			return result, diags
		}
		ty, defaults, diags := typeexpr.TypeConstraintWithDefaults(expression)
		if diags.HasErrors() {
			return result, diags
		}
		if defaults != nil && !result.IsNull() {
			result = defaults.Apply(result)
		}
		wanted = ty
	case asked.Wanted != nil:
		if err := json.Unmarshal(asked.Wanted, &wanted); err != nil {
			panic(err)
		}
	default:
		return result, nil
	}
	converted, err := convert.Convert(result, wanted)
	if err != nil {
		return result, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Invalid value", Detail: err.Error()}}
	}
	return converted, nil
}

func problems(diags hcl.Diagnostics) []problem {
	var found []problem
	for _, diag := range diags {
		if diag.Severity != hcl.DiagError {
			continue
		}
		one := problem{Summary: diag.Summary, Detail: diag.Detail}
		if diag.Subject != nil {
			one.At = []int{diag.Subject.Start.Byte, diag.Subject.End.Byte}
		}
		found = append(found, one)
	}
	return found
}
