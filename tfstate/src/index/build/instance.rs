//! One instance object: what identifies it, and where its parts lie.

use model::{DeposedKey, Diagnostic, InstanceKey, Region};

use super::{Builder, INHERITED, count, invalid_member, whole_number};
use crate::format::sensitive;
use crate::index::{ByteRange, Entry, TextRange};
use crate::scan::Fault;

impl Builder<'_> {
    pub(super) fn read_instance(&mut self) -> Result<(), Fault> {
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
                    if self.scanner.peek()? == b'n' {
                        self.scanner.skip_value()?;
                    } else {
                        let identity = self.scanner.capture_value()?;
                        entry.identity = push_text(&mut self.texts, |texts| push_compact(texts, identity))?;
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
