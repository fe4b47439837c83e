//! The code beside a state: what it says about backends, regions and arguments.
//!
//! Code is not read yet, so nothing is known of it: tiers are `unclassified`, regions come from states and environment.

use std::collections::BTreeSet;
use std::path::Path;

use cty::Path as AttributePath;
use drift::{Declaration, DeclaredArguments, DeclaredBlock};
use model::{Region, ResourceAddress};
use tfstate::backend::BackendConfig;

use crate::request::StatesRequest;
use crate::{Error, Session};

/// What the code declares.
#[derive(Debug)]
pub(crate) struct Declared;

impl DeclaredArguments for Declared {
    fn block(&self, _: &ResourceAddress) -> DeclaredBlock {
        DeclaredBlock::Unknown
    }

    fn argument(&self, _: &ResourceAddress, _: &AttributePath) -> Declaration {
        Declaration::Unknown
    }
}

#[expect(clippy::unnecessary_wraps, reason = "reading code can fail")]
pub(crate) fn declared(_: &StatesRequest, _: &Session) -> Result<Option<Declared>, Error> {
    Ok(None)
}

#[expect(clippy::unnecessary_wraps, reason = "reading code can fail")]
pub(crate) fn provider_regions(_: &Path) -> Result<BTreeSet<Region>, Error> {
    Ok(BTreeSet::new())
}

#[expect(clippy::unnecessary_wraps, reason = "reading code can fail")]
pub(crate) fn backend_config(_: &Path) -> Result<Option<BackendConfig>, Error> {
    Ok(None)
}
