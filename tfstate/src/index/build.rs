//! The streaming pass that builds an [`Index`].

mod fault;
mod instance;
mod resource;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::sync::Arc;

use model::{
    Diagnostic, Diagnostics, Lineage, ModuleAddress, Position, ProviderConfigAddress, ResourceAddress, Serial, Span,
};

use super::{Contents, Entry, Index, IndexedOutput, order};
use crate::format::lookalike::{self, Markers};
use crate::scan::{Fault, MAX_INPUT, Scanner};
use crate::{Error, ErrorKind};

/// How many problems are listed one by one.
const MAX_PROBLEMS: usize = 50;
/// Stands for the provider of an instance that names none itself.
const INHERITED: u32 = u32::MAX;

/// Reads a state snapshot and indexes its instances; `file` names it in diagnostics.
///
/// The snapshot is read once, through one window of memory.
///
/// # Errors
/// Only reading itself fails. What is wrong with the snapshot is in the diagnostics, and then it is
/// [`Contents::Rejected`].
pub fn read(reader: &mut dyn Read, file: &Arc<str>) -> Result<(Contents, Diagnostics), Error> {
    let mut builder = Builder::new(Scanner::new(reader), Arc::clone(file));
    match builder.read_document() {
        Ok(reading) => Ok((reading, builder.into_diagnostics())),
        Err(Fault::Io(error)) => Err(Error::from_io("read the state", error).with("file", file)),
        Err(Fault::TooLarge) => Err(Error::new(ErrorKind::TooLarge, "read the state")
            .with("file", file)
            .with("limit", format!("{MAX_INPUT} bytes"))),
        Err(fault) => {
            let position = builder.scanner.fault_position();
            let diagnostic = fault::describe(&fault, position);
            builder.report_at(position, diagnostic);
            Ok((Contents::Rejected, builder.into_diagnostics()))
        }
    }
}

struct Builder<'a> {
    scanner: Scanner<'a>,
    file: Arc<str>,
    diagnostics: Diagnostics,
    n_left_out: usize,
    markers: Markers,
    serial: Serial,
    lineage: Lineage,
    resources: Vec<ResourceAddress>,
    providers: Vec<ProviderConfigAddress>,
    provider_positions: HashMap<String, u32>,
    modules: HashMap<String, ModuleAddress>,
    names: BTreeSet<Arc<str>>,
    entries: Vec<Entry>,
    texts: String,
    outputs: Vec<IndexedOutput>,
    check_results: Option<std::ops::Range<u64>>,
    unknown_members: BTreeMap<String, u64>,
}

impl<'a> Builder<'a> {
    fn new(scanner: Scanner<'a>, file: Arc<str>) -> Self {
        Self {
            scanner,
            file,
            diagnostics: Diagnostics::new(),
            n_left_out: 0,
            markers: Markers::default(),
            serial: Serial(0),
            lineage: Lineage::new(""),
            resources: Vec::new(),
            providers: Vec::new(),
            provider_positions: HashMap::new(),
            modules: HashMap::new(),
            names: BTreeSet::new(),
            entries: Vec::new(),
            texts: String::new(),
            outputs: Vec::new(),
            check_results: None,
            unknown_members: BTreeMap::new(),
        }
    }

    fn into_diagnostics(mut self) -> Diagnostics {
        if self.n_left_out > 0 {
            self.diagnostics.push(Diagnostic::error(
                "state-more-problems",
                "The state has more problems",
                format!("{} further problems are not listed.", self.n_left_out),
            ));
        }
        self.diagnostics
    }

    fn report_at(&mut self, position: Position, diagnostic: Diagnostic) {
        if self.diagnostics.len() >= MAX_PROBLEMS {
            self.n_left_out += 1;
            return;
        }
        let span = Span { file: Arc::clone(&self.file), start: position, end: position };
        self.diagnostics.push(diagnostic.at_span(span));
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        let position = self.scanner.position();
        self.report_at(position, diagnostic);
    }

    fn read_document(&mut self) -> Result<Contents, Fault> {
        let prefix = self.scanner.preview(4096)?;
        if prefix.is_empty() {
            return Ok(Contents::NoState);
        }
        if let Some(diagnostic) = lookalike::recognize_bytes(prefix) {
            self.report(diagnostic);
            return Ok(Contents::Rejected);
        }
        let has_byte_order_mark = prefix.starts_with(b"\xef\xbb\xbf");
        self.scanner.check_utf8()?;
        if has_byte_order_mark {
            self.scanner.advance(3);
        }
        self.read_members()?;
        self.scanner.expect_end()?;
        if let Some(objection) = self.markers.objection() {
            self.diagnostics.clear();
            self.n_left_out = 0;
            let start = Position { line: 1, column: 1, byte: 0 };
            self.report_at(start, objection);
            return Ok(Contents::Rejected);
        }
        let mut repeated = Vec::new();
        let order = order::sort(&self.resources, &self.entries, &mut |entry| {
            let address = self.resources[entry.resource as usize].clone().instance(entry.key.clone());
            repeated.push((position_of(entry), address.with_deposed(entry.deposed.as_ref())));
        });
        for (position, address) in repeated {
            let detail = format!("The state holds more than one object for {address}, so that none can be relied on.");
            let diagnostic = Diagnostic::error("state-duplicate-instance", "An instance occurs twice", detail)
                .at_address(address)
                .with_help("Restore the state from a backup, or remove the wrong object by hand.");
            self.report_at(position, diagnostic);
        }
        if model::diagnostic::has_errors(&self.diagnostics) {
            return Ok(Contents::Rejected);
        }
        self.outputs.sort_by(|left, right| left.name.cmp(&right.name));
        self.entries.shrink_to_fit();
        Ok(Contents::State(Box::new(Index {
            file: Arc::clone(&self.file),
            terraform_version: std::mem::take(&mut self.markers.terraform_version),
            serial: self.serial,
            lineage: self.lineage.clone(),
            resources: std::mem::take(&mut self.resources),
            providers: std::mem::take(&mut self.providers),
            entries: std::mem::take(&mut self.entries),
            order,
            texts: std::mem::take(&mut self.texts),
            outputs: std::mem::take(&mut self.outputs),
            check_results: self.check_results.take(),
            unknown_members: std::mem::take(&mut self.unknown_members),
            n_bytes: self.scanner.offset(),
        })))
    }

    fn read_members(&mut self) -> Result<(), Fault> {
        #[derive(Clone, Copy)]
        enum Member {
            Version,
            TerraformVersion,
            Serial,
            Lineage,
            Outputs,
            Resources,
            CheckResults,
            Pointer,
            Other,
        }
        let mut is_first = true;
        let mut has_resources = false;
        self.scanner.begin_object()?;
        while let Some(name) = self.scanner.next_key(&mut is_first)? {
            let mut member = match name {
                "version" => Member::Version,
                "terraform_version" => Member::TerraformVersion,
                "serial" => Member::Serial,
                "lineage" => Member::Lineage,
                "outputs" => Member::Outputs,
                "resources" => Member::Resources,
                "check_results" => Member::CheckResults,
                "backend" | "state_store" => Member::Pointer,
                _ => Member::Other,
            };
            match name {
                "encryption_version" => self.markers.has_encryption_version = true,
                "format_version" => self.markers.has_format_version = true,
                "planned_values" | "resource_changes" => self.markers.has_plan = true,
                "values" => self.markers.has_values = true,
                _ => {}
            }
            if matches!(member, Member::Other) {
                count(&mut self.unknown_members, name);
            }
            let is_other_version = self.markers.version.as_deref().is_some_and(|version| version != "4");
            if is_other_version && !matches!(member, Member::TerraformVersion | Member::Pointer) {
                member = Member::Other;
            }
            match member {
                Member::Version => self.markers.version = Some(self.scanner.capture_value()?.to_owned()),
                Member::TerraformVersion => {
                    self.markers.terraform_version = self.read_text("terraform_version")?.unwrap_or_default();
                }
                Member::Serial => {
                    if let Some(serial) = self.read_count("serial")? {
                        self.serial = Serial(serial);
                    }
                }
                Member::Lineage => {
                    self.lineage = self.read_text("lineage")?.unwrap_or_default().into();
                }
                Member::Outputs => self.read_outputs()?,
                Member::Resources if has_resources => {
                    return Err(Fault::Expected("the only member `resources`, not its second one,"));
                }
                Member::Resources => {
                    has_resources = true;
                    self.read_resources()?;
                }
                Member::CheckResults => {
                    let is_null = self.scanner.peek()? == b'n';
                    let (start, end) = self.scanner.skip_range()?;
                    self.check_results = (!is_null).then_some(start..end);
                }
                Member::Pointer => {
                    let text = self.scanner.capture_value()?;
                    let backend: Option<serde_json::Value> = serde_json::from_str(text).ok();
                    let kind = backend.as_ref().and_then(|backend| backend.get("type")).and_then(|kind| kind.as_str());
                    if text != "null" {
                        self.markers.pointer = Some(kind.map(str::to_owned));
                    }
                }
                Member::Other => self.scanner.skip_value()?,
            }
        }
        Ok(())
    }

    /// Reads a string; null and, with a problem reported, any other value give `None`.
    fn read_text(&mut self, what: &str) -> Result<Option<String>, Fault> {
        match self.scanner.peek()? {
            b'"' => self.scanner.read_string().map(|text| Some(text.to_owned())),
            b'n' => self.scanner.skip_value().map(|()| None),
            _ => {
                self.report(invalid_member(what, "a string"));
                self.scanner.skip_value().map(|()| None)
            }
        }
    }

    /// Reads a whole number of zero or more; null and, with a problem reported, any other value give `None`.
    fn read_count(&mut self, what: &str) -> Result<Option<u64>, Fault> {
        match self.scanner.peek()? {
            b'n' => self.scanner.skip_value().map(|()| None),
            b'-' | b'0'..=b'9' => {
                let position = self.scanner.position();
                let number = whole_number(self.scanner.read_scalar()?);
                if number.is_none() {
                    self.report_at(position, invalid_member(what, "a whole number of zero or more"));
                }
                Ok(number)
            }
            _ => {
                self.report(invalid_member(what, "a whole number of zero or more"));
                self.scanner.skip_value().map(|()| None)
            }
        }
    }

    /// Steps into an object; false where null stands for an empty one.
    fn begin_object(&mut self) -> Result<bool, Fault> {
        if self.scanner.peek()? == b'n' {
            return self.scanner.skip_value().map(|()| false);
        }
        self.scanner.begin_object().map(|()| true)
    }

    /// Steps into an array; false where null stands for an empty one.
    fn begin_array(&mut self) -> Result<bool, Fault> {
        if self.scanner.peek()? == b'n' {
            return self.scanner.skip_value().map(|()| false);
        }
        self.scanner.begin_array().map(|()| true)
    }

    fn read_outputs(&mut self) -> Result<(), Fault> {
        if !self.begin_object()? {
            return Ok(());
        }
        let mut is_first_output = true;
        while let Some(name) = self.scanner.next_key(&mut is_first_output)? {
            let name = name.to_owned();
            self.scanner.peek()?;
            let start = self.scanner.offset();
            let mut is_sensitive = false;
            let mut is_first = true;
            self.scanner.begin_object()?;
            while let Some(member) = self.scanner.next_key(&mut is_first)? {
                match member {
                    "sensitive" => is_sensitive = self.scanner.read_scalar()? == "true",
                    "value" | "type" | "deprecated" => self.scanner.skip_value()?,
                    unknown => {
                        count(&mut self.unknown_members, &format!("outputs[].{unknown}"));
                        self.scanner.skip_value()?;
                    }
                }
            }
            self.outputs.push(IndexedOutput { name, is_sensitive, range: start..self.scanner.offset() });
        }
        Ok(())
    }
}

fn invalid_member(what: &str, expected: &str) -> Diagnostic {
    let detail = format!("The member `{what}` should be {expected}.");
    Diagnostic::error("state-invalid-member", "A member of the state has the wrong type", detail)
}

fn position_of(entry: &Entry) -> Position {
    Position { line: entry.line as usize, column: entry.column as usize, byte: entry.object.start as usize }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            let name: String = name.chars().take(200).collect();
            if counts.len() < 1000 {
                *counts.entry(name).or_default() += 1;
            }
        }
    }
}

/// Reads a number that is written in any of JSON's ways and is whole, as Go reads one into an integer.
fn whole_number(text: &str) -> Option<u64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    (number >= 0.0 && number.fract() == 0.0 && number < 9_007_199_254_740_992.0).then_some(number as u64)
}
