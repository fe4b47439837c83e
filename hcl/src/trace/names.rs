//! What names lead to: variables, local values, outputs, instances, and what `each` goes through.

use std::sync::Arc;

use cty::{Path, PathStep, Value};
use model::{Diagnostics, InstanceKey, ModuleAddress, ResourceAddress, ResourceMode, TraceKind, TraceStep};

use super::subject::key_text;
use super::walk::{Place, Tracer, fill, inside, mistake};
use super::{Code, TraceSubject};
use crate::definitions::Variable;
use crate::evaluate::{NoScope, TypeConstraint, Unknown, expression};
use crate::expression::{self, Node, NodeKind};
use crate::root::{Repetition, called, instance_key};
use crate::syntax::File;

impl<'r> Tracer<'r> {
    /// Follows a reference with all steps behind its first name.
    pub(super) fn reference(
        &mut self,
        place: &Place<'r>,
        file: &Arc<File>,
        node: &Node,
        name: &str,
        steps: &[PathStep],
        path: &[PathStep],
    ) -> TraceStep {
        let module = place.scope.module().clone();
        let leaf = |tracer: &Self, kind| {
            let mut step = tracer.step(kind, place, file, node, path);
            let written: Path =
                std::iter::once(PathStep::GetAttr(name.to_owned())).chain(steps.iter().cloned()).collect();
            step.name = Some(written.to_string());
            step.path = Path::new();
            step
        };
        let Some(first) = steps.first().and_then(key_text) else { return leaf(self, TraceKind::Cut) };
        match (name, first.as_str()) {
            ("var", variable) => self.variable(&module, variable, &steps[1..]),
            ("local", local) => self.local(&module, local, &steps[1..]),
            ("path", _) => leaf(self, TraceKind::FolderPath),
            ("terraform" | "tofu", _) => leaf(self, TraceKind::Workspace),
            ("count", _) => {
                let mut step = leaf(self, TraceKind::CountIndex);
                self.repetition(&mut step, place, &[]);
                step
            }
            ("each", part) => {
                let kind = if part == "key" { TraceKind::EachKey } else { TraceKind::EachValue };
                let mut step = leaf(self, kind);
                step.name = Some(format!("each.{part}"));
                step.path = steps[1..].iter().cloned().collect();
                let rest = if part == "key" { &[] } else { &steps[1..] };
                self.repetition(&mut step, place, rest);
                step
            }
            ("module", call) => self.module(leaf(self, TraceKind::Module), &module, call, &steps[1..]),
            ("data", _) => self.resource(leaf(self, TraceKind::Data), &module, ResourceMode::Data, &steps[0..], 1),
            ("resource", _) => self.resource(leaf(self, TraceKind::Resource), &module, ResourceMode::Managed, steps, 1),
            ("self" | "ephemeral" | "template", _) => leaf(self, TraceKind::Cut),
            _ => {
                let typed: Vec<PathStep> =
                    std::iter::once(PathStep::GetAttr(name.to_owned())).chain(steps.iter().cloned()).collect();
                self.resource(leaf(self, TraceKind::Resource), &module, ResourceMode::Managed, &typed, 0)
            }
        }
    }

    /// Follows what `each` and `count` mean to the expression that is gone through.
    fn repetition(&mut self, step: &mut TraceStep, place: &Place<'r>, rest: &[PathStep]) {
        let Some(repeated) = place.repeated.clone() else { return };
        let Ok(outer) = self.root.module_scope(place.scope.module()) else { return };
        let outer = Place::new(self.root, outer);
        let Ok(node) = expression::parse(&repeated.file, &repeated.expression) else { return };
        let InstanceKey::String(key) = &repeated.key else {
            let mut found = self.node(&outer, &repeated.file, &node, &[]);
            found.role = Some("count".to_owned());
            step.inner.push(found);
            return;
        };
        let is_set = matches!(place.scope.repetition(), Repetition::Each { key, value } if key == &value.unmark().0);
        if step.kind == TraceKind::EachKey && !is_set {
            step.note = Some(format!("the instance has the key {:?} of for_each", &**key));
            let mut found = self.node(&outer, &repeated.file, &node, &[]);
            found.role = Some("for_each".to_owned());
            step.inner.push(found);
            return;
        }
        step.note = Some(format!("for_each has the key {:?} for this instance", &**key));
        let path: Vec<PathStep> =
            std::iter::once(PathStep::Index(Value::string(&**key))).chain(rest.iter().cloned()).collect();
        step.inner.push(self.node(&outer, &repeated.file, &node, &path));
        step.passes_on = Some(0);
    }

    /// Makes the step of something with a name and a value of its own, and tells whether it is told for the first time.
    fn own(
        &mut self,
        kind: TraceKind,
        subject: &TraceSubject,
        (value, unknown, problems): (Value, Vec<Unknown>, Diagnostics),
        path: &[PathStep],
    ) -> (TraceStep, bool) {
        let mut step = TraceStep::new(kind);
        let name = subject.to_string();
        step.is_repeated = !self.is_first(&name, path);
        step.name = Some(name);
        step.path = path.iter().cloned().collect();
        step.span = self.root.declaration(subject);
        let valued = match problems.into_iter().next() {
            Some(problem) => Err(problem.detail),
            None => Ok((value, unknown)),
        };
        fill(&mut step, valued, path);
        let is_first = !step.is_repeated;
        (step, is_first)
    }

    /// Follows the value of an expression into a step.
    fn follow(&mut self, step: &mut TraceStep, place: &Place<'r>, (file, written): Code<'_>, path: &[PathStep]) {
        match expression::parse(file, written) {
            Ok(node) => {
                step.source = Some(file.source(written))
                    .filter(|text| !text.is_empty())
                    .map(|text| super::text::on_one_line(&text));
                step.inner.push(self.node(place, file, &node, path));
                step.passes_on = Some(0);
            }
            Err(problem) => step.note = Some(mistake(&problem.detail)),
        }
    }

    /// Follows a local value.
    pub(super) fn local(&mut self, module: &ModuleAddress, name: &str, path: &[PathStep]) -> TraceStep {
        let subject = TraceSubject::Local { module: module.clone(), name: name.to_owned() };
        let (mut step, is_first) = self.own(TraceKind::Local, &subject, self.root.local(module, name), path);
        let code = self.root.definitions(module).and_then(|definitions| definitions.locals.get(name));
        if let (true, Some((file, written)), Ok(scope)) = (is_first, code, self.root.module_scope(module)) {
            self.follow(&mut step, &Place::new(self.root, scope), (file, written), path);
        }
        step
    }

    /// Follows an output value.
    pub(super) fn output(&mut self, module: &ModuleAddress, name: &str, path: &[PathStep]) -> TraceStep {
        let subject = TraceSubject::Output { module: module.clone(), name: name.to_owned() };
        let (mut step, is_first) = self.own(TraceKind::Output, &subject, self.root.output(module, name), path);
        let output = self.root.definitions(module).and_then(|definitions| definitions.outputs.get(name));
        let code = output.and_then(|output| output.written.attribute("value"));
        if let (true, Some((file, value)), Ok(scope)) = (is_first, code, self.root.module_scope(module)) {
            step.span = Some(file.span(&value.range)).filter(|_| value.expression.json().is_none()).or(step.span);
            self.follow(&mut step, &Place::new(self.root, scope), (file, &value.expression), path);
        }
        step
    }

    /// Follows a variable to what gives it its value.
    pub(super) fn variable(&mut self, module: &ModuleAddress, name: &str, path: &[PathStep]) -> TraceStep {
        let subject = TraceSubject::Variable { module: module.clone(), name: name.to_owned() };
        let (mut step, is_first) = self.own(TraceKind::Variable, &subject, self.root.variable(module, name), path);
        let variable = self.root.definitions(module).and_then(|definitions| definitions.variables.get(name));
        let Some(variable) = variable.filter(|_| is_first) else { return step };
        let given = match module.steps().split_last() {
            None => self.given_outside(name, variable, path),
            Some((last, outer)) => {
                let outer = ModuleAddress::from_steps(outer.to_vec());
                self.given_by_call(module, &outer, &last.name, name, variable, path)
            }
        };
        let given = match given {
            Some(found) if found.value.is_some() || path.is_empty() || step.value.is_none() => found,
            // It is given, and has nothing at the path, but the variable has: its type says what is there then.
            Some(found) => self.optional_default(variable, path).unwrap_or(found),
            None => self.default(variable, path),
        };
        step.inner.push(given);
        step.passes_on = Some(0);
        step
    }

    /// Follows the value of a variable of the root module; `None` where its default counts.
    fn given_outside(&mut self, name: &str, variable: &Variable, path: &[PathStep]) -> Option<TraceStep> {
        let variables = Arc::clone(&self.root.sources().variables);
        let origin = variables.origin(name)?;
        let Some(entry) = variables.entry(name) else {
            let kind =
                if origin.starts_with("the environment") { TraceKind::Environment } else { TraceKind::CommandLine };
            let mut step = TraceStep::new(kind);
            step.name = Some(origin.to_owned());
            step.path = path.iter().cloned().collect();
            let settled = match variables.value(name, variable) {
                Ok(value) => Ok((value.unwrap_or_else(Value::dynamic), Vec::new())),
                Err(problem) => Err(problem.detail),
            };
            fill(&mut step, settled, path);
            return Some(step);
        };
        let mut step = TraceStep::new(TraceKind::VariableFile);
        step.span = Some(entry.span.clone());
        step.name = Some(entry.span.file.to_string());
        step.path = path.iter().cloned().collect();
        match &entry.written {
            Some((file, written)) => {
                let (value, unknown, problems) = expression(file, written, &NoScope);
                if value.is_null() && !variable.is_nullable {
                    return None;
                }
                let valued = problems.into_iter().next().map_or(Ok((value, unknown)), |problem| Err(problem.detail));
                fill(&mut step, valued, path);
                // The file is read in a scope without names; that of the root module has more, and the values are the same.
                if let Ok(scope) = self.root.module_scope(&ModuleAddress::root()) {
                    self.follow(&mut step, &Place::new(self.root, scope), (file, written), path);
                }
            }
            None => {
                let value = variables.value(name, variable).ok().flatten();
                if let Some(value) = value {
                    (step.value, step.unknown) = inside(&value, &[], path);
                }
            }
        }
        Some(step)
    }

    /// Follows the argument of a call; `None` where the variable's default counts.
    fn given_by_call(
        &mut self,
        module: &ModuleAddress,
        outer: &ModuleAddress,
        call: &str,
        name: &str,
        variable: &Variable,
        path: &[PathStep],
    ) -> Option<TraceStep> {
        let written = self.root.definitions(outer)?.calls.get(call)?;
        let (file, argument) = written.attribute(name)?;
        let scope = self.root.call_scope(module).ok()?;
        let key = module.steps().last().and_then(|step| step.key.as_ref());
        let place = Place::repeated(self.root, scope, written, key);
        let mut step = self.named(
            TraceKind::ModuleArgument,
            format!("{name} of {module}"),
            &place,
            (file, &argument.expression),
            path,
        );
        step.span = Some(file.span(&argument.range));
        let is_null = step.value.as_ref().is_some_and(Value::is_null);
        if is_null && path.is_empty() && !variable.is_nullable {
            return None;
        }
        Some(step)
    }

    fn default(&mut self, variable: &Variable, path: &[PathStep]) -> TraceStep {
        let mut step = TraceStep::new(TraceKind::Default);
        step.path = path.iter().cloned().collect();
        let Some((file, written)) = &variable.default_written else {
            step.kind = TraceKind::Nothing;
            step.span = Some(variable.span.clone());
            step.note = Some("nothing gives it a value, and it has no default".to_owned());
            return step;
        };
        step.span = Some(file.expression_span(written)).filter(|_| written.json().is_none());
        step.span = step.span.or_else(|| Some(variable.span.clone()));
        if let Some(value) = &variable.default {
            (step.value, step.unknown) = inside(value, &[], path);
        }
        if let Ok(scope) = self.root.module_scope(&ModuleAddress::root()) {
            self.follow(&mut step, &Place::new(self.root, scope), (file, written), path);
        }
        let is_written = step.inner.first().is_some_and(|found| found.value.is_some());
        if is_written || path.is_empty() {
            return step;
        }
        self.optional_default(variable, path).unwrap_or(step)
    }

    /// Finds the default of an attribute that the type of a variable calls optional.
    fn optional_default(&mut self, variable: &Variable, path: &[PathStep]) -> Option<TraceStep> {
        let (file, written) = variable.type_written.as_ref()?;
        let node = expression::parse(file, written).ok()?;
        let (default, rest) = default_in(&node, path)?;
        let scope = self.root.module_scope(&ModuleAddress::root()).ok()?;
        let mut step = TraceStep::new(TraceKind::OptionalDefault);
        step.path = path.iter().cloned().collect();
        match default {
            Some(default) => {
                let found = self.node(&Place::new(self.root, scope), file, default, rest);
                (step.span, step.value) = (found.span.clone(), found.value.clone());
                step.inner.push(found);
                step.passes_on = Some(0);
            }
            None => {
                step.span = Some(file.span(&node.range));
                step.value = Some(Value::null(TypeConstraint::any().ty));
            }
        }
        Some(step)
    }

    /// Follows a reference to a module's output.
    fn module(&mut self, mut step: TraceStep, caller: &ModuleAddress, name: &str, steps: &[PathStep]) -> TraceStep {
        let keys = match self.root.call_keys(caller, name) {
            Ok(keys) => keys,
            Err(reason) => {
                step.note = Some(format!("which instances module.{name} has is not known: {reason}"));
                return step;
            }
        };
        let (key, rest) = match (keys.contains_key(&None), steps) {
            (true, rest) => (None, rest),
            (false, [PathStep::Index(key), rest @ ..]) => (instance_key(key).flatten(), rest),
            (false, _) => {
                step.note = Some(format!("all {} instances of the module", keys.len()));
                return step;
            }
        };
        let module = called(caller, name, key);
        if self.root.definitions(&module).is_none() {
            step.note = self.root.module_scope(&module).err().map(|problem| mistake(&problem.detail));
            return step;
        }
        match rest {
            [output, rest @ ..] if key_text(output).is_some() => {
                self.output(&module, &key_text(output).unwrap_or_default(), rest)
            }
            _ => {
                step.note = Some("all outputs of the module".to_owned());
                step
            }
        }
    }

    /// Follows a reference to a resource or data source to what its block says.
    fn resource(
        &mut self,
        mut step: TraceStep,
        module: &ModuleAddress,
        mode: ResourceMode,
        steps: &[PathStep],
        n_before: usize,
    ) -> TraceStep {
        let steps =
            if n_before == 1 && mode == ResourceMode::Managed { steps } else { steps.get(..).unwrap_or_default() };
        let (Some(resource_type), Some(name)) = (steps.first().and_then(key_text), steps.get(1).and_then(key_text))
        else {
            return step;
        };
        let address = ResourceAddress {
            module: module.clone(),
            mode,
            resource_type: resource_type.as_str().into(),
            name: name.as_str().into(),
        };
        let rest = &steps[2..];
        let keys = match self.root.resource_keys(&address) {
            Ok(keys) => keys,
            Err(reason) => {
                step.note = Some(format!("which instances it has is not known: {reason}"));
                return step;
            }
        };
        let (key, rest) = match (keys.contains_key(&None), rest) {
            (true, rest) => (None, rest),
            (false, [PathStep::Index(key), rest @ ..]) => (instance_key(key).flatten(), rest),
            (false, _) => {
                step.name = Some(address.to_string());
                step.note = Some(format!("all {} instances of it", keys.len()));
                return step;
            }
        };
        let instance = address.instance(key);
        step.name = Some(instance.to_string());
        step.path = rest.iter().cloned().collect();
        step.span = self.root.declaration(&TraceSubject::Instance(instance.clone())).or(step.span);
        step.source = None;
        if step.value.as_ref().is_some_and(Value::is_known) {
            let note = if mode == ResourceMode::Data { "as it was read" } else { "as it is planned" };
            step.note = Some(note.to_owned());
        }
        step.is_repeated = !self.is_first(&instance.to_string(), rest);
        if step.is_repeated || rest.is_empty() {
            return step;
        }
        if let Ok((written, place)) = self.root.place(&TraceSubject::Instance(instance)) {
            let found = self.argument(&place, &written, rest, &Path::new());
            if found.kind == TraceKind::Nothing {
                let before = step.note.map(|note| format!("{note}; ")).unwrap_or_default();
                step.note = Some(format!("{before}its block does not set it: the provider does"));
            } else {
                let mut found = found;
                found.role = Some("its block says".to_owned());
                step.inner.push(found);
            }
        }
        step
    }
}

/// Finds what the type of a variable gives for what is left out at a path: the default, or nothing where it is null; and
/// the path inside of it.
fn default_in<'n, 'p>(node: &'n Node, path: &'p [PathStep]) -> Option<(Option<&'n Node>, &'p [PathStep])> {
    let [first, rest @ ..] = path else { return None };
    match &node.kind {
        NodeKind::Parentheses(inner) => default_in(inner, path),
        NodeKind::Call { name, arguments, .. } => match (name.as_str(), arguments.as_slice()) {
            ("list" | "set" | "map", [element]) => default_in(element, rest),
            ("object", [Node { kind: NodeKind::Object(items), .. }]) => {
                let wanted = key_text(first)?;
                let (_, ty) = items.iter().find(|(key, _)| match &key.kind {
                    NodeKind::Name(name) => *name == wanted,
                    NodeKind::Literal(text) => text.as_str() == Some(&wanted),
                    _ => false,
                })?;
                let NodeKind::Call { name, arguments, .. } = &ty.kind else { return default_in(ty, rest) };
                if name != "optional" {
                    return default_in(ty, rest);
                }
                let inner = arguments.first().and_then(|inner| default_in(inner, rest));
                inner.or_else(|| Some((arguments.get(1), rest)))
            }
            ("tuple", [Node { kind: NodeKind::Tuple(elements), .. }]) => {
                default_in(elements.get(super::subject::key_position(first)?)?, rest)
            }
            _ => None,
        },
        _ => None,
    }
}
