//! The streaming pass that builds an [`Index`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::sync::Arc;

use model::address::is_valid_name;
use model::{
    DeposedKey, Diagnostic, Diagnostics, InstanceKey, Lineage, ModuleAddress, Position, ProviderConfigAddress, Region,
    ResourceAddress, ResourceMode, Serial, Span,
};

use super::{ByteRange, Entry, Index, IndexedOutput, Reading, TextRange, order};
use crate::format::lookalike::{self, Markers};
use crate::format::sensitive;
use crate::scan::{Fault, MAX_DEPTH, MAX_INPUT, MAX_TOKEN, Scanner};
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
/// [`Reading::Rejected`].
pub fn read(reader: &mut dyn Read, file: &Arc<str>) -> Result<(Reading, Diagnostics), Error> {
    let mut builder = Builder::new(Scanner::new(reader), Arc::clone(file));
    match builder.read_document() {
        Ok(reading) => Ok((reading, builder.into_diagnostics())),
        Err(Fault::Io(error)) => Err(Error::from_io("read the state", error).with("file", file)),
        Err(Fault::TooLarge) => Err(Error::new(ErrorKind::TooLarge, "read the state")
            .with("file", file)
            .with("limit", format!("{MAX_INPUT} bytes"))),
        Err(fault) => {
            let position = builder.scanner.fault_position();
            let diagnostic = describe(&fault, position);
            builder.report_at(position, diagnostic);
            Ok((Reading::Rejected, builder.into_diagnostics()))
        }
    }
}

fn describe(fault: &Fault, position: Position) -> Diagnostic {
    let byte = position.byte;
    match fault {
        Fault::Truncated => Diagnostic::error(
            "state-truncated",
            "The state is truncated",
            format!(
                "The file ends after {byte} bytes, in the middle of the document. It was cut off when it was written."
            ),
        )
        .with_help(
            "Fetch it again, or restore it from a backup: `terraform.tfstate.backup`, or the bucket's versions.",
        ),
        Fault::NotUtf8 => Diagnostic::error(
            "state-not-utf8",
            "The state is not UTF-8 text",
            format!(
                "Byte {byte} (counted from 0) is not part of any UTF-8 character. The file was damaged or converted."
            ),
        ),
        Fault::TooDeep => Diagnostic::error(
            "state-too-deep",
            "The state is nested too deeply",
            format!("Values may be nested {MAX_DEPTH} levels deep; the one at byte {byte} is deeper."),
        ),
        Fault::TooLong => Diagnostic::error(
            "state-too-long",
            "A text in the state is too long",
            format!("Names, ids and identities may have {MAX_TOKEN} bytes; the one around byte {byte} is longer."),
        ),
        Fault::Expected(what) => Diagnostic::error(
            "state-syntax",
            "The state is not well-formed",
            format!("At byte {byte}, {what} should stand. The file was damaged, or edited by hand."),
        )
        .with_help("Restore it from a backup: `terraform.tfstate.backup`, or the bucket's versions."),
        Fault::Io(_) | Fault::TooLarge => {
            Diagnostic::error("state-unreadable", "The state cannot be read", "Reading the file failed.")
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

/// The members of a resource, in whichever order they come.
#[derive(Default)]
struct ResourceMembers {
    module: Option<String>,
    mode: Option<String>,
    resource_type: Option<String>,
    name: Option<String>,
    provider: Option<String>,
    has_instances: bool,
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

    fn read_document(&mut self) -> Result<Reading, Fault> {
        let prefix = self.scanner.preview(4096)?;
        if prefix.is_empty() {
            return Ok(Reading::NoState);
        }
        if let Some(diagnostic) = lookalike::recognize_bytes(prefix) {
            self.report(diagnostic);
            return Ok(Reading::Rejected);
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
            return Ok(Reading::Rejected);
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
            return Ok(Reading::Rejected);
        }
        self.outputs.sort_by(|left, right| left.name.cmp(&right.name));
        self.entries.shrink_to_fit();
        Ok(Reading::State(Box::new(Index {
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

    fn read_resources(&mut self) -> Result<(), Fault> {
        if !self.begin_array()? {
            return Ok(());
        }
        let mut is_first = true;
        while self.scanner.next_element(&mut is_first)? {
            self.read_resource()?;
        }
        Ok(())
    }

    fn read_resource(&mut self) -> Result<(), Fault> {
        #[derive(Clone, Copy)]
        enum Member {
            Module,
            Mode,
            Type,
            Name,
            Provider,
            Instances,
            Other,
        }
        self.scanner.peek()?;
        let position = self.scanner.position();
        let first_entry = self.entries.len();
        let mut members = ResourceMembers::default();
        let mut is_first = true;
        self.scanner.begin_object()?;
        while let Some(name) = self.scanner.next_key(&mut is_first)? {
            let member = match name {
                "module" => Member::Module,
                "mode" => Member::Mode,
                "type" => Member::Type,
                "name" => Member::Name,
                "provider" => Member::Provider,
                "instances" => Member::Instances,
                "each" => Member::Other,
                unknown => {
                    count(&mut self.unknown_members, &format!("resources[].{unknown}"));
                    Member::Other
                }
            };
            match member {
                Member::Module => members.module = self.read_text("module")?,
                Member::Mode => members.mode = self.read_text("mode")?,
                Member::Type => members.resource_type = self.read_text("type")?,
                Member::Name => members.name = self.read_text("name")?,
                Member::Provider => members.provider = self.read_text("provider")?,
                Member::Instances if members.has_instances => {
                    return Err(Fault::Expected("the only member `instances` of its resource, not its second one,"));
                }
                Member::Instances => {
                    members.has_instances = true;
                    if self.begin_array()? {
                        let mut is_first = true;
                        while self.scanner.next_element(&mut is_first)? {
                            self.read_instance()?;
                        }
                    }
                }
                Member::Other => self.scanner.skip_value()?,
            }
        }
        let Some(address) = self.resource_address(&members, position) else {
            self.entries.truncate(first_entry);
            return Ok(());
        };
        self.resolve_providers(first_entry, &members, &address, position);
        self.resources.push(address);
        Ok(())
    }

    fn resource_address(&mut self, members: &ResourceMembers, position: Position) -> Option<ResourceAddress> {
        let resource_type = members.resource_type.as_deref().unwrap_or_default();
        let name = members.name.as_deref().unwrap_or_default();
        let label = format!("{resource_type}.{name}");
        let mode = match members.mode.as_deref() {
            Some("managed") => ResourceMode::Managed,
            Some("data") => ResourceMode::Data,
            other => {
                let found = other.map_or("no mode".to_owned(), |mode| format!("the mode {mode:?}"));
                let detail = format!("The resource {label} has {found}; a resource is \"managed\" or \"data\".");
                let diagnostic = Diagnostic::error("state-invalid-mode", "A resource's mode is not known", detail);
                self.report_at(position, diagnostic.at_address(label));
                return None;
            }
        };
        if !is_valid_name(resource_type) || !is_valid_name(name) {
            let detail = format!("The type {resource_type:?} and the name {name:?} do not make a resource address.");
            let diagnostic = Diagnostic::error("state-invalid-address", "A resource's address is not valid", detail);
            self.report_at(position, diagnostic.at_address(label));
            return None;
        }
        let module = members.module.as_deref().unwrap_or_default();
        let module = if module.is_empty() {
            ModuleAddress::root()
        } else if let Some(address) = self.modules.get(module) {
            address.clone()
        } else {
            match module.parse::<ModuleAddress>() {
                Ok(address) => {
                    self.modules.insert(module.to_owned(), address.clone());
                    address
                }
                Err(error) => {
                    let detail = format!("The resource {label} lies in a module that cannot be read: {error}.");
                    let diagnostic =
                        Diagnostic::error("state-invalid-address", "A module's address is not valid", detail);
                    self.report_at(position, diagnostic.at_address(label));
                    return None;
                }
            }
        };
        let resource_type = self.intern(resource_type);
        Some(ResourceAddress {
            module,
            mode,
            resource_type: model::ResourceType::new(resource_type),
            name: name.into(),
        })
    }

    fn resolve_providers(
        &mut self,
        first_entry: usize,
        members: &ResourceMembers,
        address: &ResourceAddress,
        position: Position,
    ) {
        let own = members.provider.as_deref().and_then(|text| self.provider(text, address, position));
        let is_missing = members.provider.is_none();
        let n_inherited = self.entries[first_entry..].iter().filter(|entry| entry.provider == INHERITED).count();
        if is_missing && (n_inherited > 0 || self.entries.len() == first_entry) {
            let detail = format!("Neither {address} nor each of its instances names its provider configuration.");
            let diagnostic = Diagnostic::error("state-missing-provider", "A resource names no provider", detail);
            self.report_at(position, diagnostic.at_address(address));
        }
        if !is_missing && n_inherited < self.entries.len() - first_entry {
            let detail = format!("{address} names a provider configuration, and so do its instances; theirs are used.");
            let diagnostic = Diagnostic::warning("state-two-providers", "A resource names its provider twice", detail);
            self.report_at(position, diagnostic.at_address(address));
        }
        for entry in &mut self.entries[first_entry..] {
            if entry.provider == INHERITED {
                entry.provider = own.unwrap_or(0);
            }
        }
        let mut named =
            self.entries[first_entry..].iter().filter_map(|entry| self.providers.get(entry.provider as usize));
        let Some(first) = named.next() else { return };
        let differs = |other: &&ProviderConfigAddress| {
            (&other.module, &other.provider, &other.alias) != (&first.module, &first.provider, &first.alias)
        };
        if let Some(other) = named.find(differs) {
            let detail =
                format!("The instances of {address} name {first} and {other}: one block must configure them all.");
            let diagnostic = Diagnostic::error("state-two-providers", "Instances name different providers", detail);
            self.report_at(position, diagnostic.at_address(address));
        }
    }

    /// Finds the position of a provider configuration, reporting a text that is none.
    fn provider(&mut self, text: &str, address: &dyn std::fmt::Display, position: Position) -> Option<u32> {
        if let Some(found) = self.provider_positions.get(text) {
            return Some(*found);
        }
        match text.parse() {
            Ok(provider) => {
                let found = self.providers.len() as u32;
                self.providers.push(provider);
                self.provider_positions.insert(text.to_owned(), found);
                Some(found)
            }
            Err(error) => {
                let detail = format!("The provider configuration of {address} cannot be read: {error}.");
                let diagnostic =
                    Diagnostic::error("state-invalid-provider", "A provider's address is not valid", detail);
                self.report_at(position, diagnostic.at_address(address));
                None
            }
        }
    }

    fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(found) = self.names.get(text) {
            return Arc::clone(found);
        }
        let name: Arc<str> = text.into();
        self.names.insert(Arc::clone(&name));
        name
    }

    fn read_instance(&mut self) -> Result<(), Fault> {
        #[derive(Clone, Copy)]
        enum Member {
            IndexKey,
            Status,
            Deposed,
            Provider,
            SchemaVersion,
            Attributes,
            AttributesFlat,
            SensitiveAttributes,
            IdentityVersion,
            Identity,
            Other,
        }
        self.scanner.peek()?;
        let position = self.scanner.position();
        let start = self.scanner.offset();
        let mut entry = Entry {
            resource: self.resources.len() as u32,
            provider: INHERITED,
            key: None,
            deposed: None,
            region: None,
            id: TextRange::default(),
            arn: TextRange::default(),
            identity: TextRange::default(),
            identity_version: 0,
            schema_version: 0,
            object: ByteRange::default(),
            attributes: ByteRange::default(),
            line: position.line as u32,
            column: position.column as u32,
            is_tainted: false,
            is_id_sensitive: false,
        };
        let mut is_first = true;
        self.scanner.begin_object()?;
        while let Some(name) = self.scanner.next_key(&mut is_first)? {
            let member = match name {
                "index_key" => Member::IndexKey,
                "status" => Member::Status,
                "deposed" => Member::Deposed,
                "provider" => Member::Provider,
                "schema_version" => Member::SchemaVersion,
                "attributes" => Member::Attributes,
                "attributes_flat" => Member::AttributesFlat,
                "sensitive_attributes" => Member::SensitiveAttributes,
                "identity_schema_version" => Member::IdentityVersion,
                "identity" => Member::Identity,
                "private" | "dependencies" | "depends_on" | "create_before_destroy" | "skip_destroy" => Member::Other,
                unknown => {
                    count(&mut self.unknown_members, &format!("resources[].instances[].{unknown}"));
                    Member::Other
                }
            };
            match member {
                Member::IndexKey => entry.key = self.read_key()?,
                Member::Status => {
                    let status = self.read_text("status")?;
                    match status.as_deref() {
                        None | Some("") => {}
                        Some("tainted") => entry.is_tainted = true,
                        Some(other) => {
                            let detail = format!("The status {other:?} is not known; an instance may be \"tainted\".");
                            let summary = "An instance's status is not known";
                            self.report_at(position, Diagnostic::error("state-invalid-status", summary, detail));
                        }
                    }
                }
                Member::Deposed => {
                    let deposed = self.read_text("deposed")?.unwrap_or_default();
                    if !deposed.is_empty() && deposed.len() != 8 {
                        let detail = format!("The deposed key {deposed:?} has not the eight characters it must have.");
                        let summary = "A deposed key is not valid";
                        self.report_at(position, Diagnostic::error("state-invalid-deposed-key", summary, detail));
                    }
                    entry.deposed = (!deposed.is_empty()).then(|| DeposedKey::new(deposed));
                }
                Member::Provider => {
                    if let Some(text) = self.read_text("provider")? {
                        entry.provider = self.provider(&text, &"an instance", position).unwrap_or(0);
                    }
                }
                Member::SchemaVersion => entry.schema_version = self.read_count("schema_version")?.unwrap_or(0),
                Member::Attributes => self.read_attributes(&mut entry, true)?,
                Member::AttributesFlat => self.read_attributes(&mut entry, false)?,
                Member::SensitiveAttributes => self.read_sensitive(&mut entry)?,
                Member::IdentityVersion => {
                    entry.identity_version = self
                        .read_count("identity_schema_version")?
                        .and_then(|count| count.try_into().ok())
                        .unwrap_or(0);
                }
                Member::Identity => {
                    if self.scanner.peek()? != b'n' {
                        let identity = self.scanner.capture_value()?;
                        entry.identity = push_text(&mut self.texts, |texts| push_compact(texts, identity))?;
                    } else {
                        self.scanner.skip_value()?;
                    }
                }
                Member::Other => self.scanner.skip_value()?,
            }
        }
        if entry.is_id_sensitive {
            entry.id = TextRange::default();
        }
        entry.object = byte_range(start, self.scanner.offset());
        self.entries.push(entry);
        Ok(())
    }

    fn read_key(&mut self) -> Result<Option<InstanceKey>, Fault> {
        let what = "a string, or a whole number of zero or more";
        match self.scanner.peek()? {
            b'"' => self.scanner.read_string().map(|key| Some(InstanceKey::String(key.into()))),
            b'n' => self.scanner.skip_value().map(|()| None),
            b'-' | b'0'..=b'9' => {
                let position = self.scanner.position();
                let number = whole_number(self.scanner.read_scalar()?);
                if number.is_none() {
                    self.report_at(position, invalid_member("index_key", what));
                }
                Ok(number.map(InstanceKey::Int))
            }
            _ => {
                self.report(invalid_member("index_key", what));
                self.scanner.skip_value().map(|()| None)
            }
        }
    }

    fn read_attributes(&mut self, entry: &mut Entry, is_structured: bool) -> Result<(), Fault> {
        #[derive(Clone, Copy)]
        enum Member {
            Id,
            Arn,
            Region,
            Other,
        }
        self.scanner.peek()?;
        let start = self.scanner.offset();
        if !self.begin_object()? {
            return Ok(());
        }
        let mut is_first = true;
        while let Some(name) = self.scanner.next_key(&mut is_first)? {
            let member = match name {
                "id" => Member::Id,
                "arn" => Member::Arn,
                "region" => Member::Region,
                _ => Member::Other,
            };
            if matches!(member, Member::Other) {
                self.scanner.skip_value()?;
                continue;
            }
            let text = match self.scanner.peek()? {
                b'"' => self.scanner.read_string()?,
                b'-' | b'0'..=b'9' => self.scanner.read_scalar()?,
                _ => {
                    self.scanner.skip_value()?;
                    continue;
                }
            };
            match member {
                Member::Id => entry.id = push_text(&mut self.texts, |texts| texts.push_str(text))?,
                Member::Arn => entry.arn = push_text(&mut self.texts, |texts| texts.push_str(text))?,
                Member::Region if text.is_empty() => {}
                Member::Region => {
                    let text = text.to_owned();
                    entry.region = Some(Region::new(self.intern(&text)));
                }
                Member::Other => {}
            }
        }
        if is_structured {
            entry.attributes = byte_range(start, self.scanner.offset());
        }
        Ok(())
    }

    /// Forgets ids that the state marks as sensitive.
    fn read_sensitive(&mut self, entry: &mut Entry) -> Result<(), Fault> {
        self.scanner.peek()?;
        let position = self.scanner.position();
        let text = self.scanner.capture_value()?;
        if text == "[]" || text == "null" {
            return Ok(());
        }
        match sensitive::parse(text.as_bytes()) {
            Ok(paths) => {
                let covers = |name: &str| paths.iter().any(|path| sensitive::covers_attribute(path, name));
                entry.is_id_sensitive = covers("id");
                if covers("arn") {
                    entry.arn = TextRange::default();
                }
                if covers("region") {
                    entry.region = None;
                }
            }
            Err(problem) => {
                let detail = format!("The paths of sensitive attributes cannot be read: {problem}.");
                let summary = "A path of a sensitive attribute is not valid";
                self.report_at(position, Diagnostic::error("state-invalid-path", summary, detail));
            }
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

fn byte_range(start: u64, end: u64) -> ByteRange {
    ByteRange { start: start as u32, end: end as u32 }
}

fn push_text(texts: &mut String, push: impl FnOnce(&mut String)) -> Result<TextRange, Fault> {
    let start = texts.len();
    push(texts);
    match (u32::try_from(start), u32::try_from(texts.len())) {
        (Ok(start), Ok(end)) => Ok(TextRange { start, end }),
        _ => Err(Fault::TooLarge),
    }
}

/// Appends JSON text without the white space between its tokens.
fn push_compact(texts: &mut String, json: &str) {
    let mut is_in_string = false;
    let mut is_escaped = false;
    texts.extend(json.chars().filter(|c| {
        let is_kept = is_in_string || !matches!(c, ' ' | '\n' | '\r' | '\t');
        if is_escaped {
            is_escaped = false;
        } else if is_in_string && *c == '\\' {
            is_escaped = true;
        } else if *c == '"' {
            is_in_string = !is_in_string;
        }
        is_kept
    }));
}
