//! Telling which listed objects no state records, and making records of them.

use std::collections::BTreeMap;

use cty::Value;
use model::{
    AccountId, Cause, CauseKind, Completeness, Identity, ImportId, ListOutcome, ListStatus, NativeType, ObjectKey,
    RemoteObject, ResourceType, Scope, Standing,
};
use tfplugin::ImportTarget;

use super::ask::{Item, Lister, TypeList};
use super::known::{Known, PLACES, Place, parts, texts};
use super::{Context, Listed, Lists};

/// What the cloud gives to every object of another type: nobody made these.
const BORN_WITH: &[(&str, &str)] = &[
    ("aws_s3_bucket_acl", "Every bucket has an access control list."),
    ("aws_s3_bucket_ownership_controls", "Every bucket has ownership controls."),
    ("aws_s3_bucket_public_access_block", "Every bucket has a block of public access."),
    ("aws_s3_bucket_server_side_encryption_configuration", "Every bucket is encrypted."),
    ("aws_sns_topic_policy", "Every topic has a policy."),
];
/// So many objects of one type are imported, to learn what a state would call them.
const MAX_IMPORTS: usize = 100;
/// After so many objects that an import by the only part of their identity did not find, it is no import id.
const MAX_SAMPLES: usize = 3;
/// Attributes of a state that may identify an object.
const STATE_IDS: &[&str] = &["id", "arn"];

/// Sorts out the objects of one list.
///
/// Where instances are left whose object was not recognized, the provider says by an import what a state would call each
/// object that is left: nothing that is recorded may pass for unmanaged. Objects that are too many for that are left out.
pub(super) async fn settle(lister: &Lister, mut list: TypeList, context: Context<'_>, lists: &mut Lists) {
    let resource_type = list.resource_type.clone();
    let identity_schema = lister.schema.identities.get(resource_type.as_str());
    let attributes: Vec<&str> = identity_schema
        .iter()
        .flat_map(|schema| schema.attributes.keys().map(String::as_str))
        .filter(|name| !PLACES.contains(name))
        .collect();
    let mut known = Known::of(&resource_type, &attributes, context);
    let items = std::mem::take(&mut list.items);
    let n_objects = items.len() as u64;
    let mut n_recorded = 0;
    let mut rest: Vec<(Item, Place, Vec<String>)> = Vec::new();
    for item in items {
        let mut place = Place::of(&item.identity.value);
        place.account = place.account.or_else(|| lister.account.clone());
        let texts = texts(&item.identity.value);
        if texts.is_empty() {
            continue;
        }
        if known.matches(&texts, &place) {
            n_recorded += 1;
            continue;
        }
        let is_first = place.account.clone().is_none_or(|account| {
            lists.seen.insert((resource_type.clone(), account, place.region.clone(), texts.clone()))
        });
        if is_first {
            rest.push((item, place, texts));
        }
    }

    let outcome = lists.outcomes.len();
    let mut single = SingleId::of_type(&resource_type, context);
    let mut n_imports = 0;
    let mut n_left_out = 0;
    for (item, place, mut texts) in rest {
        let is_composite = parts(&item.identity.value).len() > 1;
        let is_unsure = !known.unmatched.is_empty();
        let mut imported = None;
        if (is_unsure || is_composite) && n_imports < MAX_IMPORTS {
            n_imports += 1;
            imported = lister.import(&mut list, ImportTarget::Identity(item.identity.clone())).await;
        } else if is_unsure {
            n_left_out += 1;
            continue;
        }
        if let Some(state) = &imported {
            texts.extend(STATE_IDS.iter().filter_map(|name| text(state, name)));
            if known.matches(&texts, &place) {
                n_recorded += 1;
                continue;
            }
        }
        let import_id = if is_composite {
            match &imported {
                Some(state) => proved_id(lister, &mut list, state).await,
                None => None,
            }
        } else {
            single.id(lister, &mut list, &item.identity, imported.as_ref()).await
        };
        let arn = imported.as_ref().and_then(|state| text(state, "arn")).or_else(|| text(&item.identity.value, "arn"));
        let object = object(lister, &list, context, &item, place, import_id, arn);
        lists.objects.push(Listed { object, texts, outcome });
    }
    if n_left_out > 0 {
        let detail = format!(
            "{n_left_out} objects were left out: states record others of the type that no list recognized, and after \
             {MAX_IMPORTS} imports it was not asked any further which is which."
        );
        list.causes.push(Cause::new(CauseKind::NoIdentity, detail));
        list.status = ListStatus::Partial;
    }
    lists.outcomes.push(ListOutcome {
        provider: lister.name.to_string(),
        provider_version: lister.version.clone(),
        resource_type,
        status: list.status,
        n_objects,
        n_recorded,
        n_inventory: 0,
        calls: list.calls,
        causes: list.causes,
    });
}

/// Gives the `id` of an imported state where an import by this id gives the same state.
async fn proved_id(lister: &Lister, list: &mut TypeList, state: &Value) -> Option<ImportId> {
    let id = text(state, "id")?;
    let again = lister.import(list, ImportTarget::Id(id.clone())).await?;
    (again == *state).then(|| ImportId::from(id))
}

/// Whether the only part of an identity is the import id of a type: a few imports tell.
enum SingleId {
    Proved,
    Refuted,
    Unknown { n_failed: usize },
}

impl SingleId {
    /// What the catalog knows has been proved.
    fn of_type(resource_type: &ResourceType, context: Context<'_>) -> Self {
        if context.mappings.contains_key(resource_type) { Self::Proved } else { Self::Unknown { n_failed: 0 } }
    }

    async fn id(
        &mut self,
        lister: &Lister,
        list: &mut TypeList,
        identity: &Identity,
        imported: Option<&Value>,
    ) -> Option<ImportId> {
        let id = only_part(identity)?;
        let n_failed = match self {
            Self::Proved => return Some(id),
            Self::Refuted => return None,
            Self::Unknown { n_failed } => *n_failed,
        };
        let by_identity = match imported {
            Some(state) => Some(state.clone()),
            None => lister.import(list, ImportTarget::Identity(identity.clone())).await,
        };
        let by_id = lister.import(list, ImportTarget::Id(id.to_string())).await;
        let is_same = by_identity.zip(by_id).is_some_and(|(one, other)| {
            one == other || text(&one, "id").is_some() && text(&one, "id") == text(&other, "id")
        });
        *self = match n_failed + 1 {
            _ if is_same => Self::Proved,
            MAX_SAMPLES.. => Self::Refuted,
            n_failed => Self::Unknown { n_failed },
        };
        is_same.then_some(id)
    }
}

fn only_part(identity: &Identity) -> Option<ImportId> {
    match parts(&identity.value).as_slice() {
        [(_, text)] => Some(ImportId::from(text.as_str())),
        _ => None,
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    let text = value.get_attr(name).ok()?;
    text.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn object(
    lister: &Lister,
    list: &TypeList,
    context: Context<'_>,
    item: &Item,
    place: Place,
    import_id: Option<ImportId>,
    arn: Option<String>,
) -> RemoteObject {
    let mapping = context.mappings.get(&list.resource_type);
    let native_type = mapping.and_then(|mapping| mapping.native_types.first().cloned());
    let cloud = mapping.map_or_else(|| (&*lister.name.provider.provider_type).into(), |mapping| mapping.cloud.clone());
    let born_with = BORN_WITH.iter().find(|(name, _)| *name == list.resource_type.as_str());
    let standing = born_with.map_or(Standing::Ordinary, |(_, reason)| Standing::Default((*reason).to_owned()));
    let key: Vec<String> = parts(&item.identity.value).into_iter().map(|(_, text)| text).collect();
    RemoteObject {
        scope: Scope {
            cloud,
            account: place.account.unwrap_or_else(|| AccountId::from("")),
            region: place.region,
            native_type: native_type.unwrap_or_else(|| NativeType::from(list.resource_type.as_str())),
        },
        key: ObjectKey(key.join("/").into()),
        resource_type: Some(list.resource_type.clone()),
        import_id,
        identity: Some(item.identity.clone()),
        arn,
        name: Some(item.name.clone()).filter(|name| !name.is_empty()),
        tags: None,
        attributes: BTreeMap::new(),
        volatile: Vec::new(),
        parent: None,
        standing,
        completeness: Completeness::Id,
        source: "ListResource".into(),
        fetched_at: list.at,
        cause: None,
    }
}
