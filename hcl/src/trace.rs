//! Where values come from: followed from where they are used to where they are written, when somebody asks.
//!
//! Nothing is stored with values for this. A trace evaluates the parts of expressions again, in the scope they stand in,
//! and follows a path into them: through constructors to the item, through functions that choose to what they chose.
//! Where that cannot be told, everything that an expression refers to is an inner step.
//!
//! **Start reading** at [`Root::trace`], then [`walk`].

mod calls;
mod names;
mod subject;
mod text;
mod walk;
mod written;

use std::collections::BTreeSet;

use cty::{Path, Value};
use model::{
    Diagnostic, InstanceAddress, InstanceKey, ModuleAddress, ResourceAddress, Span, TraceKind, TraceStep, UnknownPart,
};

use crate::evaluate::{Unknown, Written};
use crate::root::{META_ARGUMENTS, Root};
use crate::syntax::Expression;
use walk::{Place, Tracer};

pub use subject::{NoSuchName, parse_path};
pub use text::without_literals;

/// Something of a root module whose value can be asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum TraceSubject {
    /// An instance of a resource, or of a data source.
    Instance(InstanceAddress),
    /// A resource or data source that `count` or `for_each` repeats.
    Resource(ResourceAddress),
    /// A provider block.
    Provider {
        /// The module.
        module: ModuleAddress,
        /// The local name of the provider.
        name: String,
        /// The alias.
        alias: Option<String>,
        /// The key, where `for_each` repeats the block.
        key: Option<InstanceKey>,
    },
    /// The call of a module instance.
    Call(ModuleAddress),
    /// A local value.
    Local {
        /// The module instance.
        module: ModuleAddress,
        /// Its name.
        name: String,
    },
    /// A variable.
    Variable {
        /// The module instance.
        module: ModuleAddress,
        /// Its name.
        name: String,
    },
    /// An output value.
    Output {
        /// The module instance.
        module: ModuleAddress,
        /// Its name.
        name: String,
    },
}

/// Where the value of an argument is written.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueOrigin {
    /// It is one literal, as it stands there.
    Literal(Span),
    /// It is made of what stands at these places; empty where no code says so.
    Places(Vec<Span>),
}

/// An argument of a resource as it is written, and where its value is.
#[derive(Clone, Debug, PartialEq)]
pub struct ArgumentOrigin {
    /// The whole argument, from its name to the end of its expression, in the block that sets it, or in the `content` of a
    /// `dynamic` one; `None` where no argument is written there.
    pub argument: Option<Span>,
    /// Where its value, or what is at the path inside of it, is written.
    pub value: ValueOrigin,
}

impl Root {
    /// Gives the argument that sets what is at a path of an instance, and where its value is written.
    ///
    /// The path is one of the provider's schema: `tags["Name"]`, `disk[1].size`; an element of a set is meant by its
    /// position, or by an object with its arguments.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use hcl::trace::{ValueOrigin, parse_path};
    ///
    /// let code = "locals {\n  size = 10\n}\nresource \"a_host\" \"web\" {\n  name = \"w\"\n  disk {\n    size = local.size\n  }\n}\n";
    /// let tree = hcl::MemoryTree([("main.tf".to_owned(), code.as_bytes().to_vec())].into());
    /// let (configuration, _) = hcl::configuration::Configuration::read(&tree, ".", ".terraform");
    /// let root = hcl::root::Root::new(hcl::root::Sources {
    ///     configuration: Arc::new(configuration),
    ///     variables: Arc::default(),
    ///     tree: Arc::new(tree),
    ///     home: None,
    ///     workspace: "default".to_owned(),
    ///     current_dir: None,
    /// });
    /// let found = root.argument_origin(&"a_host.web".parse()?, &parse_path("disk[0].size").map_err(|problem| problem.detail)?);
    /// let found = found.map_err(|problem| problem.detail)?;
    /// assert_eq!(found.argument.map(|span| (span.start.line, span.start.column)), Some((7, 5)));
    /// let ValueOrigin::Literal(span) = found.value else { return Err("it is no literal".into()) };
    /// assert_eq!(&code[span.start.byte..span.end.byte], "10");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Root::trace`].
    pub fn argument_origin(&self, address: &InstanceAddress, path: &Path) -> Result<ArgumentOrigin, Box<Diagnostic>> {
        let step = self.trace(&TraceSubject::Instance(address.clone()), path)?;
        let mut written = Some(&step);
        while let Some(inner) = written.filter(|step| step.kind != TraceKind::Argument) {
            written = inner.passes_on.and_then(|position| inner.inner.get(position));
        }
        Ok(ArgumentOrigin { argument: written.and_then(|step| step.span.clone()), value: origin(&step) })
    }

    /// Follows the value of something, or of what is at a path inside of it, to where it comes from.
    ///
    /// # Errors
    /// One problem, where the code has nothing of this name, or nobody can tell whether it has.
    pub fn trace(&self, subject: &TraceSubject, path: &Path) -> Result<TraceStep, Box<Diagnostic>> {
        let mut tracer = Tracer::new(self);
        let mut step = match subject {
            TraceSubject::Local { module, name } => tracer.local(module, name, path.steps()),
            TraceSubject::Variable { module, name } => tracer.variable(module, name, path.steps()),
            TraceSubject::Output { module, name } => tracer.output(module, name, path.steps()),
            TraceSubject::Instance(_)
            | TraceSubject::Resource(_)
            | TraceSubject::Provider { .. }
            | TraceSubject::Call(_) => {
                let (written, place) = self.place(subject)?;
                tracer.argument(&place, &written, path.steps(), &Path::new())
            }
        };
        hide(&mut step, false);
        Ok(step)
    }

    /// Lists the paths of what a block writes: its arguments, those of blocks in it, and the items of objects that are
    /// written out. Empty for what is no block.
    ///
    /// # Errors
    /// As [`Root::trace`].
    pub fn written_paths(&self, subject: &TraceSubject) -> Result<Vec<Path>, Box<Diagnostic>> {
        match subject {
            TraceSubject::Local { .. } | TraceSubject::Variable { .. } | TraceSubject::Output { .. } => Ok(Vec::new()),
            _ => {
                let (written, place) = self.place(subject)?;
                Ok(Tracer::new(self).written_paths(&place, &written))
            }
        }
    }

    /// Gives where something is declared; `None` where the code has no place for it.
    pub fn declaration(&self, subject: &TraceSubject) -> Option<Span> {
        match subject {
            TraceSubject::Instance(address) => self.resource(&address.resource).map(|found| found.span.clone()),
            TraceSubject::Resource(address) => self.resource(address).map(|found| found.span.clone()),
            TraceSubject::Provider { module, name, alias, .. } => {
                let blocks = &self.definitions(module)?.providers;
                let found = blocks.iter().find(|block| block.name == *name && block.alias == *alias)?;
                Some(found.span.clone())
            }
            TraceSubject::Call(module) => {
                let (step, outer) = module.steps().split_last()?;
                let outer = self.definitions(&ModuleAddress::from_steps(outer.to_vec()))?;
                let (file, attribute) = outer.calls.get(&*step.name)?.attributes().next()?;
                Some(file.span(&attribute.range))
            }
            TraceSubject::Local { module, name } => {
                let (file, expression) = self.definitions(module)?.locals.get(name)?;
                Some(file.expression_span(expression))
            }
            TraceSubject::Variable { module, name } => {
                self.definitions(module)?.variables.get(name).map(|found| found.span.clone())
            }
            TraceSubject::Output { module, name } => {
                self.definitions(module)?.outputs.get(name).map(|found| found.span.clone())
            }
        }
    }

    /// Finds what is written in a block, and the place in which it is evaluated.
    fn place(&self, subject: &TraceSubject) -> Result<(Written, Place<'_>), Box<Diagnostic>> {
        let missing = |detail: String| Box::new(Diagnostic::error("invalid-reference", "No such address", detail));
        match subject {
            TraceSubject::Instance(address) => {
                let definition = self.resource(&address.resource);
                let definition =
                    definition.ok_or_else(|| missing(format!("The code has no block of {}.", address.resource)))?;
                let scope = self.instance_scope(address)?;
                let place = Place::repeated(self, scope, &definition.written, address.key.as_ref());
                let meta: Vec<&str> = META_ARGUMENTS.iter().copied().filter(|name| !is_repetition(name)).collect();
                Ok((definition.written.clone().without(&meta), place))
            }
            TraceSubject::Resource(address) => {
                let definition = self.resource(address);
                let definition = definition.ok_or_else(|| missing(format!("The code has no block of {address}.")))?;
                let scope = self.module_scope(&address.module)?;
                Ok((definition.written.clone(), Place::new(self, scope)))
            }
            TraceSubject::Provider { module, name, alias, key } => {
                let scope = self.module_scope(module)?;
                let blocks = self.definitions(module).map(|definitions| &definitions.providers);
                let found = blocks
                    .into_iter()
                    .flatten()
                    .find(|block| block.name == *name && block.alias == *alias)
                    .ok_or_else(|| {
                        missing(format!("The code has no block of the provider {name:?} with this alias."))
                    })?;
                let place = match key {
                    Some(_) => Place::of_provider(self, scope, &found.body, key.as_ref()),
                    None => Place::new(self, scope),
                };
                Ok((found.body.clone(), place))
            }
            TraceSubject::Call(module) => {
                let Some((step, outer)) = module.steps().split_last() else {
                    return Err(missing("Nothing calls the root module.".to_owned()));
                };
                let scope = self.call_scope(module)?;
                let outer = ModuleAddress::from_steps(outer.to_vec());
                let call = self.definitions(&outer).and_then(|definitions| definitions.calls.get(&*step.name));
                let call = call.ok_or_else(|| missing(format!("Nothing calls {module}.")))?;
                Ok((call.clone(), Place::repeated(self, scope, call, step.key.as_ref())))
            }
            TraceSubject::Local { .. } | TraceSubject::Variable { .. } | TraceSubject::Output { .. } => {
                Err(missing("This is no block.".to_owned()))
            }
        }
    }
}

/// Gives where a traced value is written: one literal that can be edited, or the places it is made of.
pub fn origin(step: &TraceStep) -> ValueOrigin {
    let maker = step.maker();
    let is_same = || match (&step.value, &maker.value) {
        (Some(value), Some(made)) => {
            let value = value.unmark().0;
            cty::convert::convert(&made.unmark().0, value.ty()).is_ok_and(|made| made == value)
        }
        _ => false,
    };
    match &maker.span {
        Some(span)
            if maker.kind == TraceKind::Literal
                && maker.path.is_empty()
                && span.start.byte < span.end.byte
                && is_same() =>
        {
            ValueOrigin::Literal(span.clone())
        }
        _ => {
            let mut places = BTreeSet::new();
            leaves(maker, &mut places);
            ValueOrigin::Places(places.into_iter().collect())
        }
    }
}

/// Marks as sensitive what a sensitive value is made of, and leaves the literals in it out.
pub fn hide(step: &mut TraceStep, is_sensitive: bool) {
    let is_sensitive = is_sensitive || step.value.as_ref().is_some_and(Value::is_sensitive);
    if is_sensitive {
        step.value = step.value.take().map(|value| value.mark_sensitive());
        step.source = step.source.take().map(|source| without_literals(&source));
        if let Some(note) = step.note.take_if(|note| note.contains('"')) {
            step.note = Some(without_literals(&note));
        }
    }
    for inner in &mut step.inner {
        hide(inner, is_sensitive);
    }
}

fn leaves(step: &TraceStep, places: &mut BTreeSet<Span>) {
    if step.inner.is_empty() {
        places.extend(step.span.clone());
    }
    for inner in &step.inner {
        leaves(inner, places);
    }
}

fn is_repetition(name: &str) -> bool {
    matches!(name, "count" | "for_each")
}

fn unknown_part(unknown: &Unknown) -> UnknownPart {
    UnknownPart { path: unknown.path.clone(), span: unknown.span.clone(), reason: unknown.reason.clone() }
}

/// Tells whether an expression is one literal.
fn is_literal(node: &crate::expression::Node) -> bool {
    matches!(node.kind, crate::expression::NodeKind::Literal(_))
}

/// An expression with its file, and the value it has where it stands.
type Code<'c> = (&'c std::sync::Arc<crate::syntax::File>, &'c Expression);

/// What became of evaluating something: its value with what is unknown in it, or why there is none.
type Valued = Result<(Value, Vec<Unknown>), String>;
