//! One call under way: whom it asks, under which schema, and about what, so that every error can say so.

use std::sync::Arc;

use cty::Value;
use model::{Block, Diagnostics, Identity, IdentitySchema};
use tonic::Status;

use super::HostedProvider;
use crate::wire::{tfplugin6 as wire, value};
use crate::{Call, Error, ErrorKind, ProviderSchema};

/// One call of a hosted provider.
pub(super) struct Asked<'a> {
    host: &'a HostedProvider,
    call: &'a Call,
    pub(super) operation: &'static str,
    /// The resource type, data source or function it is about; empty where it is about the provider.
    type_name: String,
    pub(super) schema: Arc<ProviderSchema>,
}

impl<'a> Asked<'a> {
    /// Gets ready for a call about a type; the schema is asked for first where it is not known yet.
    pub(super) async fn about(
        host: &'a HostedProvider,
        call: &'a Call,
        operation: &'static str,
        type_name: &str,
    ) -> Result<Self, Error> {
        let schema = host.known_schema(call).await?;
        Ok(Self { host, call, operation, type_name: type_name.to_owned(), schema })
    }

    /// Says what an error is about.
    pub(super) fn name(&self, error: Error) -> Error {
        let error = if self.type_name.is_empty() { error } else { error.with("type", &self.type_name) };
        error.with("provider", &self.host.name)
    }

    /// Waits for the answer.
    pub(super) async fn wait<T>(&self, answer: impl Future<Output = Result<T, Status>>) -> Result<T, Error> {
        self.host.wait_for(self.operation, self.call, answer).await.map_err(|error| self.name(error))
    }

    pub(super) fn malformed(&self, detail: impl Into<String>) -> Error {
        self.name(Error::new(ErrorKind::Malformed, self.operation, detail))
    }

    pub(super) fn unknown_type(&self) -> Error {
        Error::unknown_type(self.operation, &self.type_name).with("provider", &self.host.name)
    }

    pub(super) fn no_identity(&self) -> Error {
        Error::no_identity(self.operation, &self.type_name).with("provider", &self.host.name)
    }

    /// Checks that the provider says it can do what not every provider can.
    pub(super) fn require(&self, capability: bool) -> Result<(), Error> {
        if capability { Ok(()) } else { Err(self.name(Error::unimplemented(self.operation))) }
    }

    /// Gives the block of the resource type it is about.
    pub(super) fn resource(&self) -> Result<&Block, Error> {
        self.schema.resources.get(&self.type_name).map(|schema| &schema.block).ok_or_else(|| self.unknown_type())
    }

    /// Gives the block of the data source it is about.
    pub(super) fn data_source(&self) -> Result<&Block, Error> {
        self.schema.data_sources.get(&self.type_name).map(|schema| &schema.block).ok_or_else(|| self.unknown_type())
    }

    /// Gives the block of the list configuration it is about.
    pub(super) fn list_resource(&self) -> Result<&Block, Error> {
        self.schema.list_resources.get(&self.type_name).map(|schema| &schema.block).ok_or_else(|| self.unknown_type())
    }

    pub(super) fn identity_schema(&self) -> Option<&IdentitySchema> {
        self.schema.identities.get(&self.type_name)
    }

    pub(super) fn encode(&self, value: Value, block: &Block) -> Result<Option<wire::DynamicValue>, Error> {
        value::encode_block(self.operation, value, block).map(Some).map_err(|error| self.name(error))
    }

    pub(super) fn encode_identity(
        &self,
        identity: Option<&Identity>,
    ) -> Result<Option<wire::ResourceIdentityData>, Error> {
        value::encode_identity(self.operation, identity, self.identity_schema()).map_err(|error| self.name(error))
    }

    /// Writes the value of the module's `provider_meta` block.
    pub(super) fn encode_meta(&self, meta: Option<Value>) -> Result<Option<wire::DynamicValue>, Error> {
        // As core does: a provider that has such a schema always gets a value, null where the module says nothing.
        let Some(schema) = &self.schema.provider_meta else { return Ok(None) };
        self.encode(meta.unwrap_or_else(|| Value::null(schema.value_type())), &schema.block)
    }

    /// Reads a value that may hold unknowns: a plan.
    pub(super) fn decode(
        &self,
        wire: Option<&wire::DynamicValue>,
        block: &Block,
        diagnostics: &Diagnostics,
    ) -> Result<Value, Error> {
        let decoded = value::decode_block(self.operation, wire, block).map_err(|error| self.name(error));
        // What comes beside an error may be anything, and the error says more.
        decoded.or_else(|error| or_null(diagnostics, || Value::null(block.value_type())).ok_or(error))
    }

    /// Reads a value of something that exists, in which nothing is unknown.
    pub(super) fn decode_known(
        &self,
        wire: Option<&wire::DynamicValue>,
        block: &Block,
        diagnostics: &Diagnostics,
    ) -> Result<Value, Error> {
        let value = self.decode(wire, block, diagnostics)?;
        if value.is_wholly_known() {
            return Ok(value);
        }
        or_null(diagnostics, || Value::null(block.value_type())).ok_or_else(|| {
            self.malformed(
                "The provider sent an unknown value for something that exists. This is a bug in the provider.",
            )
        })
    }

    pub(super) fn decode_identity(
        &self,
        wire: Option<&wire::ResourceIdentityData>,
        diagnostics: &Diagnostics,
    ) -> Result<Option<Identity>, Error> {
        let decoded = value::decode_identity(self.operation, wire, self.identity_schema());
        decoded.or_else(|error| or_null(diagnostics, || None).ok_or_else(|| self.name(error)))
    }

    pub(super) fn refuse_deferral(&self, deferred: Option<wire::Deferred>) -> Result<(), Error> {
        match deferred {
            None => Ok(()),
            Some(_) => Err(self.malformed(
                "The provider put the call off although it was told not to. This is a bug in the provider.",
            )),
        }
    }
}

/// Gives what stands for a value that cannot be used, where an error beside it says why.
fn or_null<T>(diagnostics: &Diagnostics, null: impl FnOnce() -> T) -> Option<T> {
    model::diagnostic::has_errors(diagnostics).then(null)
}
