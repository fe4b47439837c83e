//! Claims: objects that say who manages another object.
//!
//! A CloudFormation stack names what it made, whether or not that carries a tag. Such an object has an attribute `claim`
//! with the native type and the id of what it claims, and the manager with the evidence. Claims are no objects anybody
//! manages, so they never reach a comparison.

use std::collections::{BTreeSet, HashMap};

use inventory::definition::{Catalog, TypeDefinition};
use model::{AccountId, NativeType, Region, RemoteObject, Scope, Standing};
use store::{Query, Snapshot};

use crate::{Error, query};

/// Where a claimed object is, and what it is called there. What is global may be claimed from any region.
type Place = (NativeType, AccountId, Option<Region>, String);

/// What is claimed, and by whom.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    standings: HashMap<Place, Standing>,
}

/// Lists the types whose objects claim others.
pub(crate) fn claiming_types(catalog: &Catalog) -> BTreeSet<NativeType> {
    let claims = |definition: &&std::sync::Arc<TypeDefinition>| definition.terraform.is_empty();
    catalog.types().filter(claims).map(|definition| NativeType::from(definition.name.as_str())).collect()
}

impl Claims {
    /// Reads every claim the store knows of.
    pub(crate) fn read(snapshot: &Snapshot, catalog: &Catalog) -> Result<Self, Error> {
        let native_types: Vec<String> = claiming_types(catalog).iter().map(ToString::to_string).collect();
        let mut claims = Self::default();
        if native_types.is_empty() {
            return Ok(claims);
        }
        for object in snapshot.objects(&Query { native_types, ..Query::default() }) {
            let object = object.map_err(query::store_error)?.object;
            let Some(claim) = object.attributes.get("claim") else { continue };
            let text = |name: &str| claim.get_attr(name).ok().and_then(|value| value.as_str().map(str::to_owned));
            // A claim on a type the catalog does not describe concerns nothing that can be seen.
            let (Some(native_type), Some(id), Some(by), Some(evidence)) =
                (text("type"), text("id"), text("by"), text("evidence"))
            else {
                continue;
            };
            let standing = Standing::ManagedElsewhere { by, evidence };
            for region in [object.scope.region.clone(), None] {
                let place = (NativeType::from(native_type.as_str()), object.scope.account.clone(), region, id.clone());
                claims.standings.insert(place, standing.clone());
            }
        }
        Ok(claims)
    }

    /// Gives an object the standing that a claim on it says, where nothing else is known of it.
    ///
    /// An object is claimed by its key, import id, cloud-wide name or name, within its account and region.
    pub(crate) fn apply(&self, object: &mut RemoteObject) {
        if self.standings.is_empty() || object.standing != Standing::Ordinary {
            return;
        }
        let names = [
            Some(&*object.key.0),
            object.import_id.as_ref().map(model::ImportId::as_str),
            object.arn.as_deref(),
            object.name.as_deref(),
        ];
        let Scope { native_type, account, region, .. } = &object.scope;
        let place = |name: &str| (native_type.clone(), account.clone(), region.clone(), name.to_owned());
        let standing = names.into_iter().flatten().find_map(|name| self.standings.get(&place(name)));
        if let Some(standing) = standing {
            object.standing = standing.clone();
        }
    }
}
