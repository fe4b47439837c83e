//! Where a value comes from, as a tree of steps.

use cty::{Path, Value};

use crate::Span;

/// One step on the way a value takes from where it is written to where it is used.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceStep {
    /// What it is.
    pub kind: TraceKind,
    /// What the step before takes of it: "the condition", "argument 2".
    pub role: Option<String>,
    /// Its name, where it has one: `var.region`, `merge()`, `tags`.
    pub name: Option<String>,
    /// Which part of it is looked at.
    pub path: Path,
    /// The code that says so.
    pub span: Option<Span>,
    /// That code, where there is any in native syntax.
    pub source: Option<String>,
    /// Its value at the path; `None` where it has none: nothing is there, or there is a mistake in the code.
    pub value: Option<Value>,
    /// What is unknown in the value, and why.
    pub unknown: Vec<UnknownPart>,
    /// What else there is to say, as a clause: "the condition is false".
    pub note: Option<String>,
    /// Whether its own steps are told further up.
    pub is_repeated: bool,
    /// Which of the inner steps gives it its value as it is.
    pub passes_on: Option<usize>,
    /// Where it comes from in turn.
    pub inner: Vec<TraceStep>,
}

/// Something that is not known, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownPart {
    /// Where in the value it is.
    pub path: Path,
    /// The code that says so, where there is any.
    pub span: Option<Span>,
    /// Why, as a clause with its subject.
    pub reason: String,
}

impl TraceStep {
    /// Makes a step without anything but its kind.
    pub fn new(kind: TraceKind) -> Self {
        Self {
            kind,
            role: None,
            name: None,
            path: Path::new(),
            span: None,
            source: None,
            value: None,
            unknown: Vec::new(),
            note: None,
            is_repeated: false,
            passes_on: None,
            inner: Vec::new(),
        }
    }

    /// Follows a value for as long as it is passed on as it is; the last step is where it is made.
    pub fn maker(&self) -> &Self {
        self.passes_on.and_then(|position| self.inner.get(position)).map_or(self, Self::maker)
    }

    /// Tells whether anything in its value is not known.
    pub fn is_unknown(&self) -> bool {
        self.value.as_ref().is_none_or(|value| !value.is_wholly_known())
    }
}

/// What a [`TraceStep`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TraceKind {
    /// An argument of a block.
    Argument,
    /// A nested block.
    Block,
    /// What is written as it is.
    Literal,
    /// A list or an object with its parts written out.
    Constructor,
    /// Text with values put in.
    Template,
    /// An operator with its operands.
    Operator,
    /// A function of the language.
    Function,
    /// A function of a provider.
    ProviderFunction,
    /// `condition ? yes : no`.
    Conditional,
    /// A `for` expression.
    For,
    /// An element that is chosen by a computed key.
    Index,
    /// `[*]`.
    Splat,
    /// A local value.
    Local,
    /// A variable.
    Variable,
    /// A value for a variable in a file of variables.
    VariableFile,
    /// A value for a variable in the environment.
    Environment,
    /// A value for a variable on the command line.
    CommandLine,
    /// The default of a variable.
    Default,
    /// The default of an attribute that a variable's type calls optional.
    OptionalDefault,
    /// An argument of a module's call.
    ModuleArgument,
    /// An output of a module.
    Output,
    /// All outputs of a module.
    Module,
    /// `each.key`.
    EachKey,
    /// `each.value`.
    EachValue,
    /// `count.index`.
    CountIndex,
    /// A key that a `for` or a `dynamic` block goes through.
    IterationKey,
    /// A `dynamic` block.
    Dynamic,
    /// `path.module` and the like.
    FolderPath,
    /// `terraform.workspace`.
    Workspace,
    /// An attribute of a managed resource.
    Resource,
    /// An attribute of a data source.
    Data,
    /// Nothing: it is not set.
    Nothing,
    /// Something that is not followed further.
    Cut,
}

impl TraceKind {
    /// Lists every kind.
    pub const ALL: &'static [Self] = &[
        Self::Argument,
        Self::Block,
        Self::Literal,
        Self::Constructor,
        Self::Template,
        Self::Operator,
        Self::Function,
        Self::ProviderFunction,
        Self::Conditional,
        Self::For,
        Self::Index,
        Self::Splat,
        Self::Local,
        Self::Variable,
        Self::VariableFile,
        Self::Environment,
        Self::CommandLine,
        Self::Default,
        Self::OptionalDefault,
        Self::ModuleArgument,
        Self::Output,
        Self::Module,
        Self::EachKey,
        Self::EachValue,
        Self::CountIndex,
        Self::IterationKey,
        Self::Dynamic,
        Self::FolderPath,
        Self::Workspace,
        Self::Resource,
        Self::Data,
        Self::Nothing,
        Self::Cut,
    ];

    /// Gives its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Argument => "argument",
            Self::Block => "block",
            Self::Literal => "literal",
            Self::Constructor => "constructor",
            Self::Template => "template",
            Self::Operator => "operator",
            Self::Function => "function",
            Self::ProviderFunction => "provider_function",
            Self::Conditional => "conditional",
            Self::For => "for",
            Self::Index => "index",
            Self::Splat => "splat",
            Self::Local => "local",
            Self::Variable => "variable",
            Self::VariableFile => "variable_file",
            Self::Environment => "environment",
            Self::CommandLine => "command_line",
            Self::Default => "default",
            Self::OptionalDefault => "optional_default",
            Self::ModuleArgument => "module_argument",
            Self::Output => "output",
            Self::Module => "module",
            Self::EachKey => "each_key",
            Self::EachValue => "each_value",
            Self::CountIndex => "count_index",
            Self::IterationKey => "iteration_key",
            Self::Dynamic => "dynamic_block",
            Self::FolderPath => "folder_path",
            Self::Workspace => "workspace",
            Self::Resource => "resource",
            Self::Data => "data_source",
            Self::Nothing => "nothing",
            Self::Cut => "not_followed",
        }
    }
}
