//! The data sources, one file each.

mod comparison;
mod coverage;
mod drift;
mod resource;
mod resources;
mod unmanaged_resources;

use async_trait::async_trait;
use engine::{QueryRequest, Session};
use model::{Diagnostics, Schema};

use crate::arguments::Arguments;
use crate::fresh::Turn;
use crate::schema::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::settings::Settings;
use crate::values::{self, Computed};

/// Every data source, in the order of their names.
pub(crate) static ALL: [&dyn DataSource; 5] = [
    &coverage::Coverage,
    &drift::Drift,
    &resource::Resource,
    &resources::Resources,
    &unmanaged_resources::UnmanagedResources,
];

/// One data source.
#[async_trait]
pub(crate) trait DataSource: Send + Sync {
    /// Gives its name, as a configuration writes it.
    fn name(&self) -> &'static str;

    /// Gives its arguments and attributes.
    fn schema(&self) -> Schema;

    /// Describes the fields of the objects in its lists, for the documentation: attribute, fields.
    fn nested_fields(&self) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)>;

    /// Checks its arguments beyond what all data sources share, as far as they are known.
    fn validate(&self, _arguments: &Arguments<'_>) -> Diagnostics {
        Diagnostics::new()
    }

    /// Computes its attributes; warnings go to `diagnostics`.
    async fn read(&self, reading: &Reading<'_>, diagnostics: &mut Diagnostics) -> Result<Computed, Diagnostics>;
}

/// What a data source reads with.
pub(crate) struct Reading<'a> {
    pub(crate) session: &'a Session,
    pub(crate) settings: &'a Settings,
    pub(crate) arguments: Arguments<'a>,
    pub(crate) turn: &'a Turn,
}

impl Reading<'_> {
    /// Gives the query that the filters and the page of a data block ask for.
    fn query(&self) -> Result<QueryRequest, Diagnostics> {
        let arguments = &self.arguments;
        let store = self.settings.store(self.session).map_err(|error| values::failure(&error))?;
        Ok(QueryRequest {
            store,
            types: arguments.texts("types"),
            accounts: arguments.texts("accounts"),
            regions: arguments.texts("regions"),
            tags: arguments.texts("tags"),
            name: arguments.text("name"),
            limit: Some(self.limit()?),
            offset: self.offset()?,
            ..QueryRequest::default()
        })
    }

    fn limit(&self) -> Result<u32, Diagnostics> {
        Ok(self.arguments.number("limit", MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT))
    }

    fn offset(&self) -> Result<u32, Diagnostics> {
        Ok(self.arguments.number("offset", u32::MAX)?.unwrap_or(0))
    }
}
