// Package tofu is where this file is copied to: it opens what core keeps to itself.
package tofu

import (
	"context"
	"errors"
	"io"
	"log"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/opentofu/opentofu/internal/addrs"
	"github.com/opentofu/opentofu/internal/checks"
	"github.com/opentofu/opentofu/internal/configs"
	"github.com/opentofu/opentofu/internal/configs/configschema"
	"github.com/opentofu/opentofu/internal/plans"
	"github.com/opentofu/opentofu/internal/providers"
	"github.com/opentofu/opentofu/internal/states"
)

// OracleQuestion is one instance to plan.
type OracleQuestion struct {
	Schema    *configschema.Block
	Prior     cty.Value // null where there is none
	Config    cty.Value
	IgnoreAll bool
	Ignore    []cty.Path
	Legacy    bool // whether the provider has the old type system
	// Plan is the provider.
	Plan func(proposed cty.Value, config cty.Value) (planned cty.Value, requiresReplace []cty.Path)
}

// OracleAnswer is what core made of it.
type OracleAnswer struct {
	Config   cty.Value // as the provider got it
	Proposed cty.Value // as the provider got it
	After    cty.Value // in the plan: of the second plan where the object is replaced
	Action   plans.Action
	Replace  []cty.Path
}

func init() { log.SetOutput(io.Discard) }

// OracleStrip is what core does to a recorded object before the provider upgrades it.
func OracleStrip(recorded []byte, ty cty.Type) []byte {
	return stripRemovedStateAttributes(recorded, ty)
}

// OraclePlan plans the instance with core's own method.
func OraclePlan(q OracleQuestion) (OracleAnswer, error) {
	providerAddr := addrs.NewDefaultProvider("oracle")
	var first *providers.PlanResourceChangeRequest
	provider := &MockProvider{
		ConfigureProviderCalled: true,
		GetProviderSchemaResponse: &providers.GetProviderSchemaResponse{
			ResourceTypes: map[string]providers.Schema{"oracle_thing": {Block: q.Schema}},
		},
		PlanResourceChangeFn: func(r providers.PlanResourceChangeRequest) (resp providers.PlanResourceChangeResponse) {
			resp.LegacyTypeSystem = q.Legacy
			if first != nil {
				resp.PlannedState = r.ProposedNewState
				return resp
			}
			first = &r
			resp.PlannedState, resp.RequiresReplace = q.Plan(r.ProposedNewState, r.Config)
			return resp
		},
	}
	evalCtx := &MockEvalContext{EvaluateBlockResult: q.Config, ChecksState: checks.NewState(nil)}
	evalCtx.installProvider(providerAddr, provider)

	addr := addrs.Resource{Mode: addrs.ManagedResourceMode, Type: "oracle_thing", Name: "it"}
	node := NewNodeAbstractResourceInstance(addr.Instance(addrs.NoKey).Absolute(addrs.RootModuleInstance))
	node.Config = &configs.Resource{
		Mode: addrs.ManagedResourceMode, Type: "oracle_thing", Name: "it", Config: hcl.EmptyBody(),
		Managed: &configs.ManagedResource{IgnoreAllChanges: q.IgnoreAll, IgnoreChanges: traversals(q.Ignore)},
	}
	node.ResolvedProvider = ResolvedProvider{
		ProviderConfig: addrs.AbsProviderConfig{Provider: providerAddr},
		Instance:       func(addrs.InstanceKey) (providers.Configured, error) { return provider, nil },
	}
	var current *states.ResourceInstanceObject
	if !q.Prior.IsNull() {
		current = &states.ResourceInstanceObject{Status: states.ObjectReady, Value: q.Prior}
	}
	change, _, _, diags := node.plan(context.Background(), evalCtx, nil, current, false, nil)
	if diags.HasErrors() {
		return OracleAnswer{}, diags.Err()
	}
	if first == nil {
		return OracleAnswer{}, errors.New("core did not ask the provider")
	}
	return OracleAnswer{
		Config: first.Config, Proposed: first.ProposedNewState, After: change.After,
		Action: change.Action, Replace: change.RequiredReplace.List(),
	}, nil
}

func traversals(paths []cty.Path) []hcl.Traversal {
	var ret []hcl.Traversal
	for _, path := range paths {
		var traversal hcl.Traversal
		for _, step := range path {
			switch step := step.(type) {
			case cty.GetAttrStep:
				traversal = append(traversal, hcl.TraverseAttr{Name: step.Name})
			case cty.IndexStep:
				traversal = append(traversal, hcl.TraverseIndex{Key: step.Key})
			}
		}
		ret = append(ret, traversal)
	}
	return ret
}
