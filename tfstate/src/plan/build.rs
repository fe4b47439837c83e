//! The streaming pass over a plan.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::Arc;

use model::{
    DeposedKey, Diagnostic, Diagnostics, InstanceAddress, InstanceKey, ModuleAddress, ModuleStep, Position,
    ProviderAddress, ProviderConfigAddress, ResourceAddress, Span,
};
use serde::Deserialize;

use super::change::PlanAction;
use super::lookalike::{Markers, recognize_bytes};
use super::members::{ResourceMembers, Texts};
use super::{Change, ConfiguredEntry, Entry, Header, Piece, Prior};
use crate::scan::{Fault, MAX_DEPTH, MAX_INPUT, MAX_TOKEN, Scanner};
use crate::{Error, ErrorKind};

/// The deepest nesting of modules that is read.
const MAX_MODULES: usize = 64;
/// How many entries that cannot be used are named one by one.
const MAX_PROBLEMS: usize = 20;
/// The versions of the format that are read.
const MAJOR_VERSIONS: [&str; 2] = ["0", "1"];

/// What the pass gives.
#[derive(Default)]
pub(super) struct Built {
    pub(super) header: Header,
    pub(super) entries: Vec<Entry>,
    pub(super) by_address: BTreeMap<(InstanceAddress, Option<DeposedKey>), u32>,
    pub(super) providers: Vec<Option<ProviderAddress>>,
    pub(super) provider_configs: BTreeMap<String, ProviderConfigAddress>,
    pub(super) configured: BTreeMap<ResourceAddress, ConfiguredEntry>,
}

/// Reads a plan; `None` where it is none, as the diagnostics say.
pub(super) fn read(reader: &mut dyn Read, name: &Arc<str>) -> Result<(Option<Built>, Diagnostics), Error> {
    let mut builder = Builder {
        scanner: Scanner::new(reader),
        name: Arc::clone(name),
        built: Built::default(),
        markers: Markers::default(),
        diagnostics: Diagnostics::new(),
        n_left_out: 0,
        provider_positions: HashMap::new(),
        texts: Texts::default(),
        priors: Vec::new(),
        drifts: Vec::new(),
        changes: Vec::new(),
        modules: Vec::new(),
    };
    match builder.read_document() {
        Ok(true) => {
            builder.join();
            Ok((Some(builder.built), builder.diagnostics))
        }
        Ok(false) => Ok((None, builder.diagnostics)),
        Err(Fault::Io(error)) => Err(Error::from_io("read the plan", error).with("file", name)),
        Err(Fault::TooLarge) => Err(Error::new(ErrorKind::TooLarge, "read the plan")
            .with("file", name)
            .with("limit", format!("{MAX_INPUT} bytes"))),
        Err(fault) => {
            let position = builder.scanner.fault_position();
            let objection = builder.markers.is_event.then(|| builder.markers.objection("")).flatten();
            let diagnostic = objection.unwrap_or_else(|| damage(&fault, position));
            builder.report_at(position, diagnostic);
            Ok((None, builder.diagnostics))
        }
    }
}

/// Gives the address of a resource in every instance of its module.
pub(super) fn without_keys(address: &ResourceAddress) -> ResourceAddress {
    let step = |step: &ModuleStep| ModuleStep { name: Arc::clone(&step.name), key: None };
    let module = ModuleAddress::from_steps(address.module.steps().iter().map(step).collect());
    ResourceAddress { module, ..address.clone() }
}

fn damage(fault: &Fault, position: Position) -> Diagnostic {
    let byte = position.byte;
    let detail = match fault {
        Fault::Truncated => {
            format!(
                "The file ends after {byte} bytes, in the middle of the document. It was cut off when it was written."
            )
        }
        Fault::NotUtf8 => format!("Byte {byte} (counted from 0) is not part of any UTF-8 character."),
        Fault::TooDeep => {
            format!(
                "Values may be nested {MAX_DEPTH} levels deep, modules {MAX_MODULES}; the one at byte {byte} is deeper."
            )
        }
        Fault::TooLong => format!("A name may have {MAX_TOKEN} bytes; the one around byte {byte} is longer."),
        Fault::Expected(what) => format!("At byte {byte}, {what} should stand. The file was damaged, or is no plan."),
        Fault::Io(_) | Fault::TooLarge => "Reading the file failed.".to_owned(),
    };
    Diagnostic::error("plan-damaged", "The plan is not well-formed", detail)
        .with_help("Make it again: `terraform show -json plan.tfplan > plan.json`.")
}

/// An object of the prior state whose module is not known yet: its address stands behind its resources.
struct PendingPrior {
    module: usize,
    members: ResourceMembers,
    prior: Prior,
}

struct Builder<'a> {
    scanner: Scanner<'a>,
    name: Arc<str>,
    built: Built,
    markers: Markers,
    diagnostics: Diagnostics,
    n_left_out: usize,
    provider_positions: HashMap<String, u32>,
    texts: Texts,
    priors: Vec<PendingPrior>,
    drifts: Vec<(ResourceMembers, Change)>,
    changes: Vec<(ResourceMembers, Change)>,
    /// The modules of the prior state, as far as their addresses have come.
    modules: Vec<Option<String>>,
}

impl Builder<'_> {
    fn report_at(&mut self, position: Position, diagnostic: Diagnostic) {
        let span = Span { file: Arc::clone(&self.name), start: position, end: position };
        self.diagnostics.push(diagnostic.at_span(span));
    }

    /// Reads everything; false where it is no plan.
    fn read_document(&mut self) -> Result<bool, Fault> {
        let prefix = self.scanner.preview(4096)?;
        let prefix = prefix.strip_prefix(b"\xef\xbb\xbf").unwrap_or(prefix);
        if let Some(diagnostic) = recognize_bytes(prefix, &self.name) {
            self.diagnostics.push(diagnostic);
            return Ok(false);
        }
        if self.scanner.preview(3)? == b"\xef\xbb\xbf" {
            self.scanner.advance(3);
        }
        self.scanner.check_utf8()?;
        let mut is_supported = true;
        self.object(|this, name| {
            this.markers.note(name);
            if !is_supported {
                return this.scanner.skip_value();
            }
            if name == "format_version" {
                this.built.header.format_version = this.text()?.unwrap_or_default();
                is_supported = this.is_supported();
                return Ok(());
            }
            this.read_member(name)
        })?;
        if !is_supported {
            let detail = format!(
                "The plan has format version {}; this release reads versions 0 and 1.",
                self.built.header.format_version
            );
            let diagnostic = Diagnostic::error("plan-unsupported-version", "The plan is in a newer format", detail);
            self.diagnostics.push(diagnostic.with_help("Look for a newer release of driftmgr."));
            return Ok(false);
        }
        if let Some(diagnostic) = self.markers.objection(&self.built.header.format_version) {
            self.diagnostics.push(diagnostic);
            return Ok(false);
        }
        self.scanner.expect_end()?;
        Ok(true)
    }

    fn is_supported(&self) -> bool {
        let version = &self.built.header.format_version;
        let major = version.split('.').next().unwrap_or_default();
        MAJOR_VERSIONS.contains(&major)
    }

    fn read_member(&mut self, name: &str) -> Result<(), Fault> {
        match name {
            "terraform_version" => self.built.header.terraform_version = self.text()?.unwrap_or_default(),
            "timestamp" => self.built.header.timestamp = self.text()?,
            "applyable" => self.built.header.is_applyable = self.flag()?,
            "complete" => self.built.header.is_complete = self.flag()?,
            "errored" => self.built.header.is_errored = self.flag()?,
            "variables" => self.built.header.variables = self.piece()?,
            "output_changes" => self.built.header.output_changes = self.piece()?,
            "checks" => self.built.header.checks = self.piece()?,
            "relevant_attributes" => self.built.header.relevant_attributes = self.piece()?,
            "resource_changes" => {
                self.built.header.has_resource_changes = true;
                self.array(|this| {
                    let change = this.change()?;
                    this.changes.push(change);
                    Ok(())
                })?;
            }
            "resource_drift" => self.array(|this| {
                let change = this.change()?;
                this.drifts.push(change);
                Ok(())
            })?,
            "deferred_changes" => self.array(|this| {
                this.built.header.n_deferred += 1;
                this.scanner.skip_value()
            })?,
            "prior_state" => self.object(|this, name| match name {
                "values" => this.object(|this, name| match name {
                    "outputs" => {
                        this.built.header.prior_outputs = this.piece()?;
                        Ok(())
                    }
                    "root_module" => this.prior_module(0),
                    _ => this.scanner.skip_value(),
                }),
                _ => this.scanner.skip_value(),
            })?,
            "configuration" => {
                self.built.header.has_configuration = true;
                self.object(|this, name| match name {
                    "provider_config" => this.provider_configs(),
                    "root_module" => this.configured_module(&[]),
                    _ => this.scanner.skip_value(),
                })?;
            }
            _ => self.scanner.skip_value()?,
        }
        Ok(())
    }

    /// Reads a change of `resource_changes` or `resource_drift`.
    fn change(&mut self) -> Result<(ResourceMembers, Change), Fault> {
        let mut members = ResourceMembers::default();
        let mut change = Change {
            provider: u32::MAX,
            previous_address: None,
            reason: None,
            actions: PlanAction::NoOp,
            is_importing: false,
            whole: Piece::default(),
            before: Piece::default(),
            after: Piece::default(),
            after_unknown: Piece::default(),
            before_sensitive: Piece::default(),
            after_sensitive: Piece::default(),
        };
        self.object(|this, name| {
            match name {
                "previous_address" => change.previous_address = this.text()?.and_then(|text| text.parse().ok()),
                "action_reason" => {
                    let text = this.text()?;
                    change.reason = text.map(|text| this.texts.share(&text));
                }
                "change" => this.change_values(&mut change)?,
                _ => this.resource_member(name, &mut members)?,
            }
            Ok(())
        })?;
        change.provider = self.provider(members.provider.take());
        Ok((members, change))
    }

    fn change_values(&mut self, change: &mut Change) -> Result<(), Fault> {
        self.scanner.peek()?;
        let start = self.scanner.offset();
        self.object(|this, name| {
            match name {
                "actions" => {
                    let mut words = Vec::new();
                    this.array(|this| {
                        words.extend(this.text()?);
                        Ok(())
                    })?;
                    change.actions = PlanAction::of_words(words);
                }
                "importing" => change.is_importing = this.piece()?.get().is_some(),
                "before" => change.before = this.piece()?,
                "after" => change.after = this.piece()?,
                "after_unknown" => change.after_unknown = this.piece()?,
                "before_sensitive" => change.before_sensitive = this.piece()?,
                "after_sensitive" => change.after_sensitive = this.piece()?,
                _ => this.scanner.skip_value()?,
            }
            Ok(())
        })?;
        change.whole = Piece { start: start as u32, end: self.scanner.offset() as u32 };
        Ok(())
    }

    /// Reads a module of the prior state.
    fn prior_module(&mut self, depth: usize) -> Result<(), Fault> {
        if depth > MAX_MODULES {
            return Err(Fault::TooDeep);
        }
        let module = self.modules.len();
        self.modules.push(None);
        self.object(|this, name| match name {
            "address" => {
                this.modules[module] = this.text()?;
                Ok(())
            }
            "resources" => this.array(|this| this.prior_resource(module)),
            "child_modules" => this.array(|this| this.prior_module(depth + 1)),
            _ => this.scanner.skip_value(),
        })
    }

    fn prior_resource(&mut self, module: usize) -> Result<(), Fault> {
        let mut members = ResourceMembers::default();
        let mut prior = Prior {
            provider: u32::MAX,
            is_tainted: false,
            schema_version: 0,
            values: Piece::default(),
            sensitive: Piece::default(),
        };
        self.object(|this, name| {
            match name {
                "values" => prior.values = this.piece()?,
                "sensitive_values" => prior.sensitive = this.piece()?,
                "tainted" => prior.is_tainted = this.flag()?.unwrap_or(false),
                "deposed_key" => members.deposed = this.text()?,
                "schema_version" => {
                    let text = this.scanner.capture_value()?;
                    prior.schema_version = text.parse().unwrap_or(0);
                }
                _ => this.resource_member(name, &mut members)?,
            }
            Ok(())
        })?;
        prior.provider = self.provider(members.provider.take());
        self.priors.push(PendingPrior { module, members, prior });
        Ok(())
    }

    fn resource_member(&mut self, name: &str, members: &mut ResourceMembers) -> Result<(), Fault> {
        match name {
            "address" => members.address = self.text()?,
            "module_address" => members.module = self.text()?,
            "mode" => members.mode = self.text()?,
            "type" => members.resource_type = self.text()?,
            "name" => members.name = self.text()?,
            "deposed" => members.deposed = self.text()?,
            "provider_name" => members.provider = self.text()?,
            "index" => match self.scanner.peek()? {
                b'"' => members.key = Some(InstanceKey::String(self.scanner.read_string()?.into())),
                b'n' => self.scanner.skip_value()?,
                _ => {
                    members.key = self.scanner.capture_value()?.parse().ok().map(InstanceKey::Int);
                    members.is_key_odd = members.key.is_none();
                }
            },
            _ => self.scanner.skip_value()?,
        }
        Ok(())
    }

    fn provider_configs(&mut self) -> Result<(), Fault> {
        #[derive(Deserialize)]
        struct Configured {
            #[serde(default)]
            name: String,
            full_name: Option<String>,
            alias: Option<String>,
            module_address: Option<String>,
        }
        self.object(|this, key| {
            let Ok(configured) = serde_json::from_str::<Configured>(this.scanner.capture_value()?) else {
                return Ok(());
            };
            let provider = configured.full_name.unwrap_or(configured.name).parse::<ProviderAddress>();
            let module = configured.module_address.map_or_else(|| Ok(ModuleAddress::root()), |text| text.parse());
            if let (Ok(provider), Ok(module)) = (provider, module) {
                let alias = configured.alias.filter(|alias| !alias.is_empty()).map(Into::into);
                let address = ProviderConfigAddress { module, provider, alias, key: None };
                this.built.provider_configs.insert(key.to_owned(), address);
            }
            Ok(())
        })
    }

    /// Reads a module of the configuration.
    fn configured_module(&mut self, path: &[Arc<str>]) -> Result<(), Fault> {
        if path.len() > MAX_MODULES {
            return Err(Fault::TooDeep);
        }
        self.object(|this, name| match name {
            "resources" => this.array(|this| this.configured_resource(path)),
            "variables" if path.is_empty() => {
                this.built.header.configured_variables = this.piece()?;
                Ok(())
            }
            "module_calls" => this.object(|this, call| {
                let mut inner = path.to_vec();
                inner.push(call.into());
                this.object(|this, name| match name {
                    "module" => this.configured_module(&inner),
                    _ => this.scanner.skip_value(),
                })
            }),
            _ => this.scanner.skip_value(),
        })
    }

    fn configured_resource(&mut self, path: &[Arc<str>]) -> Result<(), Fault> {
        let mut members = ResourceMembers::default();
        let mut entry = ConfiguredEntry { provider_key: None, expressions: Piece::default() };
        self.object(|this, name| {
            match name {
                "provider_config_key" => {
                    let text = this.text()?;
                    entry.provider_key = text.map(|text| this.texts.share(&text));
                }
                "expressions" => entry.expressions = this.piece()?,
                _ => this.resource_member(name, &mut members)?,
            }
            Ok(())
        })?;
        let steps = path.iter().map(|name| ModuleStep { name: Arc::clone(name), key: None });
        let module = ModuleAddress::from_steps(steps.collect());
        if let Ok(Some(address)) = members.address(Some(&module), &mut self.texts) {
            self.built.configured.insert(address.resource, entry);
        }
        Ok(())
    }

    fn provider(&mut self, name: Option<String>) -> u32 {
        let Some(name) = name else { return u32::MAX };
        if let Some(position) = self.provider_positions.get(&name) {
            return *position;
        }
        let position = self.built.providers.len() as u32;
        self.built.providers.push(name.parse().ok());
        self.provider_positions.insert(name, position);
        position
    }

    /// Brings together what the parts of the plan say of each object.
    fn join(&mut self) {
        let mut modules: Vec<Option<ModuleAddress>> = Vec::with_capacity(self.modules.len());
        for text in std::mem::take(&mut self.modules) {
            // Only the root module has no address.
            let is_root = modules.is_empty() && text.is_none();
            let module =
                if is_root { Some(ModuleAddress::root()) } else { text.and_then(|text| self.texts.module(&text)) };
            modules.push(module);
        }
        for PendingPrior { module, members, prior } in std::mem::take(&mut self.priors) {
            let address = match &modules[module] {
                Some(module) => members.address(Some(module), &mut self.texts),
                None => Err(members.address.clone().unwrap_or_default()),
            };
            if let Some(entry) = self.entry(address, members.deposed.as_deref()) {
                entry.prior = Some(prior);
            }
        }
        for (members, change) in std::mem::take(&mut self.changes) {
            let address = members.address(None, &mut self.texts);
            if let Some(entry) = self.entry(address, members.deposed.as_deref()) {
                entry.change = Some(Box::new(change));
            }
        }
        for (members, change) in std::mem::take(&mut self.drifts) {
            let address = members.address(None, &mut self.texts);
            if let Some(entry) = self.entry(address, members.deposed.as_deref()) {
                entry.drift = Some(Box::new(change));
            }
        }
        if self.n_left_out > MAX_PROBLEMS {
            let detail = format!("{} further entries cannot be used either.", self.n_left_out - MAX_PROBLEMS);
            self.diagnostics.push(Diagnostic::warning(
                "plan-invalid-entry",
                "More of the plan was passed over",
                detail,
            ));
        }
    }

    /// Finds or makes the entry of an object; `None` where its address is none, or belongs to something else.
    fn entry(&mut self, address: Result<Option<InstanceAddress>, String>, deposed: Option<&str>) -> Option<&mut Entry> {
        let address = match address {
            Ok(address) => address?,
            Err(shown) => {
                self.n_left_out += 1;
                if self.n_left_out <= MAX_PROBLEMS {
                    let detail =
                        format!("Its entry {shown:?} has no address that terraform would write. It was passed over.");
                    let summary = "Something in the plan has no valid address";
                    self.diagnostics.push(Diagnostic::warning("plan-invalid-entry", summary, detail));
                }
                return None;
            }
        };
        let key = (address, deposed.map(DeposedKey::from));
        let position = match self.built.by_address.get(&key) {
            Some(position) => *position,
            None => {
                let position = self.built.entries.len() as u32;
                let (address, deposed) = key.clone();
                self.built.entries.push(Entry { address, deposed, prior: None, drift: None, change: None });
                self.built.by_address.insert(key, position);
                position
            }
        };
        self.built.entries.get_mut(position as usize)
    }

    /// Steps through an object; null counts as empty.
    fn object(&mut self, mut member: impl FnMut(&mut Self, &str) -> Result<(), Fault>) -> Result<(), Fault> {
        if self.scanner.peek()? == b'n' {
            return self.scanner.skip_value();
        }
        self.scanner.begin_object()?;
        let mut is_first = true;
        while let Some(name) = self.scanner.next_key(&mut is_first)?.map(str::to_owned) {
            member(self, &name)?;
        }
        Ok(())
    }

    /// Steps through an array; null counts as empty.
    fn array(&mut self, mut element: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        if self.scanner.peek()? == b'n' {
            return self.scanner.skip_value();
        }
        self.scanner.begin_array()?;
        let mut is_first = true;
        while self.scanner.next_element(&mut is_first)? {
            element(self)?;
        }
        Ok(())
    }

    fn text(&mut self) -> Result<Option<String>, Fault> {
        if self.scanner.peek()? == b'n' {
            return self.scanner.skip_value().map(|()| None);
        }
        self.scanner.read_string().map(|text| Some(text.to_owned()))
    }

    fn flag(&mut self) -> Result<Option<bool>, Fault> {
        Ok(match self.scanner.capture_value()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }

    /// Steps over a value and keeps where it lies; null counts as absent.
    fn piece(&mut self) -> Result<Piece, Fault> {
        if self.scanner.peek()? == b'n' {
            return self.scanner.skip_value().map(|()| Piece::default());
        }
        let (start, end) = self.scanner.skip_range()?;
        Ok(Piece { start: start as u32, end: end as u32 })
    }
}
