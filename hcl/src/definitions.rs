//! What a module defines for evaluation: variables, locals, provider blocks and calls, with the files they stand in.

use std::collections::BTreeMap;
use std::sync::Arc;

use cty::{Type, Value};
use model::{Diagnostic, Diagnostics, ModuleAddress, ResourceAddress, ResourceMode, Span};

use crate::evaluate::{NoScope, TypeConstraint, Written, expression};
use crate::lex::TokenKind;
use crate::literal;
use crate::module;
use crate::source::SourceTree;
use crate::syntax::{BlockSyntax, Expression, File};

/// The definitions of one module.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// The folder of the module, relative to the topmost folder of its tree.
    pub folder: String,
    /// Its variables.
    pub variables: BTreeMap<String, Variable>,
    /// Its local values.
    pub locals: BTreeMap<String, (Arc<File>, Expression)>,
    /// Its provider configurations.
    pub providers: Vec<ProviderConfiguration>,
    /// The modules it calls: what they are given, by their names.
    pub calls: BTreeMap<String, Written>,
    /// Where the modules are called, by the names of the calls.
    pub call_spans: BTreeMap<String, Span>,
    /// Its resources and data sources, by their addresses within the module.
    pub resources: BTreeMap<ResourceAddress, ResourceDefinition>,
    /// Its output values.
    pub outputs: BTreeMap<String, OutputDefinition>,
    /// Its `moved` blocks.
    pub moved: Vec<BlockDefinition>,
    /// Its `import` blocks.
    pub imports: Vec<BlockDefinition>,
    /// Its `removed` blocks.
    pub removed: Vec<BlockDefinition>,
    /// Its `check` blocks, by name. Their data sources are among the resources.
    pub checks: BTreeMap<String, BlockDefinition>,
    /// Its ephemeral resources, by type and name.
    pub ephemerals: BTreeMap<(String, String), BlockDefinition>,
    /// What is wrong with the types and defaults of its variables.
    pub problems: Diagnostics,
    /// The files it was read from, overrides last, each with whether it is one.
    pub files: Vec<(Arc<File>, bool)>,
    /// The provider configurations that must be passed to it: local names and aliases.
    pub required_aliases: Vec<(String, String)>,
    /// The source addresses of the providers it asks for, as written, by local name.
    pub required_providers: BTreeMap<String, Option<String>>,
}

/// A block that has no kind of its own here, unevaluated.
#[derive(Clone, Debug)]
pub struct BlockDefinition {
    /// Its body, with what override files replace in it.
    pub written: Written,
    /// Where it is declared.
    pub span: Span,
}

/// A variable of a module.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its type.
    pub constraint: TypeConstraint,
    /// Its default, of its type.
    pub default: Option<Value>,
    /// Whether null is a value for it.
    pub is_nullable: bool,
    /// Whether its value must not be shown.
    pub is_sensitive: bool,
    /// Whether its value is kept in no state.
    pub is_ephemeral: bool,
    /// What its users are told to use in its place.
    pub deprecated: Option<String>,
    /// Its `validation` blocks.
    pub validations: Vec<(Arc<File>, BlockSyntax)>,
    /// Where it is declared.
    pub span: Span,
    /// Its default as it is written, with its file.
    pub default_written: Option<(Arc<File>, Expression)>,
    /// Its type as it is written, with its file.
    pub type_written: Option<(Arc<File>, Expression)>,
}

/// A resource or data source of a module, unevaluated.
#[derive(Clone, Debug)]
pub struct ResourceDefinition {
    /// Its body, with what override files replace in it.
    pub written: Written,
    /// Where it is declared.
    pub span: Span,
}

/// An output value of a module, unevaluated.
#[derive(Clone, Debug)]
pub struct OutputDefinition {
    /// Its body, with what override files replace in it.
    pub written: Written,
    /// Whether its value must not be shown.
    pub is_sensitive: bool,
    /// Whether its value is kept in no state.
    pub is_ephemeral: bool,
    /// Where it is declared.
    pub span: Span,
}

/// A provider configuration of a module.
#[derive(Clone, Debug)]
pub struct ProviderConfiguration {
    /// The local name.
    pub name: String,
    /// The alias; `None` for the default configuration.
    pub alias: Option<String>,
    /// Its body, with what override files replace in it.
    pub body: Written,
    /// Where it is declared.
    pub span: Span,
}

impl Definitions {
    /// Reads the definitions of the module in a folder.
    ///
    /// Files that do not parse are problems; what can be read of them counts.
    pub fn read(tree: &dyn SourceTree, folder: &str) -> (Self, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let files = module::files(tree, folder, &mut diagnostics);
        let (definitions, problems) = Self::of_files(folder, &files);
        diagnostics.extend(problems);
        (definitions, diagnostics)
    }

    /// Collects the definitions of files, overrides last, of which each says whether it is one.
    pub(crate) fn of_files(folder: &str, files: &[(Arc<File>, bool)]) -> (Self, Diagnostics) {
        let mut definitions = Self { folder: folder.to_owned(), files: files.to_vec(), ..Self::default() };
        let mut diagnostics = Diagnostics::new();
        for (file, is_override) in files {
            for block in &file.body.blocks {
                definitions.add(file, block, *is_override, &mut diagnostics);
            }
        }
        definitions.problems.clone_from(&diagnostics);
        (definitions, diagnostics)
    }

    fn add(&mut self, file: &Arc<File>, block: &BlockSyntax, is_override: bool, diagnostics: &mut Diagnostics) {
        match (block.block_type.as_str(), block.labels.as_slice()) {
            ("variable", [name]) => {
                let earlier = self.variables.get(name).filter(|_| is_override).cloned();
                let variable = variable(file, block, earlier, diagnostics);
                self.variables.insert(name.clone(), variable);
            }
            ("locals", []) => {
                for attribute in &block.body.attributes {
                    self.locals.insert(attribute.name.clone(), (Arc::clone(file), attribute.expression.clone()));
                }
            }
            ("provider", [name]) => {
                let body = Written::new(file, &block.body);
                let alias = block.body.attribute("alias").and_then(|alias| file.literal(&alias.expression).ok());
                let alias = alias.and_then(|alias| alias.as_str().map(str::to_owned));
                let same = |other: &&mut ProviderConfiguration| other.name == *name && other.alias == alias;
                match self.providers.iter_mut().find(same).filter(|_| is_override) {
                    Some(earlier) => earlier.body.override_with(body),
                    None => {
                        let span = file.span(&block.header);
                        self.providers.push(ProviderConfiguration { name: name.clone(), alias, body, span });
                    }
                }
            }
            ("module", [name]) => {
                let written = Written::new(file, &block.body);
                match self.calls.get_mut(name).filter(|_| is_override) {
                    Some(earlier) => earlier.override_with(written),
                    None => {
                        self.call_spans.insert(name.clone(), file.span(&block.header));
                        self.calls.insert(name.clone(), written);
                    }
                }
            }
            (mode @ ("resource" | "data"), [resource_type, name]) => {
                let mode = if mode == "data" { ResourceMode::Data } else { ResourceMode::Managed };
                let (module, resource_type) = (ModuleAddress::root(), resource_type.as_str().into());
                let address = ResourceAddress { module, mode, resource_type, name: name.as_str().into() };
                let written = Written::new(file, &block.body);
                match self.resources.get_mut(&address).filter(|_| is_override) {
                    Some(earlier) => earlier.written.override_with(written),
                    None => {
                        let definition = ResourceDefinition { written, span: file.span(&block.header) };
                        self.resources.insert(address, definition);
                    }
                }
            }
            ("output", [name]) => {
                let is_sensitive = flag(file, block, "sensitive");
                let is_ephemeral = flag(file, block, "ephemeral");
                let written = Written::new(file, &block.body);
                match self.outputs.get_mut(name).filter(|_| is_override) {
                    Some(earlier) => {
                        earlier.written.override_with(written);
                        earlier.is_sensitive = is_sensitive.unwrap_or(earlier.is_sensitive);
                        earlier.is_ephemeral = is_ephemeral.unwrap_or(earlier.is_ephemeral);
                    }
                    None => {
                        let (is_sensitive, span) = (is_sensitive.unwrap_or_default(), file.span(&block.header));
                        let is_ephemeral = is_ephemeral.unwrap_or_default();
                        self.outputs
                            .insert(name.clone(), OutputDefinition { written, is_sensitive, is_ephemeral, span });
                    }
                }
            }
            ("moved", []) => self.moved.push(BlockDefinition::new(file, block)),
            ("import", []) => self.imports.push(BlockDefinition::new(file, block)),
            ("removed", []) => self.removed.push(BlockDefinition::new(file, block)),
            ("check", [name]) => {
                self.checks.insert(name.clone(), BlockDefinition::new(file, block));
                for data in block.body.blocks("data") {
                    self.add(file, data, is_override, diagnostics);
                }
            }
            ("ephemeral", [resource_type, name]) => {
                let definition = BlockDefinition::new(file, block);
                self.ephemerals.insert((resource_type.clone(), name.clone()), definition);
            }
            ("terraform", []) => {
                for inner in block.body.blocks("required_providers") {
                    for attribute in &inner.body.attributes {
                        let source = module::required_source(file, &attribute.expression);
                        self.required_providers.insert(attribute.name.clone(), source);
                        let aliases = required_aliases(file, &attribute.expression);
                        self.required_aliases.retain(|(name, _)| *name != attribute.name);
                        self.required_aliases.extend(aliases);
                    }
                }
            }
            _ => {}
        }
    }
}

impl BlockDefinition {
    fn new(file: &Arc<File>, block: &BlockSyntax) -> Self {
        Self { written: Written::new(file, &block.body), span: file.span(&block.header) }
    }
}

/// Reads `configuration_aliases` of an entry of `required_providers`.
fn required_aliases(file: &File, expression: &Expression) -> Vec<(String, String)> {
    let entries = literal::entries(file, expression).and_then(Result::ok).unwrap_or_default();
    let aliases = entries.iter().find(|(name, _)| name == "configuration_aliases");
    let aliases = aliases.and_then(|(_, aliases)| literal::elements(file, aliases)).unwrap_or_default();
    let alias = |alias: &Expression| {
        let text = file.source(alias);
        let (name, alias) = text.split_once('.')?;
        Some((name.trim().to_owned(), alias.trim().to_owned()))
    };
    aliases.iter().filter_map(alias).collect()
}

/// Reads an argument that is a literal truth.
fn flag(file: &File, block: &BlockSyntax, name: &str) -> Option<bool> {
    let value = file.literal(&block.body.attribute(name)?.expression).ok()?;
    cty::convert::convert(&value, &Type::Bool).ok()?.as_bool()
}

fn variable(
    file: &Arc<File>,
    block: &BlockSyntax,
    earlier: Option<Variable>,
    diagnostics: &mut Diagnostics,
) -> Variable {
    let mut variable = earlier.unwrap_or_else(|| Variable {
        constraint: TypeConstraint::any(),
        default: None,
        is_nullable: true,
        is_sensitive: false,
        is_ephemeral: false,
        deprecated: None,
        validations: Vec::new(),
        span: file.span(&block.header),
        default_written: None,
        type_written: None,
    });
    let written = |name: &str| Some((Arc::clone(file), block.body.attribute(name)?.expression.clone()));
    variable.default_written = written("default").or(variable.default_written);
    variable.type_written = written("type").or(variable.type_written);
    variable.is_sensitive = flag(file, block, "sensitive").unwrap_or(variable.is_sensitive);
    variable.is_ephemeral = flag(file, block, "ephemeral").unwrap_or(variable.is_ephemeral);
    let deprecated = block.body.attribute("deprecated").and_then(|it| file.literal(&it.expression).ok());
    variable.deprecated = deprecated.and_then(|it| it.as_str().map(str::to_owned)).or(variable.deprecated);
    variable.validations.extend(block.body.blocks("validation").map(|it| (Arc::clone(file), it.clone())));
    variable.is_nullable = flag(file, block, "nullable").unwrap_or(variable.is_nullable);
    if let Some(ty) = block.body.attribute("type") {
        match TypeConstraint::parse(file, &ty.expression) {
            Ok(constraint) => variable.constraint = constraint,
            Err(problem) => diagnostics.push(*problem),
        }
    }
    let default = block.body.attribute("default").map(|default| {
        let value = match default.expression.json() {
            // In a place where nothing can be referred to, a JSON text is no template.
            Some(value) => value.to_value(),
            None => {
                let (value, _, problems) = expression(file, &default.expression, &NoScope);
                if problems.is_empty() && calls(file, &default.expression) {
                    let detail = "The default of a variable is a value; no function can be called in it.";
                    let problem = Diagnostic::error("invalid-variable", "Invalid default value", detail);
                    diagnostics.push(problem.at_span(file.expression_span(&default.expression)));
                }
                diagnostics.extend(problems);
                value
            }
        };
        (value, file.expression_span(&default.expression))
    });
    if !variable.is_nullable && default.as_ref().is_some_and(|(value, _)| value.is_null()) {
        let detail = "The default is null, and `nullable = false` says that the variable is never null.";
        let problem = Diagnostic::error("invalid-variable", "Invalid default value", detail);
        diagnostics.push(problem.at_span(variable.span.clone()));
    }
    let given = default.or_else(|| Some((variable.default.clone()?, variable.span.clone())));
    variable.default = given.map(|(value, span)| match variable.constraint.apply(&value) {
        Ok(value) => value,
        Err(error) => {
            let detail = format!("The default value does not have the type of the variable: {error}.");
            diagnostics.push(Diagnostic::error("invalid-variable", "Invalid default value", detail).at_span(span));
            Value::unknown(variable.constraint.ty.clone())
        }
    });
    variable
}

/// Tells whether an expression calls a function: a name stands before a parenthesis.
fn calls(file: &File, expression: &Expression) -> bool {
    let range = expression.range();
    let tokens = file.tokens().iter().filter(|token| token.range().start >= range.start && token.end() <= range.end);
    let tokens: Vec<_> = tokens
        .filter(|token| !matches!(token.kind, TokenKind::Comment | TokenKind::Whitespace | TokenKind::Newline))
        .collect();
    tokens.windows(2).any(|pair| {
        let name = file.text.get(pair[0].range()).unwrap_or_default();
        pair[0].kind == TokenKind::Identifier
            && !matches!(name, "in" | "if")
            && pair[1].kind == TokenKind::OpenParenthesis
    })
}
