//! Where values come from, for a person: of a block one line for each of its arguments; of one value every step.

use std::collections::BTreeSet;
use std::io;

use model::{InstanceAddress, Span, TraceKind, TraceStep};

use super::Style;
use crate::redact::{self, Shown};
use crate::text::{escape_controls, shorten, width};
use crate::v1::explain::{ExplainItem, ExplainReport, code, harmless, shown};

/// The widest column of names.
const MAX_NAME: usize = 48;
/// The fewest columns a value gets.
const MIN_VALUE: usize = 30;
/// How many names are told of what a value is made of.
const MAX_PARTS: usize = 3;

/// Writes an explanation.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &ExplainReport<'_>, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut writer = Writer { style, out };
    for (position, item) in report.items.iter().enumerate() {
        if position > 0 {
            writeln!(writer.out)?;
        }
        match item.values {
            [value] if report.path.is_some() || !is_argument(value) => writer.value(item, value)?,
            [] => {
                writer.heading(item)?;
                writeln!(writer.out, "\nIts block sets nothing.")?;
            }
            values => writer.block(item, values)?,
        }
    }
    if report.instances.len() > report.items.len() {
        writeln!(writer.out, "\n{} has {} instances:", report.address, report.instances.len())?;
        let n_shown = style.top.unwrap_or(usize::MAX);
        for instance in report.instances.iter().take(n_shown) {
            writeln!(writer.out, "  {}", escape_controls(&instance.to_string()))?;
        }
        if let Some(n_more) = report.instances.len().checked_sub(n_shown).filter(|n_more| *n_more > 0) {
            writeln!(writer.out, "  and {n_more} more; {}", style.see_all)?;
        }
    } else if report.instances.is_empty() && report.items.iter().any(|item| item.values.iter().any(is_repetition)) {
        writeln!(writer.out, "\n{} has no instance whose arguments could be told.", report.address)?;
    }
    if let Some(provider) = &report.provider {
        let version = provider.version.map(|version| format!(" {version}")).unwrap_or_default();
        match provider.problem {
            None => writeln!(writer.out, "\nRead with the schema of {}{version}.", provider.address)?,
            Some(problem) => writeln!(
                writer.out,
                "\nRead without the provider's schema, which says what is secret and of which type. {}",
                escape_controls(problem)
            )?,
        }
    }
    out.flush()
}

fn is_argument(step: &TraceStep) -> bool {
    matches!(step.kind, TraceKind::Argument | TraceKind::Dynamic | TraceKind::Block) && !is_repetition(step)
}

fn is_repetition(step: &TraceStep) -> bool {
    matches!(step.name.as_deref(), Some("count" | "for_each"))
}

struct Writer<'a> {
    style: &'a Style,
    out: &'a mut dyn io::Write,
}

impl Writer<'_> {
    fn heading(&mut self, item: &ExplainItem<'_>) -> io::Result<()> {
        let place = item.span.map(|span| format!(", {}", place(span))).unwrap_or_default();
        let address = escape_controls(item.address);
        if self.style.color {
            writeln!(self.out, "\u{1b}[1m{address}\u{1b}[0m{place}")
        } else {
            writeln!(self.out, "{address}{place}")
        }
    }

    /// Writes every argument of a block on one line, then what is unknown.
    fn block(&mut self, item: &ExplainItem<'_>, values: &[TraceStep]) -> io::Result<()> {
        self.heading(item)?;
        writeln!(self.out)?;
        let names: Vec<String> = values.iter().map(name_of).collect();
        let n_columns = names.iter().map(|name| width(name)).max().unwrap_or_default().min(MAX_NAME);
        let room = self.style.width.saturating_sub(n_columns + 5).max(MIN_VALUE);
        // Names of the module that all of this is in need not say so.
        let module = item.address.parse::<InstanceAddress>().map(|address| address.resource.module.to_string());
        let module = module.ok().filter(|module| !module.is_empty()).map(|module| format!("{module}."));
        let mut rows = Vec::new();
        for (name, step) in names.iter().zip(values) {
            let value = self.value_of(step, room * 3 / 5);
            let origin = origin(step);
            rows.push((
                name,
                value,
                module.as_ref().map_or_else(|| origin.clone(), |module| origin.replace(module, "")),
            ));
        }
        let n_value = rows.iter().map(|(_, value, _)| width(value)).max().unwrap_or_default().min(room * 3 / 5);
        for (name, value, origin) in rows {
            let pad = |text: &str, n_columns: usize| " ".repeat(n_columns.saturating_sub(width(text)));
            let line = format!(
                "  {name}{} = {value}{}  {}",
                pad(name, n_columns),
                pad(&value, n_value),
                escape_controls(harmless(&origin))
            );
            writeln!(self.out, "{}", line.trim_end())?;
        }
        let mut is_first = true;
        for (name, step) in names.iter().zip(values) {
            let mut told = BTreeSet::new();
            for unknown in &step.unknown {
                let place = unknown.span.as_ref().map(|span| format!(" ({})", place(span))).unwrap_or_default();
                let line = format!("{}{place}", harmless(&unknown.reason));
                if told.insert(line.clone()) {
                    if std::mem::take(&mut is_first) {
                        writeln!(self.out, "\nNot known, and why:")?;
                    }
                    writeln!(self.out, "  {name}: {}", escape_controls(&line))?;
                }
            }
            if let (None, Some(note)) = (&step.value, &step.note) {
                if std::mem::take(&mut is_first) {
                    writeln!(self.out, "\nNot known, and why:")?;
                }
                writeln!(self.out, "  {name}: {}", escape_controls(harmless(note)))?;
            }
        }
        let is_told = |step: &TraceStep| step.value.is_some() && step.kind != TraceKind::Dynamic;
        let noted = names.iter().zip(values).filter(|(_, step)| is_told(step));
        let noted: Vec<(&String, &String)> =
            noted.filter_map(|(name, step)| Some((name, step.note.as_ref()?))).collect();
        if !noted.is_empty() {
            writeln!(self.out)?;
        }
        for (name, note) in noted {
            writeln!(self.out, "  {name}: {}", escape_controls(harmless(note)))?;
        }
        Ok(())
    }

    /// Writes one value, and every step it comes by.
    fn value(&mut self, item: &ExplainItem<'_>, step: &TraceStep) -> io::Result<()> {
        let path = redact::path(&step.path).to_string();
        let is_own = matches!(step.kind, TraceKind::Local | TraceKind::Variable | TraceKind::Output);
        let what = if is_own { path } else { name_of(step) };
        let separator = if is_own || what.is_empty() { "" } else { ": " };
        let address = escape_controls(item.address).into_owned();
        let room = self.style.width.saturating_sub(width(&address) + width(&what) + 5).max(MIN_VALUE);
        let value = self.value_of(step, room.max(self.style.width));
        let address = if self.style.color { format!("\u{1b}[1m{address}\u{1b}[0m") } else { address };
        let verb = if step.is_unknown() { "is" } else { "=" };
        writeln!(self.out, "{address}{separator}{} {verb} {value}", escape_controls(&what))?;
        self.unknown(step, 0)?;
        writeln!(self.out)?;
        self.step(step, 0, None)
    }

    fn unknown(&mut self, step: &TraceStep, indent: usize) -> io::Result<()> {
        let mut told = BTreeSet::new();
        for unknown in &step.unknown {
            let path = if unknown.path.is_empty() {
                String::new()
            } else {
                format!("{} is not known: ", redact::path(&unknown.path))
            };
            let place = unknown.span.as_ref().map(|span| format!(" ({})", place(span))).unwrap_or_default();
            let lead = if path.is_empty() { "because " } else { "" };
            let line = format!("{path}{lead}{}{place}", harmless(&unknown.reason));
            if told.insert(line.clone()) {
                writeln!(self.out, "{}  {}", " ".repeat(indent), escape_controls(&line))?;
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &TraceStep, indent: usize, outer: Option<&TraceStep>) -> io::Result<()> {
        let is_literal_again = outer.is_some_and(|outer| {
            step.kind == TraceKind::Literal && outer.source == step.source && step.inner.is_empty()
        });
        if is_literal_again {
            return Ok(());
        }
        // An expression that is all of what it gives its value to is said with that.
        let is_same_code = outer.is_some_and(|outer| outer.source == step.source && step.source.is_some());
        let mut line = " ".repeat(indent);
        if let Some(span) = &step.span {
            line.push_str(&place(span));
            line.push_str("  ");
        }
        if let Some(role) = &step.role {
            line.push_str(harmless(role));
            line.push_str(": ");
        }
        line.push_str(&phrase(step));
        let is_value_told = outer.is_some_and(|outer| outer.value == step.value && outer.passes_on.is_some());
        let source = code(step, self.style.values).filter(|_| !is_same_code);
        let value = self.value_of(step, self.style.width.saturating_sub(20).max(MIN_VALUE));
        let is_code_value = source.is_some_and(|source| source == value);
        if outer.is_some() && !is_value_told && step.value.is_some() && step.kind != TraceKind::Nothing {
            line.push_str(if step.is_unknown() { " is " } else { " = " });
            line.push_str(&value);
        }
        if let Some(note) = &step.note {
            line.push_str(", ");
            line.push_str(harmless(note));
        }
        if step.is_repeated {
            line.push_str(" (told above)");
        }
        writeln!(self.out, "{}", escape_controls(&line))?;
        if let Some(source) = source.filter(|_| !is_code_value && step.kind != TraceKind::Literal || outer.is_none()) {
            let room = self.style.width.saturating_sub(indent + 6).max(MIN_VALUE);
            writeln!(self.out, "{}{}", " ".repeat(indent + 4), shorten(&escape_controls(source), room))?;
        }
        let is_new_reason = outer.is_none_or(|outer| outer.unknown != step.unknown);
        if is_new_reason && outer.is_some() {
            self.unknown(step, indent + 2)?;
        }
        for inner in &step.inner {
            self.step(inner, indent + 2, Some(step))?;
        }
        Ok(())
    }

    fn value_of(&self, step: &TraceStep, columns: usize) -> String {
        match shown(step, self.style.values) {
            Shown::Absent => "(no value)".to_owned(),
            Shown::Sensitive => "(sensitive)".to_owned(),
            _ if step.value.as_ref().is_some_and(|value| !value.is_known()) => "not known".to_owned(),
            Shown::Hidden => "(not shown)".to_owned(),
            Shown::Value(value) => {
                let text = value.to_string().replace("(known after apply)", "(not known)");
                shorten(&escape_controls(&text), columns).into_owned()
            }
        }
    }
}

fn place(span: &Span) -> String {
    format!("{}:{}", escape_controls(&span.file), span.start.line)
}

/// Writes the path of an argument.
fn name_of(step: &TraceStep) -> String {
    // A dynamic block stands before the argument it makes.
    let inner = step.inner.first().filter(|_| step.kind == TraceKind::Dynamic);
    let step = inner.unwrap_or(step);
    let path = redact::path(&step.path).to_string();
    let name = step.name.as_deref().unwrap_or_default();
    if name.is_empty() || path.is_empty() || path.starts_with('[') {
        format!("{name}{path}")
    } else {
        format!("{name}.{path}")
    }
}

/// Says what a step is.
fn phrase(step: &TraceStep) -> String {
    let name = harmless(step.name.as_deref().unwrap_or_default());
    let full = name_of(step);
    match step.kind {
        TraceKind::Argument => format!("the argument {name}"),
        TraceKind::Block => format!("the block {name}"),
        TraceKind::Literal => "written here".to_owned(),
        TraceKind::Constructor => "written out, part by part".to_owned(),
        TraceKind::Template => "a text with values put in".to_owned(),
        TraceKind::Operator => "computed".to_owned(),
        TraceKind::Function => name.to_owned(),
        TraceKind::ProviderFunction => format!("{name}, a function of a provider"),
        TraceKind::Conditional => "a choice".to_owned(),
        TraceKind::For => "a for expression".to_owned(),
        TraceKind::Index => "an element, chosen by a key".to_owned(),
        TraceKind::Splat => "the same of every element".to_owned(),
        TraceKind::Local => format!("the local value {full}"),
        TraceKind::Variable => format!("the variable {full}"),
        TraceKind::VariableFile => format!("set in {name}"),
        TraceKind::Environment => format!("set by {name}"),
        TraceKind::CommandLine => format!("set by {name} on the command line"),
        TraceKind::Default => "its default".to_owned(),
        TraceKind::OptionalDefault => "the default that its type gives".to_owned(),
        TraceKind::ModuleArgument => match name.split_once(" of ") {
            Some((argument, module)) => format!("the argument {argument} of the call of {module}"),
            None => format!("the argument {name} of a module's call"),
        },
        TraceKind::Output => format!("the output {full}"),
        TraceKind::Module => format!("the module {name}"),
        TraceKind::EachKey | TraceKind::EachValue => full,
        TraceKind::CountIndex => "count.index".to_owned(),
        TraceKind::IterationKey => format!("{name}, a key of what is gone through"),
        TraceKind::Dynamic => format!("a block that {name} makes"),
        TraceKind::FolderPath => full,
        TraceKind::Workspace => "the workspace".to_owned(),
        TraceKind::Resource => attribute_of(step, "the resource"),
        TraceKind::Data => attribute_of(step, "the data source"),
        TraceKind::Nothing if name.is_empty() => "not set".to_owned(),
        TraceKind::Nothing => format!("{name} is not set"),
        TraceKind::Cut => format!("{full} is not followed further").trim_start().to_owned(),
    }
}

fn attribute_of(step: &TraceStep, noun: &str) -> String {
    let name = harmless(step.name.as_deref().unwrap_or_default());
    if step.path.is_empty() {
        format!("{noun} {name}")
    } else {
        format!("{} of {noun} {name}", redact::path(&step.path))
    }
}

/// Says in a few words where the value of an argument comes from.
fn origin(step: &TraceStep) -> String {
    let mut chain: Vec<&TraceStep> = Vec::new();
    let mut current = step;
    while let Some(next) = current.passes_on.and_then(|position| current.inner.get(position)) {
        chain.push(next);
        current = next;
    }
    let is_source = |step: &&&TraceStep| {
        matches!(
            step.kind,
            TraceKind::Local
                | TraceKind::Variable
                | TraceKind::Output
                | TraceKind::EachKey
                | TraceKind::EachValue
                | TraceKind::VariableFile
                | TraceKind::Environment
                | TraceKind::CommandLine
                | TraceKind::Default
                | TraceKind::OptionalDefault
                | TraceKind::Resource
                | TraceKind::Data
        )
    };
    let named: Vec<&&TraceStep> = chain.iter().filter(is_source).collect();
    let maker = step.maker();
    let spot = |step: &TraceStep| step.span.as_ref().map(place).unwrap_or_default();
    let at = spot(maker);
    match (named.first(), named.last()) {
        (Some(first), Some(last)) => {
            let lead = if matches!(first.kind, TraceKind::Resource | TraceKind::Data) {
                attribute_of(first, "").replace("  ", " ").trim().to_owned()
            } else {
                name_of(first)
            };
            match last.kind {
                TraceKind::VariableFile => format!("{lead}, {}", spot(last)),
                TraceKind::Environment | TraceKind::CommandLine => {
                    format!("{lead}, {}", last.name.as_deref().unwrap_or_default())
                }
                TraceKind::Default => format!("{lead}, by default ({})", spot(last)),
                TraceKind::OptionalDefault => format!("{lead}, by its type ({})", spot(last)),
                TraceKind::Resource | TraceKind::Data => lead,
                TraceKind::EachKey | TraceKind::EachValue => format!("{lead}, {}", spot(last)),
                _ if maker.kind == TraceKind::Literal => format!("{lead}, {at}"),
                _ => format!("{lead}, {}", made_of(maker)),
            }
        }
        _ if maker.kind == TraceKind::IterationKey => format!("{}, {at}", name_of(maker)),
        _ if maker.kind == TraceKind::Literal || maker.kind == TraceKind::Constructor && maker.inner.is_empty() => at,
        _ => made_of(maker),
    }
}

/// Names what a value is made of.
fn made_of(maker: &TraceStep) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut waiting: Vec<&TraceStep> = maker.inner.iter().rev().collect();
    while let Some(step) = waiting.pop() {
        let is_named = matches!(
            step.kind,
            TraceKind::Local
                | TraceKind::Variable
                | TraceKind::Output
                | TraceKind::EachKey
                | TraceKind::EachValue
                | TraceKind::CountIndex
                | TraceKind::Resource
                | TraceKind::Data
                | TraceKind::Module
                | TraceKind::FolderPath
                | TraceKind::Workspace
        );
        if is_named {
            let name = name_of(step);
            if !parts.contains(&name) {
                parts.push(name);
            }
        } else {
            waiting.extend(step.inner.iter().rev());
        }
    }
    let at = maker.span.as_ref().map(place).unwrap_or_default();
    let what = match maker.kind {
        TraceKind::Template => "a text",
        TraceKind::Function | TraceKind::ProviderFunction => maker.name.as_deref().unwrap_or("a function"),
        TraceKind::Conditional => "a choice",
        TraceKind::Constructor => "a list or object",
        TraceKind::Nothing => "not set",
        TraceKind::Block => "a block",
        _ => "computed",
    };
    let n_more = parts.len().saturating_sub(MAX_PARTS);
    parts.truncate(MAX_PARTS);
    if n_more > 0 {
        parts.push(format!("{n_more} more"));
    }
    let of = if parts.is_empty() { String::new() } else { format!(" of {}", parts.join(", ")) };
    if at.is_empty() { format!("{what}{of}") } else { format!("{what}{of}, {at}") }
}
