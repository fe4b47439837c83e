//! `driftmgr.types/v1`: what the catalog covers.

use serde::{Serialize, Serializer};

/// One type of remote object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TypeRow {
    /// The cloud.
    pub cloud: String,
    /// The type, as the catalog names it.
    pub native_type: String,
    /// The Terraform types that manage such objects, the usual one first.
    pub types: Vec<String>,
    /// What makes the import id, as a template.
    pub import_id: Option<String>,
    /// Whether an import by the real provider has proved the mapping.
    pub proven: bool,
    /// Where the mapping comes from.
    pub source: Option<String>,
    /// Whether such objects lie in regions, or are global in their account.
    pub regional: bool,
    /// The native type of the objects these belong to.
    pub parent: Option<String>,
    /// The Terraform attributes that are kept.
    pub attributes: Vec<String>,
    /// The permissions that a scan needs.
    pub permissions: Vec<String>,
}

/// What the catalog covers, as a document.
pub struct Document<'a>(pub &'a [TypeRow]);

impl super::Document for Document<'_> {
    const SCHEMA: &'static str = "driftmgr.types/v1";
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            schema: &'static str,
            types: &'a [TypeRow],
        }
        Body { schema: <Self as super::Document>::SCHEMA, types: self.0 }.serialize(serializer)
    }
}
