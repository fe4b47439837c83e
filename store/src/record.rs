//! Objects as rows: the columns, and the words and numbers in them.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use model::{
    AccountId, Cause, CauseKind, CloudName, Completeness, ImportId, NativeType, ObjectKey, Region, RemoteObject,
    ResourceType, Scope, ScopeStatus, Standing,
};
use rusqlite::Row;

use crate::body::Content;
use crate::error::{Error, ErrorKind, Result};

/// The columns of an object in the order [`RawObject::read`] expects, to be selected from
/// `object AS o JOIN scope AS s JOIN body AS b`.
pub(crate) const COLUMNS: &str = "o.uid, s.cloud, o.account, o.region, o.native_type, o.key, o.resource_type, \
    o.import_id, o.arn, o.name, o.standing, o.standing_detail, o.standing_evidence, o.parent_type, o.parent_key, \
    o.completeness, o.source, o.fetched_at, o.cause_kind, o.cause_detail, b.shape, b.record, o.first_seen, o.gone_at";

/// One row, not decoded yet.
#[derive(Debug)]
pub(crate) struct RawObject {
    pub(crate) uid: i64,
    pub(crate) shape: i64,
    pub(crate) record: Vec<u8>,
    pub(crate) first_seen: i64,
    pub(crate) gone_at: Option<i64>,
    cloud: String,
    account: String,
    region: String,
    native_type: String,
    key: String,
    resource_type: Option<String>,
    import_id: Option<String>,
    arn: Option<String>,
    name: Option<String>,
    standing: String,
    standing_detail: Option<String>,
    standing_evidence: Option<String>,
    parent_type: Option<String>,
    parent_key: Option<String>,
    completeness: String,
    source: String,
    fetched_at: i64,
    cause_kind: Option<String>,
    cause_detail: Option<String>,
}

impl RawObject {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            uid: row.get(0)?,
            cloud: row.get(1)?,
            account: row.get(2)?,
            region: row.get(3)?,
            native_type: row.get(4)?,
            key: row.get(5)?,
            resource_type: row.get(6)?,
            import_id: row.get(7)?,
            arn: row.get(8)?,
            name: row.get(9)?,
            standing: row.get(10)?,
            standing_detail: row.get(11)?,
            standing_evidence: row.get(12)?,
            parent_type: row.get(13)?,
            parent_key: row.get(14)?,
            completeness: row.get(15)?,
            source: row.get(16)?,
            fetched_at: row.get(17)?,
            cause_kind: row.get(18)?,
            cause_detail: row.get(19)?,
            shape: row.get(20)?,
            record: row.get(21)?,
            first_seen: row.get(22)?,
            gone_at: row.get(23)?,
        })
    }

    pub(crate) fn into_object(self, content: Content, path: &Path) -> Result<RemoteObject> {
        let standing = match (self.standing.as_str(), self.standing_detail, self.standing_evidence) {
            ("default", reason, _) => Standing::Default(reason.unwrap_or_default()),
            ("managed_elsewhere", by, evidence) => {
                Standing::ManagedElsewhere { by: by.unwrap_or_default(), evidence: evidence.unwrap_or_default() }
            }
            _ => Standing::Ordinary,
        };
        Ok(RemoteObject {
            scope: scope(self.cloud, self.account, self.region, self.native_type),
            key: ObjectKey(self.key.into()),
            resource_type: self.resource_type.map(ResourceType::new),
            import_id: self.import_id.map(ImportId::new),
            identity: content.identity,
            arn: self.arn,
            name: self.name,
            tags: content.tags,
            attributes: content.attributes,
            volatile: content.volatile,
            parent: self
                .parent_type
                .zip(self.parent_key)
                .map(|(native_type, key)| (NativeType::new(native_type), ObjectKey(key.into()))),
            standing,
            completeness: completeness(&self.completeness, path)?,
            source: Arc::from(self.source),
            fetched_at: timestamp(self.fetched_at, path)?,
            cause: self.cause_kind.map(|kind| cause(&kind, self.cause_detail.unwrap_or_default(), path)).transpose()?,
        })
    }
}

pub(crate) fn scope(cloud: String, account: String, region: String, native_type: String) -> Scope {
    Scope {
        cloud: CloudName::new(cloud),
        account: AccountId::new(account),
        region: (!region.is_empty()).then(|| Region::new(region)),
        native_type: NativeType::new(native_type),
    }
}

/// Gives the region column of a scope.
pub(crate) fn region_text(scope: &Scope) -> &str {
    scope.region.as_ref().map_or("", Region::as_str)
}

pub(crate) fn timestamp(microseconds: i64, path: &Path) -> Result<Timestamp> {
    Timestamp::from_microsecond(microseconds).map_err(|_| corrupt(path, "time", &microseconds.to_string()))
}

pub(crate) fn cause(kind: &str, detail: String, path: &Path) -> Result<Cause> {
    let kind = CauseKind::from_word(kind).ok_or_else(|| corrupt(path, "cause", kind))?;
    Ok(Cause { kind, detail })
}

pub(crate) fn completeness_word(completeness: Completeness) -> &'static str {
    match completeness {
        Completeness::Id => "id",
        Completeness::Summary => "summary",
        Completeness::Full => "full",
    }
}

fn completeness(word: &str, path: &Path) -> Result<Completeness> {
    [Completeness::Id, Completeness::Summary, Completeness::Full]
        .into_iter()
        .find(|completeness| completeness_word(*completeness) == word)
        .ok_or_else(|| corrupt(path, "completeness", word))
}

pub(crate) fn status_word(status: ScopeStatus) -> &'static str {
    match status {
        ScopeStatus::Complete => "complete",
        ScopeStatus::Partial => "partial",
        ScopeStatus::Failed => "failed",
    }
}

pub(crate) fn status(word: &str, path: &Path) -> Result<ScopeStatus> {
    [ScopeStatus::Complete, ScopeStatus::Partial, ScopeStatus::Failed]
        .into_iter()
        .find(|status| status_word(*status) == word)
        .ok_or_else(|| corrupt(path, "status", word))
}

/// Gives the columns of a standing: word, detail, evidence.
pub(crate) fn standing_columns(standing: &Standing) -> (&'static str, Option<&str>, Option<&str>) {
    match standing {
        Standing::Ordinary => ("ordinary", None, None),
        Standing::Default(reason) => ("default", Some(reason), None),
        Standing::ManagedElsewhere { by, evidence } => ("managed_elsewhere", Some(by), Some(evidence)),
    }
}

pub(crate) fn corrupt(path: &Path, what: &str, text: &str) -> Error {
    let detail = format!("it holds the {what} {text:?}, which does not exist");
    Error::new(ErrorKind::Corrupt, "read the store", path, detail)
}
