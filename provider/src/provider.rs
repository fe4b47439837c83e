//! The provider itself: a schema, and the way to its data sources and functions.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cty::Value;
use engine::Session;
use model::Diagnostics;
use tfplugin::{
    Answer, Call, ConfigureRequest, DataSourceRequest, Error, FunctionError, FunctionRequest, Provider, ProviderSchema,
};

use crate::arguments::Arguments;
use crate::data::{self, DataSource, Reading};
use crate::fresh::Turn;
use crate::settings::Settings;
use crate::{function, schema, settings};

/// Answers for driftmgr. Configuring it reads nothing: a process is started several times per plan.
pub(crate) struct Driftmgr {
    session: Session,
    settings: Mutex<Settings>,
    turn: Turn,
}

impl Driftmgr {
    pub(crate) fn new(session: Session) -> Self {
        Self { session, settings: Mutex::new(Settings::default()), turn: Turn::default() }
    }
}

/// Gives everything the provider offers.
pub(crate) fn whole_schema() -> ProviderSchema {
    let mut whole = ProviderSchema::new(settings::schema());
    whole.data_sources = data::ALL.iter().map(|source| (source.name().to_owned(), source.schema())).collect();
    whole.functions = function::ALL.iter().map(|function| (function.name().to_owned(), function.signature())).collect();
    whole
}

fn find(operation: &'static str, name: &str) -> Result<&'static dyn DataSource, Error> {
    data::ALL.iter().find(|source| source.name() == name).copied().ok_or_else(|| Error::unknown_type(operation, name))
}

#[async_trait]
impl Provider for Driftmgr {
    async fn schema(&self, _call: &Call) -> Answer<Arc<ProviderSchema>> {
        Ok((Arc::new(whole_schema()), Vec::new()))
    }

    async fn validate_provider_config(&self, _call: &Call, config: Value) -> Answer<()> {
        Ok(((), Settings::read(&Arguments::new(&config)).1))
    }

    async fn configure(&self, _call: &Call, request: ConfigureRequest) -> Answer<()> {
        let (settings, diagnostics) = Settings::read(&Arguments::new(&request.config));
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
        Ok(((), diagnostics))
    }

    async fn validate_data_source_config(&self, _call: &Call, data_source: &str, config: Value) -> Answer<()> {
        let source = find("ValidateDataResourceConfig", data_source)?;
        let arguments = Arguments::new(&config);
        let mut diagnostics = schema::check_common(&arguments);
        diagnostics.extend(source.validate(&arguments));
        Ok(((), diagnostics))
    }

    async fn read_data_source(&self, call: &Call, request: DataSourceRequest) -> Answer<Value> {
        let source = find("ReadDataSource", &request.data_source)?;
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut session = self.session.clone();
        session.cancel = call.cancel.clone();
        session.environment = settings.environment(&session.environment);
        let reading = Reading {
            session: &session,
            settings: &settings,
            arguments: Arguments::new(&request.config),
            turn: &self.turn,
        };
        let mut diagnostics = Diagnostics::new();
        let computed = match source.read(&reading, &mut diagnostics).await {
            Ok(computed) => computed,
            Err(_) if call.cancel.is_cancelled() => return Err(Error::cancelled("ReadDataSource")),
            Err(failure) => {
                diagnostics.extend(failure);
                return Ok((Value::null(source.schema().value_type()), diagnostics));
            }
        };
        let mut all: std::collections::BTreeMap<String, Value> =
            request.config.entries().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        all.extend(computed.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Ok((Value::object(all), diagnostics))
    }

    async fn call_function(
        &self,
        _call: &Call,
        request: FunctionRequest,
    ) -> Result<Result<Value, FunctionError>, Error> {
        let function = function::ALL.iter().find(|function| function.name() == request.function);
        let function = function.ok_or_else(|| Error::unknown_function("CallFunction", &request.function))?;
        Ok(function.call(&request.arguments))
    }
}
