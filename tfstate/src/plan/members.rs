//! What identifies a resource instance in a plan: members in any order, and the address they make.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use model::address::is_valid_name;
use model::{InstanceAddress, InstanceKey, ModuleAddress, ResourceAddress, ResourceMode};

/// What identifies a resource instance, in whichever order its members come.
#[derive(Default)]
pub(super) struct ResourceMembers {
    pub(super) address: Option<String>,
    pub(super) module: Option<String>,
    pub(super) mode: Option<String>,
    pub(super) resource_type: Option<String>,
    pub(super) name: Option<String>,
    pub(super) key: Option<InstanceKey>,
    pub(super) deposed: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) is_key_odd: bool,
}

impl ResourceMembers {
    /// Gives the address; `Ok(None)` for what is neither managed nor read, which this release does not know.
    pub(super) fn address(
        &self,
        module: Option<&ModuleAddress>,
        texts: &mut Texts,
    ) -> Result<Option<InstanceAddress>, String> {
        let shown = || self.address.clone().unwrap_or_else(|| "one without an address".to_owned());
        let mode = match self.mode.as_deref() {
            Some("managed") => ResourceMode::Managed,
            Some("data") => ResourceMode::Data,
            _ => return Ok(None),
        };
        let module = match module {
            Some(module) => module.clone(),
            None => match &self.module {
                None => ModuleAddress::root(),
                Some(text) => texts.module(text).ok_or_else(shown)?,
            },
        };
        let (Some(resource_type), Some(name)) = (&self.resource_type, &self.name) else { return Err(shown()) };
        if self.is_key_odd || !is_valid_name(resource_type) || !is_valid_name(name) {
            return Err(shown());
        }
        let resource = ResourceAddress {
            module,
            mode,
            resource_type: model::ResourceType::new(texts.share(resource_type)),
            name: texts.share(name),
        };
        Ok(Some(resource.instance(self.key.clone())))
    }
}

/// Texts and modules that occur often, kept once.
#[derive(Default)]
pub(super) struct Texts {
    texts: BTreeSet<Arc<str>>,
    modules: HashMap<String, Option<ModuleAddress>>,
}

impl Texts {
    pub(super) fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(text) = self.texts.get(text) {
            return Arc::clone(text);
        }
        let shared: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&shared));
        shared
    }

    pub(super) fn module(&mut self, text: &str) -> Option<ModuleAddress> {
        if !self.modules.contains_key(text) {
            self.modules.insert(text.to_owned(), text.parse().ok());
        }
        self.modules.get(text).cloned().flatten()
    }
}
