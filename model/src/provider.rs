//! Addresses of providers and of their configurations.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::address::{InstanceKey, ModuleAddress, ParseAddressError};
use crate::text::{is_identifier, read_identifier, read_quoted};

/// The registry that provider addresses without a host name mean.
const DEFAULT_HOST: &str = "registry.terraform.io";
/// The public registry of OpenTofu; it serves the same providers.
const OPENTOFU_HOST: &str = "registry.opentofu.org";

/// Addresses one provider: `registry.terraform.io/hashicorp/aws`.
///
/// ```
/// use model::ProviderAddress;
/// let short: ProviderAddress = "hashicorp/aws".parse()?;
/// let tofu: ProviderAddress = "registry.opentofu.org/hashicorp/aws".parse()?;
/// assert_eq!(short.to_string(), "registry.terraform.io/hashicorp/aws");
/// assert!(short.is_same_provider(&tofu));
/// # Ok::<(), model::ParseAddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderAddress {
    /// The registry's host name.
    pub host: Arc<str>,
    /// The namespace in the registry; `-` in states of before 0.13.
    pub namespace: Arc<str>,
    /// The provider's type: the prefix of its resource types.
    pub provider_type: Arc<str>,
}

impl ProviderAddress {
    /// Tells whether two addresses name one provider: the two public registries serve the same ones.
    pub fn is_same_provider(&self, other: &Self) -> bool {
        let is_public = |host: &str| host == DEFAULT_HOST || host == OPENTOFU_HOST;
        self.namespace == other.namespace
            && self.provider_type == other.provider_type
            && (self.host == other.host || (is_public(&self.host) && is_public(&other.host)))
    }
}

impl fmt::Display for ProviderAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.host, self.namespace, self.provider_type)
    }
}

impl FromStr for ProviderAddress {
    type Err = ParseAddressError;

    fn from_str(input: &str) -> Result<Self, Self::Err> {
        let fail = |reason| ParseAddressError { input: input.to_owned(), reason, offset: 0 };
        let parts: Vec<&str> = input.split('/').collect();
        let (host, namespace, provider_type) = match parts.as_slice() {
            [provider_type] => (DEFAULT_HOST, "hashicorp", *provider_type),
            [namespace, provider_type] => (DEFAULT_HOST, *namespace, *provider_type),
            [host, namespace, provider_type] => (*host, *namespace, *provider_type),
            _ => return Err(fail("a provider address is HOST/NAMESPACE/TYPE, the first two being optional")),
        };
        if host.is_empty() || namespace.is_empty() || provider_type.is_empty() {
            return Err(fail("no part of a provider address may be empty"));
        }
        Ok(Self { host: host.into(), namespace: namespace.into(), provider_type: provider_type.into() })
    }
}

/// Addresses one configuration of a provider, as a state names it: `provider["registry.terraform.io/hashicorp/aws"].west`.
///
/// ```
/// use model::ProviderConfigAddress;
/// let text = r#"module.a.provider["registry.terraform.io/hashicorp/aws"].west"#;
/// let address: ProviderConfigAddress = text.parse()?;
/// assert_eq!(address.alias.as_deref(), Some("west"));
/// assert_eq!(address.to_string(), text);
/// # Ok::<(), model::ParseAddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderConfigAddress {
    /// The module whose block it is, without instance keys.
    pub module: ModuleAddress,
    /// The provider.
    pub provider: ProviderAddress,
    /// The `alias` argument of the block.
    pub alias: Option<Arc<str>>,
    /// The key, where OpenTofu's `for_each` made several configurations of the block.
    pub key: Option<InstanceKey>,
}

impl fmt::Display for ProviderConfigAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_root() {
            write!(f, "{}.", self.module)?;
        }
        write!(f, "provider[\"{}\"]", self.provider)?;
        if let Some(alias) = &self.alias {
            write!(f, ".{alias}")?;
        }
        match &self.key {
            Some(key) => key.fmt(f),
            None => Ok(()),
        }
    }
}

impl FromStr for ProviderConfigAddress {
    type Err = ParseAddressError;

    /// Reads the current form and the form of before 0.13, `provider.aws.alias`, whose namespace is `-`.
    fn from_str(input: &str) -> Result<Self, Self::Err> {
        let fail = |reason| ParseAddressError { input: input.to_owned(), reason, offset: 0 };
        let start = if input.starts_with("provider") {
            0
        } else {
            input.find(".provider").map(|dot| dot + 1).ok_or_else(|| fail("`provider` is missing"))?
        };
        let module = match input[..start].strip_suffix('.') {
            Some(module) => module.parse()?,
            None => ModuleAddress::root(),
        };
        let rest = &input[start + "provider".len()..];
        if let Some(legacy) = rest.strip_prefix('.') {
            let (provider_type, alias) = match legacy.split_once('.') {
                Some((provider_type, alias)) => (provider_type, Some(alias.into())),
                None => (legacy, None),
            };
            if !is_identifier(provider_type) {
                return Err(fail("a provider type must follow `provider.`"));
            }
            let provider = ProviderAddress {
                host: DEFAULT_HOST.into(),
                namespace: "-".into(),
                provider_type: provider_type.into(),
            };
            return Ok(Self { module, provider, alias, key: None });
        }
        let quoted = rest.strip_prefix('[').ok_or_else(|| fail("`[` or `.` must follow `provider`"))?;
        let (text, after) =
            read_quoted(quoted).ok_or_else(|| fail("the provider's address must be a quoted string"))?;
        let provider = text.parse()?;
        let after = after.strip_prefix(']').ok_or_else(|| fail("`]` must follow the provider's address"))?;
        let Some(tail) = after.strip_prefix('.') else {
            return if after.is_empty() {
                Ok(Self { module, provider, alias: None, key: None })
            } else {
                Err(fail("only an alias may follow the provider's address"))
            };
        };
        let (alias, after) = read_identifier(tail).ok_or_else(|| fail("an alias must follow the dot"))?;
        let key = match after {
            "" => None,
            bracketed => {
                let probe: crate::InstanceAddress = format!("a.b{bracketed}").parse()?;
                probe.key
            }
        };
        Ok(Self { module, provider, alias: Some(alias.into()), key })
    }
}
