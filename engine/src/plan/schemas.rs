//! The schemas of installed providers, asked of programs that are neither configured nor given credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cty::{Type, Value};
use model::{Cause, CauseKind, Diagnostics, ProviderAddress, ProviderConfigAddress, Schema};
use tfplugin::ProviderSchema;

use crate::refresh::calls::{Calls, Use};
use crate::refresh::pool::{Origin, Pool, Unit};
use crate::refresh::{find_origins, in_turn};
use crate::{Error, Session};

/// What providers offer that were asked, by the program that said so.
#[derive(Default)]
pub(crate) struct KnownSchemas(Mutex<Vec<(Origin, Arc<ProviderSchema>)>>);

impl KnownSchemas {
    /// Keeps what a provider said.
    pub(crate) fn add(&self, origin: &Origin, schema: &Arc<ProviderSchema>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.iter().any(|(other, _)| other == origin) {
            known.push((origin.clone(), Arc::clone(schema)));
        }
    }

    fn get(&self, origin: &Origin) -> Option<Arc<ProviderSchema>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(other, _)| other == origin).map(|(_, schema)| Arc::clone(schema))
    }
}

/// What each provider offers, where it is installed.
pub(crate) struct Schemas {
    by_provider: BTreeMap<ProviderAddress, Result<(Option<String>, Arc<ProviderSchema>), Cause>>,
    calls: Arc<Calls>,
    /// Which configuration each provider was asked for.
    asked_for: BTreeMap<ProviderAddress, Use>,
    pub(crate) diagnostics: Diagnostics,
}

impl Schemas {
    /// Finds and starts each provider, takes its schema, and ends it again.
    pub(crate) async fn open(
        session: &Session,
        root: Option<PathBuf>,
        configurations: &BTreeSet<&ProviderConfigAddress>,
    ) -> Result<Self, Error> {
        let calls = Arc::<Calls>::default();
        let mut asked_for: BTreeMap<ProviderAddress, Use> = BTreeMap::new();
        for configuration in configurations {
            let of = || (0, ProviderConfigAddress::clone(configuration));
            asked_for.entry(configuration.provider.clone()).or_insert_with(of);
        }
        if asked_for.is_empty() {
            return Ok(Self { by_provider: BTreeMap::new(), calls, asked_for, diagnostics: Diagnostics::new() });
        }
        session.phase("asking providers for their schemas");
        let (mut origins, mut diagnostics) = find_origins(session, root, asked_for.keys().cloned().collect()).await?;
        let mut by_provider = BTreeMap::new();
        if let Some(known) = &session.schemas {
            origins.retain(|provider, origin| {
                let Some((origin, schema)) = origin.as_ref().ok().and_then(|it| Some((it, known.get(it)?))) else {
                    return true;
                };
                by_provider.insert(provider.clone(), Ok((origin.version().map(str::to_owned), schema)));
                false
            });
        }
        let mut pool = Pool::new(&session.environment, session.cancel.child_token(), Arc::clone(&calls), None);
        let ask = |(provider, origin): (&ProviderAddress, &Result<Origin, Cause>)| {
            let of = asked_for[provider].clone();
            let (provider, origin) = (provider.clone(), origin.clone());
            let pool = &pool;
            async move {
                let answer = match origin {
                    Err(cause) => Err(cause),
                    Ok(origin) => {
                        let hosted = pool.host(&origin);
                        let schema = pool.schema(&hosted, &of).await;
                        schema.map(|schema| Unit {
                            origin,
                            hosted,
                            schema,
                            config: Value::null(Type::Dynamic),
                            uses: vec![of],
                        })
                    }
                };
                (provider, answer)
            }
        };
        let answers = in_turn(origins.iter().map(ask)).await;
        for (provider, answer) in answers {
            let answer = answer.map(|unit| {
                session.schemas.iter().for_each(|known| known.add(&unit.origin, &unit.schema));
                let kept = (unit.origin.version().map(str::to_owned), Arc::clone(&unit.schema));
                pool.units.push(unit);
                kept
            });
            by_provider.insert(provider, answer);
        }
        diagnostics.extend(pool.shutdown().await);
        Ok(Self { by_provider, calls, asked_for, diagnostics })
    }

    /// Tells whether a provider was asked, or looked for in vain.
    pub(crate) fn has_asked(&self, provider: &ProviderConfigAddress) -> bool {
        self.by_provider.contains_key(&provider.provider)
    }

    /// Gives the schema of a resource type, or why there is none.
    pub(crate) fn get(&self, provider: &ProviderConfigAddress, resource_type: &str) -> Result<&Schema, Cause> {
        self.all(provider)?.resources.get(resource_type).ok_or_else(|| {
            let detail = format!("{} has no resource type {resource_type}.", provider.provider);
            Cause::new(CauseKind::UnknownType, detail)
        })
    }

    /// Gives everything that a provider offers, or why that is not known.
    pub(crate) fn all(&self, provider: &ProviderConfigAddress) -> Result<&ProviderSchema, Cause> {
        match self.by_provider.get(&provider.provider) {
            None => Err(Cause::new(CauseKind::NoProvider, format!("{} was not looked for.", provider.provider))),
            Some(Err(cause)) => Err(cause.clone()),
            Some(Ok((_, schema))) => Ok(schema),
        }
    }

    /// Gives the version of a provider, and how often it was asked for a configuration.
    pub(crate) fn used(&self, provider: &ProviderConfigAddress) -> (Option<String>, BTreeMap<String, u64>) {
        let known = self.by_provider.get(&provider.provider).and_then(|answer| answer.as_ref().ok());
        let version = known.and_then(|(version, _)| version.clone());
        let of = self.asked_for.get(&provider.provider).filter(|of| of.1 == *provider);
        (version, of.map(|of| self.calls.of(of)).unwrap_or_default())
    }
}
