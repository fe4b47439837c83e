//! One resource: its address, and the provider configurations of its instances.

use std::sync::Arc;

use model::address::is_valid_name;
use model::{Diagnostic, ModuleAddress, Position, ProviderConfigAddress, ResourceAddress, ResourceMode};

use super::{Builder, INHERITED, count};
use crate::scan::Fault;

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

impl Builder<'_> {
    pub(super) fn read_resources(&mut self) -> Result<(), Fault> {
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
    pub(super) fn provider(&mut self, text: &str, address: &dyn std::fmt::Display, position: Position) -> Option<u32> {
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

    pub(super) fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(found) = self.names.get(text) {
            return Arc::clone(found);
        }
        let name: Arc<str> = text.into();
        self.names.insert(Arc::clone(&name));
        name
    }
}
