//! The least a scan must be allowed to do, generated from the definitions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::catalog::Catalog;
use super::resource_type::TypeDefinition;

/// Returns an IAM policy that allows exactly what listing these types needs, their parents included.
///
/// Every action reads. `Resource` is `*`, because most listing actions know no narrower one.
pub fn permissions(catalog: &Catalog, types: &[&TypeDefinition]) -> Value {
    let names: Vec<&str> = types.iter().map(|definition| definition.name.as_str()).collect();
    let with_ancestors = catalog.with_ancestors(&names);
    let actions: BTreeSet<&str> = with_ancestors
        .iter()
        .flat_map(|definition| {
            let cloud = catalog.cloud(&definition.cloud).map(|cloud| cloud.permissions.as_slice()).unwrap_or_default();
            definition.permissions.iter().chain(cloud)
        })
        .map(String::as_str)
        .collect();
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Sid": "DriftmgrRead", "Effect": "Allow", "Action": actions, "Resource": "*"}],
    })
}
