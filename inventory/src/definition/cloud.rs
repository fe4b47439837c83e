//! What is true of a whole cloud: partitions, services, endpoints, limits, errors.

use std::collections::BTreeMap;

use regex::Regex;

use super::condition::{StandingRule, read_pointer, read_regex};
use super::error::{DefinitionErrors, Origin, did_you_mean};
use super::fields::{Fields, string};
use super::mapping::read_word;
use super::node::{Key, Node};
use super::pointer::Pointer;
use super::resource_type::Protocol;

/// A compiled `cloud.yaml`.
#[derive(Clone, Debug)]
pub struct CloudDefinition {
    /// Folder name of the cloud: `aws`.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Source address of its Terraform provider, for example `hashicorp/aws`.
    pub provider: String,
    /// Where the definition was written.
    pub origin: Origin,
    /// How requests are signed.
    pub signing: Signing,
    /// Separate clouds with their own accounts, regions and DNS names; the first is the usual one.
    pub partitions: Vec<Partition>,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// Limits for services that set none.
    pub limits: Limits,
    /// What error codes mean.
    pub errors: ErrorClasses,
    /// Rules for objects that other tools manage, for every type with tags.
    pub managed_elsewhere: Vec<StandingRule>,
    /// Prefixes of tag keys that only the cloud can set.
    pub reserved_tag_prefixes: Vec<String>,
    /// Who am I: the call that gives the caller's account.
    pub caller: CallerCheck,
    /// Permissions every scan needs, whatever it looks for.
    pub permissions: Vec<String>,
    /// Public page each fact was taken from, by fact.
    pub sources: BTreeMap<String, String>,
}

/// How requests are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// AWS Signature Version 4.
    SigV4,
}

/// A separate cloud with its own accounts, regions and DNS names.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Name, for example `aws-cn`.
    pub name: String,
    /// DNS suffix of its endpoints.
    pub dns_suffix: String,
    /// Region that global services are signed for, and that global types are listed in.
    pub global_region: String,
    /// What its region names look like, so that a region younger than this file works.
    pub pattern: Regex,
    /// Regions known when the definition was written.
    pub regions: Vec<String>,
}

/// A service of a cloud.
#[derive(Clone, Debug)]
pub struct Service {
    /// Name, as types refer to it.
    pub name: String,
    /// Wire protocol.
    pub protocol: Protocol,
    /// Name in signatures.
    pub signing_name: String,
    /// API version, for query protocols.
    pub api_version: Option<String>,
    /// What precedes the operation in `X-Amz-Target`, for the JSON protocol.
    pub target_prefix: Option<String>,
    /// `1.0` or `1.1`, for the JSON protocol.
    pub json_version: Option<String>,
    /// Endpoint with `{region}` and `{dns_suffix}` to fill in.
    pub endpoint: String,
    /// Endpoints of partitions that differ.
    pub endpoints: BTreeMap<String, String>,
    /// True when one endpoint serves all regions of a partition.
    pub global: bool,
    /// Name in `AWS_ENDPOINT_URL_<NAME>`.
    pub endpoint_variable: String,
    /// How fast it may be asked.
    pub limits: Limits,
}

/// How fast a service may be asked, to start with; the engine adapts to what it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests per second and account, region and service.
    pub requests_per_second: u32,
    /// Requests under way at once per account, region and service.
    pub concurrency: u32,
}

/// What error codes mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorClasses {
    /// Too many requests: slow down and ask again.
    pub throttled: Vec<String>,
    /// Not allowed: the scope is undetermined.
    pub denied: Vec<String>,
    /// The region or the service is not switched on for this account.
    pub disabled: Vec<String>,
    /// The credentials are wrong, expired or missing.
    pub credentials: Vec<String>,
    /// The service had a problem: ask again.
    pub retryable: Vec<String>,
}

/// The meaning of an error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorClass {
    /// Too many requests.
    Throttled,
    /// Not allowed.
    Denied,
    /// Not switched on for this account.
    Disabled,
    /// Wrong, expired or missing credentials.
    Credentials,
    /// A passing problem of the service.
    Retryable,
}

/// The call that says whose credentials these are.
#[derive(Clone, Debug)]
pub struct CallerCheck {
    /// Service asked.
    pub service: String,
    /// Action.
    pub action: String,
    /// Account id in the answer.
    pub account: Pointer,
    /// Identity in the answer, for messages.
    pub identity: Pointer,
}

/// Where a request goes and how it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Base URL without a trailing slash.
    pub url: String,
    /// Region in the signature.
    pub signing_region: String,
    /// Service in the signature.
    pub signing_name: String,
}

impl CloudDefinition {
    /// Returns the partition a region belongs to.
    pub fn partition_of(&self, region: &str) -> Option<&Partition> {
        let listed = self.partitions.iter().find(|partition| partition.regions.iter().any(|known| known == region));
        listed.or_else(|| self.partitions.iter().find(|partition| partition.pattern.is_match(region)))
    }

    /// Returns where requests to a service in a region go, unless the user overrides the endpoint.
    pub fn endpoint(&self, service: &Service, region: &str) -> Option<Endpoint> {
        let partition = self.partition_of(region)?;
        let signing_region = if service.global { partition.global_region.as_str() } else { region };
        let template = service.endpoints.get(&partition.name).unwrap_or(&service.endpoint);
        Some(Endpoint {
            url: template.replace("{region}", signing_region).replace("{dns_suffix}", &partition.dns_suffix),
            signing_region: signing_region.to_owned(),
            signing_name: service.signing_name.clone(),
        })
    }

    /// Returns what an error code means, if the definition knows it.
    pub fn classify(&self, code: &str) -> Option<ErrorClass> {
        let classes = [
            (ErrorClass::Throttled, &self.errors.throttled),
            (ErrorClass::Denied, &self.errors.denied),
            (ErrorClass::Disabled, &self.errors.disabled),
            (ErrorClass::Credentials, &self.errors.credentials),
            (ErrorClass::Retryable, &self.errors.retryable),
        ];
        classes.into_iter().find(|(_, codes)| codes.iter().any(|known| known == code)).map(|(class, _)| class)
    }

    /// Reads a `cloud.yaml`.
    pub(crate) fn read(name: &str, node: &Node, errors: &mut DefinitionErrors) -> Option<Self> {
        let mut fields = Fields::open(node, "a cloud definition", errors)?;
        super::compile::check_schema(&mut fields, errors);
        let title = fields.required_string("title", errors).unwrap_or_default().to_owned();
        let provider = fields.required_string("provider", errors).unwrap_or_default().to_owned();
        let signing = fields
            .required("signing", errors)
            .and_then(|node| read_word(node, "signing", &[("sigv4", Signing::SigV4)], errors));
        let partitions: Vec<_> = fields
            .map("partitions", errors)
            .iter()
            .filter_map(|(key, node)| Partition::read(key, node, errors))
            .collect();
        let limits = fields.required("limits", errors).and_then(|node| Limits::read(node, errors));
        let services = fields
            .map("services", errors)
            .iter()
            .filter_map(|(key, node)| Some((key.text.clone(), Service::read(key, node, limits?, errors)?)))
            .collect::<BTreeMap<_, _>>();
        let classes = fields.required("errors", errors).and_then(|node| ErrorClasses::read(node, errors));
        let managed_elsewhere =
            fields.list("managed_elsewhere").iter().filter_map(|node| StandingRule::read(node, errors)).collect();
        let reserved_tag_prefixes = fields.strings("reserved_tag_prefixes", errors);
        let caller = fields.required("caller", errors).and_then(|node| CallerCheck::read(node, &services, errors));
        let permissions = fields.strings("permissions", errors);
        let sources = super::compile::read_sources(&mut fields, errors);
        let origin = fields.origin.clone();
        fields.finish(errors);
        if partitions.is_empty() {
            errors.push(&origin, "a cloud needs at least one partition");
        }
        Some(Self {
            name: name.to_owned(),
            title,
            provider,
            origin,
            signing: signing?,
            partitions,
            services,
            limits: limits?,
            errors: classes?,
            managed_elsewhere,
            reserved_tag_prefixes,
            caller: caller?,
            permissions,
            sources,
        })
    }
}

impl Partition {
    fn read(key: &Key, node: &Node, errors: &mut DefinitionErrors) -> Option<Self> {
        let mut fields = Fields::open(node, "a partition", errors)?;
        let dns_suffix = fields.required_string("dns_suffix", errors).map(str::to_owned);
        let global_region = fields.required_string("global_region", errors).map(str::to_owned);
        let pattern = fields.required("pattern", errors).and_then(|node| read_regex(node, errors));
        let regions = fields.strings("regions", errors);
        fields.finish(errors);
        Some(Self {
            name: key.text.clone(),
            dns_suffix: dns_suffix?,
            global_region: global_region?,
            pattern: pattern?,
            regions,
        })
    }
}

const PROTOCOLS: [(&str, Protocol); 5] = [
    ("ec2", Protocol::Ec2),
    ("query", Protocol::Query),
    ("json", Protocol::Json),
    ("rest-json", Protocol::RestJson),
    ("rest-xml", Protocol::RestXml),
];

impl Service {
    fn read(key: &Key, node: &Node, cloud_limits: Limits, errors: &mut DefinitionErrors) -> Option<Self> {
        let mut fields = Fields::open(node, "a service", errors)?;
        let protocol =
            fields.required("protocol", errors).and_then(|node| read_word(node, "protocol", &PROTOCOLS, errors));
        let signing_name = fields.string("signing_name", errors).unwrap_or(&key.text).to_owned();
        let api_version = fields.string("api_version", errors).map(str::to_owned);
        let target_prefix = fields.string("target_prefix", errors).map(str::to_owned);
        let json_version = fields.string("json_version", errors).map(str::to_owned);
        let endpoint = fields.required_string("endpoint", errors).map(str::to_owned);
        let endpoints = fields.string_map("endpoints", errors);
        let global = fields.flag("global", errors);
        let endpoint_variable = fields
            .string("endpoint_variable", errors)
            .map_or_else(|| key.text.to_uppercase().replace('-', "_"), str::to_owned);
        let limits = fields.get("limits").and_then(|node| Limits::read(node, errors)).unwrap_or(cloud_limits);
        let origin = fields.origin;
        fields.finish(errors);
        for url in endpoint.iter().chain(endpoints.values()) {
            if !url.starts_with("https://") {
                errors.push(origin, format!("the endpoint `{url}` must start with https://"));
            }
        }
        match protocol? {
            Protocol::Ec2 | Protocol::Query if api_version.is_none() => {
                errors.push(origin, "a service of a query protocol needs an `api_version`");
            }
            Protocol::Json if target_prefix.is_none() || json_version.is_none() => {
                errors.push(origin, "a service of the json protocol needs `target_prefix` and `json_version`");
            }
            _ => {}
        }
        Some(Self {
            name: key.text.clone(),
            protocol: protocol?,
            signing_name,
            api_version,
            target_prefix,
            json_version,
            endpoint: endpoint?,
            endpoints,
            global,
            endpoint_variable,
            limits,
        })
    }
}

impl Limits {
    fn read(node: &Node, errors: &mut DefinitionErrors) -> Option<Self> {
        let mut fields = Fields::open(node, "limits", errors)?;
        let requests_per_second = fields.integer("requests_per_second", errors);
        let concurrency = fields.integer("concurrency", errors);
        let origin = fields.origin;
        fields.finish(errors);
        match (requests_per_second, concurrency) {
            (Some(requests_per_second @ 1..), Some(concurrency @ 1..)) => {
                Some(Self { requests_per_second, concurrency })
            }
            _ => {
                errors.push(origin, "limits need `requests_per_second` and `concurrency`, both at least 1");
                None
            }
        }
    }
}

impl ErrorClasses {
    fn read(node: &Node, errors: &mut DefinitionErrors) -> Option<Self> {
        let mut fields = Fields::open(node, "error classes", errors)?;
        let classes = Self {
            throttled: fields.strings("throttled", errors),
            denied: fields.strings("denied", errors),
            disabled: fields.strings("disabled", errors),
            credentials: fields.strings("credentials", errors),
            retryable: fields.strings("retryable", errors),
        };
        fields.finish(errors);
        Some(classes)
    }
}

impl CallerCheck {
    fn read(node: &Node, services: &BTreeMap<String, Service>, errors: &mut DefinitionErrors) -> Option<Self> {
        let mut fields = Fields::open(node, "caller", errors)?;
        let service = fields.required("service", errors).and_then(|node| read_service(node, services, errors));
        let action = fields.required_string("action", errors).map(str::to_owned);
        let account = fields.required("account", errors).and_then(|node| read_pointer(node, "account", errors));
        let identity = fields.required("identity", errors).and_then(|node| read_pointer(node, "identity", errors));
        fields.finish(errors);
        Some(Self { service: service?.name.clone(), action: action?, account: account?, identity: identity? })
    }
}

/// Reads the name of a service of the cloud.
pub(crate) fn read_service<'a>(
    node: &Node,
    services: &'a BTreeMap<String, Service>,
    errors: &mut DefinitionErrors,
) -> Option<&'a Service> {
    let name = string(node, "service", errors)?;
    let service = services.get(name);
    if service.is_none() {
        let message = format!("cloud.yaml has no service `{name}`");
        match did_you_mean(name, services.keys().map(String::as_str)) {
            Some(candidate) => errors.push_with_help(&node.origin, message, format!("did you mean `{candidate}`?")),
            None => errors.push_with_help(&node.origin, message, "add it to the cloud's cloud.yaml"),
        }
    }
    service
}
