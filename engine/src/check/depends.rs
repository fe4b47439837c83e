//! Whether what a piece of code is made of is the same before and after a change.
//!
//! Texts are compared, without blanks and comments, of the piece itself and of everything it refers to: locals, variables,
//! arguments of modules, outputs, data sources. Of the same text the same comes about, whatever that is: what is clean is
//! not touched, and need not be evaluated.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hcl::configuration::Configuration;
use hcl::definitions::Definitions;
use hcl::evaluate::Written;
use hcl::expression;
use hcl::lex::TokenKind;
use hcl::syntax::{AttributeSyntax, BlockSyntax, Expression, File};
use model::{ModuleAddress, ProviderConfigAddress, ResourceAddress, ResourceMode};

use super::reach::is_code;

/// A module before and after, by the names of the calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) base: Vec<String>,
    pub(super) head: Vec<String>,
}

/// Something that code refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Variable(String),
    Local(String),
    Output(String),
    Call(String),
    Data(ResourceAddress),
    /// An argument of a managed resource; without one, all of it.
    Managed(ResourceAddress, Option<String>),
    /// Which instances a managed resource has.
    Keys(ResourceAddress),
}

/// Compares two configurations.
pub(super) struct Differences<'a> {
    pub(super) base: &'a Configuration,
    pub(super) head: &'a Configuration,
    /// The variables of the root module that are set to something else.
    pub(super) variables: BTreeSet<String>,
    /// Whether a file was changed that functions of the language may read.
    pub(super) files_changed: bool,
    /// Addresses, as the change leaves them, that were others before.
    memory: RefCell<BTreeMap<(Pair, Named), bool>>,
}

impl<'a> Differences<'a> {
    pub(super) fn new(
        base: &'a Configuration,
        head: &'a Configuration,
        variables: BTreeSet<String>,
        changed: &BTreeSet<String>,
    ) -> Self {
        let is_other = |path: &String| {
            let name = super::git::split(path).1;
            !is_code(name) && !name.ends_with(".tfvars") && !name.ends_with(".tfvars.json")
        };
        let files_changed = changed.iter().any(is_other);
        Self { base, head, variables, files_changed, memory: RefCell::default() }
    }

    fn definitions(&self, pair: &Pair) -> (Option<&'a Definitions>, Option<&'a Definitions>) {
        let of = |configuration: &'a Configuration, names: &Vec<String>| {
            configuration.definitions.get(names).map(|definitions| &**definitions)
        };
        (of(self.base, &pair.base), of(self.head, &pair.head))
    }

    /// Tells whether arguments or blocks of a body are others, or are made of something else; `names` says which count.
    pub(super) fn of_body(&self, pair: &Pair, base: &Written, head: &Written, names: &dyn Fn(&str) -> bool) -> bool {
        let keys: BTreeSet<&str> = [base, head].into_iter().flat_map(names_of).filter(|name| names(name)).collect();
        keys.iter().any(|name| self.of_argument(pair, base, head, name))
    }

    /// Tells whether an argument, or all nested blocks of a type, are others or made of something else.
    pub(super) fn of_argument(&self, pair: &Pair, base: &Written, head: &Written, name: &str) -> bool {
        if text_of(base, name) != text_of(head, name) {
            return true;
        }
        let mut expressions = Vec::new();
        if let Some((file, argument)) = head.attribute(name) {
            expressions.push((Arc::clone(file), argument.expression.clone()));
        }
        for (file, block) in head.blocks().filter(|(_, block)| kind_of(block) == name) {
            collect(file, block, &mut expressions);
        }
        let repeats = |word: &&str| matches!(*word, "each" | "count");
        expressions.iter().any(|(file, expression)| {
            self.of_expression(pair, file, expression)
                || references(file, expression)
                    .iter()
                    .any(|names| names.first().map(String::as_str).as_ref().is_some_and(repeats))
                    && self.of_repetition(pair, base, head)
        })
    }

    /// Tells whether what repeats a block is another, or made of something else.
    pub(super) fn of_repetition(&self, pair: &Pair, base: &Written, head: &Written) -> bool {
        ["count", "for_each"].into_iter().any(|name| {
            text_of(base, name) != text_of(head, name)
                || head.attribute(name).is_some_and(|(file, it)| self.of_expression(pair, file, &it.expression))
        })
    }

    /// Tells whether what an expression refers to is another. Its own text is the caller's business.
    fn of_expression(&self, pair: &Pair, file: &File, expression: &Expression) -> bool {
        if self.files_changed && reads_files(&file.source(expression)) {
            return true;
        }
        let found = references(file, expression);
        found.iter().any(|names| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            match names.as_slice() {
                ["var", name, ..] => self.differs(pair, Named::Variable((*name).to_owned())),
                ["local", name, ..] => self.differs(pair, Named::Local((*name).to_owned())),
                ["module", name, output, ..] => {
                    self.differs(pair, Named::Call((*name).to_owned()))
                        || self.differs(&pair.inner(name), Named::Output((*output).to_owned()))
                }
                ["module", name] => {
                    let inner = pair.inner(name);
                    let (_, head) = self.definitions(&inner);
                    self.differs(pair, Named::Call((*name).to_owned()))
                        || head.is_none_or(|head| {
                            head.outputs.keys().any(|output| self.differs(&inner, Named::Output(output.clone())))
                        })
                }
                ["data", kind, name, ..] => {
                    let address = in_module(ResourceMode::Data, kind, name);
                    self.differs(pair, Named::Data(address))
                }
                ["each" | "count" | "self" | "path" | "terraform" | "tofu" | "provider", ..] => false,
                [kind, name, rest @ ..] => {
                    let address = in_module(ResourceMode::Managed, kind, name);
                    let argument = rest.first().map(|name| (*name).to_owned());
                    self.differs(pair, Named::Managed(address, argument))
                }
                _ => false,
            }
        })
    }

    fn differs(&self, pair: &Pair, named: Named) -> bool {
        let key = (pair.clone(), named);
        if let Some(known) = self.memory.borrow().get(&key) {
            return *known;
        }
        // Who asks again meanwhile goes in a circle, and finds nothing there that is not found here.
        self.memory.borrow_mut().insert(key.clone(), false);
        let differs = self.compare(pair, &key.1);
        self.memory.borrow_mut().insert(key, differs);
        differs
    }

    fn compare(&self, pair: &Pair, named: &Named) -> bool {
        let (Some(base), Some(head)) = self.definitions(pair) else {
            // The code of neither is at hand: the call says which it is, and is compared by who refers to it.
            let (base, head) = self.definitions(pair);
            return base.is_some() || head.is_some();
        };
        let any = |_: &str| true;
        match named {
            Named::Variable(name) => {
                let (Some(before), Some(after)) = (base.variables.get(name), head.variables.get(name)) else {
                    return base.variables.contains_key(name) != head.variables.contains_key(name);
                };
                let written = |it: &Option<(Arc<File>, Expression)>| it.as_ref().map(|(file, it)| plain(file, it));
                let declared = written(&before.default_written) != written(&after.default_written)
                    || written(&before.type_written) != written(&after.type_written)
                    || before.is_nullable != after.is_nullable;
                let Some((outer, before, after)) = self.calls(pair) else {
                    return declared || self.variables.contains(name);
                };
                declared || self.of_argument(&outer, before, after, name)
            }
            Named::Local(name) => match (base.locals.get(name), head.locals.get(name)) {
                (Some((file, before)), Some((head_file, after))) => {
                    plain(file, before) != plain(head_file, after) || self.of_expression(pair, head_file, after)
                }
                (before, after) => before.is_some() != after.is_some(),
            },
            Named::Output(name) => match (base.outputs.get(name), head.outputs.get(name)) {
                (Some(before), Some(after)) => self.of_argument(pair, &before.written, &after.written, "value"),
                (before, after) => before.is_some() != after.is_some(),
            },
            Named::Call(name) => match (base.calls.get(name), head.calls.get(name)) {
                (Some(before), Some(after)) => {
                    ["source", "version"].iter().any(|name| text_of(before, name) != text_of(after, name))
                        || self.of_repetition(pair, before, after)
                }
                (before, after) => before.is_some() != after.is_some(),
            },
            Named::Data(address) => match (base.resources.get(address), head.resources.get(address)) {
                (Some(before), Some(after)) => self.of_body(pair, &before.written, &after.written, &any),
                (before, after) => before.is_some() != after.is_some(),
            },
            Named::Keys(address) => match (base.resources.get(address), head.resources.get(address)) {
                (Some(before), Some(after)) => self.of_repetition(pair, &before.written, &after.written),
                (before, after) => before.is_some() != after.is_some(),
            },
            Named::Managed(address, argument) => {
                let (Some(before), Some(after)) = (base.resources.get(address), head.resources.get(address)) else {
                    return base.resources.contains_key(address) != head.resources.contains_key(address);
                };
                if self.differs(pair, Named::Keys(address.clone())) {
                    return true;
                }
                match argument {
                    // What the provider computes (an id) stays what it is as long as the object is the same.
                    Some(name) => self.of_argument(pair, &before.written, &after.written, name),
                    None => self.of_body(pair, &before.written, &after.written, &any),
                }
            }
        }
    }

    /// Gives the calls that lead to a module, with the module that makes them.
    fn calls(&self, pair: &Pair) -> Option<(Pair, &'a Written, &'a Written)> {
        let (base_name, base) = pair.base.split_last()?;
        let (head_name, head) = pair.head.split_last()?;
        let outer = Pair { base: base.to_vec(), head: head.to_vec() };
        let (base, head) = self.definitions(&outer);
        Some((outer, base?.calls.get(base_name)?, head?.calls.get(head_name)?))
    }

    /// Tells whether any call on the way to a module has other instances, or another source.
    pub(super) fn of_way(&self, pair: &Pair) -> bool {
        let Some((outer, before, after)) = self.calls(pair) else { return pair.base.len() != pair.head.len() };
        ["source", "version"].iter().any(|name| text_of(before, name) != text_of(after, name))
            || self.of_repetition(&outer, before, after)
            || self.of_way(&outer)
    }

    /// Tells whether a provider configuration is another, or made of something else.
    pub(super) fn of_provider(&self, address: &ProviderConfigAddress) -> bool {
        let names: Vec<String> = address.module.steps().iter().map(|step| step.name.to_string()).collect();
        let pair = Pair { base: names.clone(), head: names };
        let (Some(base), Some(head)) = self.definitions(&pair) else { return false };
        let find = |definitions: &'a Definitions| {
            definitions.providers.iter().find(|provider| {
                provider.alias.as_deref() == address.alias.as_deref()
                    && definitions.provider_named(&provider.name).is_ok_and(|it| it.is_same_provider(&address.provider))
            })
        };
        match (find(base), find(head)) {
            (Some(before), Some(after)) => self.of_body(&pair, &before.body, &after.body, &|name| name != "version"),
            (before, after) => before.is_some() != after.is_some(),
        }
    }
}

impl Pair {
    pub(super) fn of(base: &ModuleAddress, head: &ModuleAddress) -> Self {
        let names = |module: &ModuleAddress| module.steps().iter().map(|step| step.name.to_string()).collect();
        Self { base: names(base), head: names(head) }
    }

    fn inner(&self, name: &str) -> Self {
        let with = |names: &[String]| [names, &[name.to_owned()]].concat();
        Self { base: with(&self.base), head: with(&self.head) }
    }
}

fn in_module(mode: ResourceMode, kind: &str, name: &str) -> ResourceAddress {
    ResourceAddress { module: ModuleAddress::root(), mode, resource_type: kind.into(), name: name.into() }
}

/// Gives the type of the nested blocks that a block makes.
fn kind_of(block: &BlockSyntax) -> &str {
    match (block.block_type.as_str(), block.labels.as_slice()) {
        ("dynamic", [made]) => made,
        (kind, _) => kind,
    }
}

/// Lists the names of arguments and nested blocks.
pub(super) fn names_of(written: &Written) -> BTreeSet<&str> {
    let attributes = written.attributes().map(|(_, attribute)| attribute.name.as_str());
    attributes.chain(written.blocks().map(|(_, block)| kind_of(block))).collect()
}

/// Gives what is written for an argument, or for all nested blocks of a type.
fn text_of(written: &Written, name: &str) -> Vec<String> {
    let argument = written.attribute(name).map(|(file, AttributeSyntax { expression, .. })| plain(file, expression));
    let blocks = written.blocks().filter(|(_, block)| kind_of(block) == name);
    let blocks = blocks.map(|(file, block)| {
        let mut text = block.block_type.clone();
        describe(file, block, &mut text);
        text
    });
    argument.into_iter().chain(blocks).collect()
}

/// Writes a block down, whatever blanks and comments are in it.
fn describe(file: &File, block: &BlockSyntax, text: &mut String) {
    for label in &block.labels {
        text.push_str(&format!(" {label:?}"));
    }
    text.push('{');
    for attribute in &block.body.attributes {
        text.push_str(&format!("{}={};", attribute.name, plain(file, &attribute.expression)));
    }
    for inner in &block.body.blocks {
        text.push_str(&inner.block_type);
        describe(file, inner, text);
    }
    text.push('}');
}

fn collect(file: &Arc<File>, block: &BlockSyntax, into: &mut Vec<(Arc<File>, Expression)>) {
    into.extend(block.body.attributes.iter().map(|attribute| (Arc::clone(file), attribute.expression.clone())));
    for inner in &block.body.blocks {
        collect(file, inner, into);
    }
}

/// Gives the text of an expression without blanks and comments.
fn plain(file: &File, expression: &Expression) -> String {
    if expression.json().is_some() {
        return file.text.get(expression.range()).unwrap_or_default().to_owned();
    }
    let source = &file.text[expression.range()];
    let tokens = hcl::lex::tokenize(source);
    let kept = tokens.iter().filter(|token| !token.kind.is_trivia() && token.kind != TokenKind::Newline);
    kept.map(|token| &source[token.range()]).collect::<Vec<_>>().join(" ")
}

fn reads_files(text: &str) -> bool {
    text.contains("file") && text.contains('(')
}

/// Lists what an expression refers to.
fn references(file: &File, expression: &Expression) -> Vec<Vec<String>> {
    let Ok(node) = expression::parse(file, expression) else { return Vec::new() };
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    node.references().into_iter().map(owned).collect()
}
