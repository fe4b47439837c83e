//! One account as the engine sees it: who it is, and how to reach its services.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use model::{AccountId, CauseKind, Region};
use net::aws::AwsSession;
use net::layer::{Classifier, LimitConfig, ReplyClass};
use net::sign::SigningScope;
use net::{LimitScope, Response, Transport};
use serde_json::{Map, Value};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::call::{Asking, CallFailure, perform};
use super::encode::{PageArguments, Target};
use crate::definition::{CloudDefinition, ErrorClass, Method, Pointer, RenderedCall, ScopeValues};

/// Gives the endpoint a user named for a service, by the service's `endpoint_variable`.
pub type EndpointOverride = Arc<dyn Fn(&str) -> Result<Option<Url>, net::Error> + Send + Sync>;

/// One account that can be asked.
#[derive(Clone)]
pub struct Account {
    /// The account's id, as the cloud itself said.
    pub id: AccountId,
    /// Who asks, in the cloud's words, for reports: an ARN.
    pub caller: String,
    cloud: Arc<CloudDefinition>,
    transport: Arc<dyn Transport>,
    endpoints: EndpointOverride,
}

impl Account {
    /// Asks the cloud whose credentials a session has.
    ///
    /// # Errors
    /// What the session and the service answer; [`net::Error`] says what to do.
    pub async fn open(
        cloud: Arc<CloudDefinition>,
        session: &Arc<AwsSession>,
        cancel: &CancellationToken,
    ) -> Result<Self, net::Error> {
        let identity = session.caller_identity(cancel).await?;
        let endpoints = Arc::clone(session);
        Ok(Self::new(
            cloud,
            AccountId::new(identity.account),
            identity.arn,
            session.transport(),
            Arc::new(move |variable: &str| endpoints.configured_endpoint(variable)),
        ))
    }

    /// Makes an account of parts that are known already.
    pub fn new(
        cloud: Arc<CloudDefinition>,
        id: AccountId,
        caller: String,
        transport: Arc<dyn Transport>,
        endpoints: EndpointOverride,
    ) -> Self {
        Self { id, caller, cloud, transport, endpoints }
    }

    /// Returns the cloud the account belongs to.
    pub fn cloud(&self) -> &CloudDefinition {
        &self.cloud
    }

    pub(super) fn transport(&self) -> &dyn Transport {
        self.transport.as_ref()
    }

    /// Gives what templates may name of a scope; `None` where no partition has the region.
    pub(super) fn scope_values(&self, region: &str) -> Option<ScopeValues> {
        let partition = self.cloud.partition_of(region)?;
        Some(ScopeValues {
            account: self.id.to_string(),
            region: region.to_owned(),
            partition: partition.name.clone(),
            dns_suffix: partition.dns_suffix.clone(),
        })
    }

    /// Finds out where calls to a service of a region go.
    pub(super) fn target(&self, service_name: &str, region: &str) -> Result<Target<'_>, CallFailure> {
        let service = self.cloud.services.get(service_name).ok_or_else(|| {
            CallFailure::new(CauseKind::NoDefinition, format!("The catalog has no service {service_name:?}."))
        })?;
        let endpoint = self.cloud.endpoint(service, region).ok_or_else(|| {
            CallFailure::new(
                CauseKind::RegionUnavailable,
                format!("No partition of the catalog has a region named {region:?}: correct the name."),
            )
        })?;
        let named = (self.endpoints)(&service.endpoint_variable).map_err(|error| CallFailure::of_network(&error))?;
        let base = match named {
            Some(url) => url,
            None => Url::parse(&endpoint.url).map_err(|error| {
                CallFailure::new(
                    CauseKind::NoDefinition,
                    format!("The catalog's endpoint of {service_name} is no address: {error}."),
                )
            })?,
        };
        Ok(Target {
            service,
            base,
            signing: SigningScope { service: endpoint.signing_name, region: endpoint.signing_region.clone() },
            limit: LimitScope {
                account: self.id.to_string(),
                service: service.name.clone(),
                region: endpoint.signing_region,
            },
        })
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Account").field("id", &self.id).field("caller", &self.caller).finish_non_exhaustive()
    }
}

/// Decides what the layers of [`net`] make of an answer, by the catalog's error codes.
pub fn classifier(cloud: Arc<CloudDefinition>) -> Classifier {
    Arc::new(move |response: &Response| {
        let class = net::aws::Fault::read(response).and_then(|fault| cloud.classify(&fault.code));
        match class {
            Some(ErrorClass::Throttled) => ReplyClass::Throttled,
            Some(ErrorClass::Retryable) => ReplyClass::Transient,
            Some(ErrorClass::Denied | ErrorClass::Disabled) => ReplyClass::Accept,
            Some(ErrorClass::Credentials) | None => net::aws::classify(response),
        }
    })
}

/// Returns how fast each service of a cloud may be asked, for [`net::NetworkConfig`].
pub fn limits_by_service(cloud: &CloudDefinition) -> BTreeMap<String, LimitConfig> {
    cloud
        .services
        .values()
        .map(|service| {
            let limit = LimitConfig {
                rate: f64::from(service.limits.requests_per_second),
                burst: service.limits.requests_per_second.max(service.limits.concurrency),
                max_concurrency: usize::try_from(service.limits.concurrency).unwrap_or(1),
            };
            (service.name.clone(), limit)
        })
        .collect()
}

/// Asks which regions an account has switched on.
///
/// # Errors
/// The cause, as a scope would carry it.
pub async fn enabled_regions(
    account: &Account,
    region: &Region,
    cancel: &CancellationToken,
) -> Result<Vec<Region>, model::Cause> {
    let deadline = Instant::now() + Duration::from_mins(1);
    let failed = |failure: CallFailure| failure.cause;
    let target = account.target("ec2", region.as_str()).map_err(failed)?;
    let call = RenderedCall {
        service: "ec2".to_owned(),
        protocol: target.service.protocol,
        action: "DescribeRegions".to_owned(),
        method: Method::Post,
        path: "/".to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        params: Map::new(),
    };
    let permissions = ["ec2:DescribeRegions".to_owned()];
    let asking = Asking { account, target: &target, permissions: &permissions, deadline, cancel };
    let answer = perform(asking, &call, &PageArguments::default()).await.result.map_err(failed)?;
    let names = Pointer::parse("/regionInfo/*/regionName").expect("the pointer is a constant");
    let mut regions: Vec<Region> =
        names.select(&answer).into_iter().filter_map(Value::as_str).map(Region::from).collect();
    regions.sort();
    regions.dedup();
    if regions.is_empty() {
        return Err(model::Cause::new(
            CauseKind::InvalidReply,
            "ec2:DescribeRegions named no region at all: name the regions yourself.",
        ));
    }
    Ok(regions)
}
