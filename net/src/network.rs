//! The layers in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::egress::{EgressGuard, EgressPolicy};
use crate::layer::{Classifier, Deadline, Limit, LimitConfig, Limiter, Retry, RetryBudget, RetryConfig, Sign};
use crate::sign::Signer;
use crate::{Environment, Error, HttpClient, HttpClientConfig, Transport};

/// Says how a run uses the network.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// How often a request is sent again.
    pub retry: RetryConfig,
    /// How fast a scope is asked.
    pub limit: LimitConfig,
    /// How fast a scope of the named service is asked, where that differs.
    pub limit_by_service: BTreeMap<String, LimitConfig>,
    /// Calls under way at the same time, over all scopes.
    pub max_in_flight: usize,
    /// The most calls a second, over all scopes; `None` leaves it to the limits of the scopes.
    pub max_rps: Option<f64>,
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
}

impl NetworkConfig {
    /// Returns the values used where the user says nothing.
    pub fn standard() -> Self {
        Self {
            retry: RetryConfig::standard(),
            limit: LimitConfig::standard(),
            limit_by_service: BTreeMap::new(),
            max_in_flight: 32,
            max_rps: None,
            attempt_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
        }
    }
}

/// Hands out transports that share one client, one set of limits and one retry budget.
#[derive(Clone)]
pub struct Network {
    client: Arc<dyn Transport>,
    egress: Arc<EgressPolicy>,
    limiter: Arc<Limiter>,
    budget: RetryBudget,
    classifier: Classifier,
    config: NetworkConfig,
}

impl Network {
    /// Builds the client and the shared state of a run.
    ///
    /// # Errors
    /// `Configuration` where a proxy address or certificate bundle of the environment is unusable.
    pub fn new(
        config: NetworkConfig,
        environment: &Environment,
        egress: Arc<EgressPolicy>,
        classifier: Classifier,
    ) -> Result<Self, Error> {
        let client = HttpClient::new(&HttpClientConfig {
            environment: environment.clone(),
            egress: Arc::clone(&egress),
            connect_timeout: config.connect_timeout,
        })?;
        Ok(Self::over(Arc::new(client), config, egress, classifier))
    }

    /// Stacks the layers on a transport of the caller's, such as a recording.
    pub fn over(
        client: Arc<dyn Transport>,
        config: NetworkConfig,
        egress: Arc<EgressPolicy>,
        classifier: Classifier,
    ) -> Self {
        let limiter = Limiter::new(config.limit, config.limit_by_service.clone(), config.max_in_flight)
            .with_max_rps(config.max_rps);
        let budget = RetryBudget::new(config.retry.budget);
        Self { client, egress, limiter: Arc::new(limiter), budget, classifier, config }
    }

    /// Returns a transport that signs nothing.
    pub fn unsigned(&self) -> Arc<dyn Transport> {
        self.stack(self.attempt(Arc::clone(&self.egress)))
    }

    /// Returns a transport that signs what asks to be signed.
    pub fn signed(&self, signer: Arc<dyn Signer>) -> Arc<dyn Transport> {
        let attempt = self.attempt(Arc::clone(&self.egress));
        self.stack(Arc::new(Sign::new(attempt, signer, Arc::clone(&self.classifier))))
    }

    /// Returns a transport for the metadata service of the machine, which no other request may reach.
    ///
    /// It neither retries nor waits long: where there is no such service, nothing answers at all.
    pub fn metadata(&self, timeout: Duration) -> Arc<dyn Transport> {
        let guarded = EgressGuard::new(Arc::clone(&self.client), Arc::new(EgressPolicy::metadata_services()));
        Arc::new(Deadline::per_attempt(Arc::new(guarded), timeout))
    }

    /// Returns the limits and how they are being used.
    pub fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    /// Returns the retries that are left.
    pub fn retry_budget(&self) -> &RetryBudget {
        &self.budget
    }

    /// Returns where connections may go.
    pub fn egress(&self) -> &EgressPolicy {
        &self.egress
    }

    fn attempt(&self, egress: Arc<EgressPolicy>) -> Arc<dyn Transport> {
        let guarded = EgressGuard::new(Arc::clone(&self.client), egress);
        Arc::new(Deadline::per_attempt(Arc::new(guarded), self.config.attempt_timeout))
    }

    fn stack(&self, attempt: Arc<dyn Transport>) -> Arc<dyn Transport> {
        let limited = Limit::new(attempt, Arc::clone(&self.limiter), Arc::clone(&self.classifier));
        let retried =
            Retry::new(Arc::new(limited), self.config.retry.clone(), self.budget.clone(), Arc::clone(&self.classifier));
        Arc::new(Deadline::new(Arc::new(retried)))
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Network").field("config", &self.config).finish_non_exhaustive()
    }
}
