//! Recorded attributes that the schema no longer has.

use cty::json;
use model::Schema;

/// Removes what a recorded object holds and the schema does not know, at every depth.
///
/// Core does this before it asks the provider to upgrade the state, where the recorded schema version is the current
/// one; an older state goes to the provider as it is, because the upgrade may need what is no longer there. What stays
/// keeps its text: numbers lose no digit and nothing changes its place.
///
/// # Errors
/// [`cty::ErrorKind::Syntax`] for what is no JSON, [`cty::ErrorKind::Type`] where it is no object,
/// [`cty::ErrorKind::Limit`] for nesting too deep.
///
/// Source: `UpgradeResourceState` in OpenTofu's `docs/resource-instance-change-lifecycle.md`.
///
/// ```
/// use drift::lifecycle::strip;
/// use model::{Block, Schema};
///
/// let schema = Schema { version: 1, block: Block::default() };
/// assert_eq!(strip(br#"{"gone": [1.50]}"#, &schema)?, b"{}");
/// # Ok::<(), cty::Error>(())
/// ```
pub fn strip(recorded: &[u8], schema: &Schema) -> cty::Result<Vec<u8>> {
    json::strip(recorded, &schema.value_type())
}
