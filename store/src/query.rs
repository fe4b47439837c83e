//! Questions about objects, answered with how fresh and how complete the answer is.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use model::{AccountId, ImportId, Region, RemoteObject, Scope, ScopeStatus};
use rusqlite::types::Value as Sql;
use rusqlite::{OptionalExtension, params_from_iter};

use crate::condition::AttributeCondition;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::record::{COLUMNS, RawObject};
use crate::snapshot::{ScopeRecord, StoreSnapshot};

/// The word for the region of what is global in its account.
const GLOBAL: &str = "global";

/// Says which objects are wanted. An empty list does not filter; several filters must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Terraform types; `*` and `?` are allowed.
    pub resource_types: Vec<String>,
    /// Native types; `*` and `?` are allowed.
    pub native_types: Vec<String>,
    /// Accounts.
    pub accounts: Vec<AccountId>,
    /// Regions; `global` means what has none.
    pub regions: Vec<Region>,
    /// Tags, all of which must be there.
    pub tags: Vec<TagFilter>,
    /// The name; `*` and `?` are allowed.
    pub name: Option<String>,
    /// The import id.
    pub import_id: Option<ImportId>,
    /// The cloud-wide name.
    pub arn: Option<String>,
    /// Conditions on attributes: every object that is left is decoded for these.
    pub conditions: Vec<AttributeCondition>,
    /// Whether objects that are no longer there are wanted too.
    pub include_gone: bool,
    /// How many objects a page holds; `None` is all.
    pub limit: Option<u32>,
    /// How many objects to skip.
    pub offset: u32,
    /// Where an earlier page ended.
    pub after: Option<Cursor>,
}

/// Asks for a tag: `Name` or `Name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagFilter {
    /// The tag's key.
    pub key: String,
    /// The tag's value; `None` is any.
    pub value: Option<String>,
}

impl TagFilter {
    /// Reads `key` or `key=value`.
    pub fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((key, value)) => Self { key: key.to_owned(), value: Some(value.to_owned()) },
            None => Self { key: text.to_owned(), value: None },
        }
    }
}

/// Tells where a page ended, so that the next one can begin there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(i64);

impl Cursor {
    pub(crate) fn of_uid(uid: i64) -> Self {
        Self(uid)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "o{}", self.0)
    }
}

impl FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        text.strip_prefix('o')
            .and_then(|digits| digits.parse().ok())
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not where a page ended; pass on what an earlier answer gave as `next`"))
    }
}

/// One object with its history in brief.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredObject {
    /// The object as it was last seen. Units: its time is kept in whole microseconds.
    pub object: RemoteObject,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was found to be gone.
    pub gone_at: Option<Timestamp>,
}

/// One page of an answer. Order: native type, account, region, key.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectPage {
    /// The objects.
    pub objects: Vec<StoredObject>,
    /// How many objects match on all pages together.
    pub total: u64,
    /// How fresh and how complete the answer is.
    pub freshness: AnswerFreshness,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

/// Tells how fresh and how complete an answer is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerFreshness {
    /// When the oldest scope that matters was last seen completely; `None` where one never was.
    pub as_of: Option<Timestamp>,
    /// Whether every scope that matters was seen completely the last time anybody looked.
    pub complete: bool,
    /// How many scopes matter.
    pub n_scopes: u64,
    /// The scopes that were not seen completely the last time.
    pub incomplete: Vec<ScopeRecord>,
    /// What was asked for and never looked at, as phrases.
    pub never_seen: Vec<String>,
}

impl AnswerFreshness {
    /// Tells whether part of the answer is older than `max_age`, or was never seen.
    pub fn is_older_than(&self, max_age: Duration, now: Timestamp) -> bool {
        match self.as_of {
            Some(as_of) if self.never_seen.is_empty() => {
                now.duration_since(as_of).unsigned_abs() > max_age && now > as_of
            }
            _ => true,
        }
    }
}

impl StoreSnapshot {
    /// Answers a query with one page.
    ///
    /// Errors: [`ErrorKind::InvalidInput`] where the cursor leads nowhere.
    pub fn query(&self, query: &Query) -> Result<ObjectPage> {
        let freshness = self.freshness(query)?;
        let (objects, next) = self.batch(query)?;
        let total = if query.conditions.is_empty() {
            let filter = Filter::of(query);
            let sql = format!("SELECT count(*) FROM object AS o WHERE {}", filter.sql);
            let operation = "count objects of the store";
            let mut statement = self.connection().prepare_cached(&sql).context(operation, self.path())?;
            let total: i64 = statement
                .query_row(params_from_iter(filter.values), |row| row.get(0))
                .context(operation, self.path())?;
            total as u64
        } else {
            let mut total = 0;
            for object in self.objects(query) {
                object?;
                total += 1;
            }
            total
        };
        Ok(ObjectPage { objects, total, freshness, next: next.map(Cursor::of_uid) })
    }

    /// Tells how fresh and how complete the answer to a query would be, without answering it.
    pub fn freshness(&self, query: &Query) -> Result<AnswerFreshness> {
        let mut filter = Filter { sql: "1".to_owned(), values: Vec::new() };
        if !query.resource_types.is_empty() {
            filter.sql.push_str(" AND s.native_type IN (SELECT native_type FROM type_map WHERE 1");
            filter.any_of("resource_type", &query.resource_types);
            filter.sql.push(')');
        }
        filter.any_of("s.native_type", &query.native_types);
        let values: Vec<&dyn rusqlite::ToSql> =
            filter.values.iter().map(|value| value as &dyn rusqlite::ToSql).collect();
        let of_types = self.scopes_where(&format!("WHERE {}", filter.sql), &values)?;
        let never_seen = self.never_seen(query, &of_types)?;
        let scopes: Vec<ScopeRecord> = of_types
            .into_iter()
            .filter(|scope| query.accounts.is_empty() || query.accounts.contains(&scope.last.scope.account))
            .filter(|scope| {
                query.regions.is_empty() || query.regions.iter().any(|region| is_in(&scope.last.scope, region))
            })
            .collect();
        let incomplete: Vec<ScopeRecord> =
            scopes.iter().filter(|scope| scope.last.status != ScopeStatus::Complete).cloned().collect();
        Ok(AnswerFreshness {
            as_of: scopes.iter().map(|scope| scope.as_of).min().flatten(),
            complete: incomplete.is_empty() && never_seen.is_empty(),
            n_scopes: scopes.len() as u64,
            incomplete,
            never_seen,
        })
    }

    /// Names the combinations of type, account and region that were asked for and that nobody looked at.
    fn never_seen(&self, query: &Query, scopes: &[ScopeRecord]) -> Result<Vec<String>> {
        let mut never_seen = Vec::new();
        for (type_phrase, native_types) in self.types_by_name(query)? {
            let of_type: Vec<&Scope> = scopes
                .iter()
                .map(|scope| &scope.last.scope)
                .filter(|scope| native_types.as_ref().is_none_or(|types| types.contains(scope.native_type.as_str())))
                .collect();
            if of_type.is_empty() {
                let phrase = if type_phrase.is_empty() { "anything that matches" } else { &type_phrase };
                never_seen.push(phrase.to_owned());
                continue;
            }
            let accounts: Vec<Option<&AccountId>> = optional(&query.accounts);
            for account in accounts {
                let is_of_account = |scope: &&&Scope| account.is_none_or(|account| scope.account == *account);
                let of_account: Vec<&&Scope> = of_type.iter().filter(is_of_account).collect();
                let account_phrase = account.map(|account| format!("account {account}")).unwrap_or_default();
                if of_account.is_empty() {
                    never_seen.push(phrase(&[&type_phrase, &account_phrase]));
                    continue;
                }
                for region in &query.regions {
                    // What is global has no objects in a region, and what is regional none outside: that is certain.
                    let is_impossible = native_types.is_some()
                        && of_type.iter().all(|scope| scope.region.is_none() != (region.as_str() == GLOBAL));
                    if !is_impossible && !of_account.iter().any(|scope| is_in(scope, region)) {
                        never_seen.push(phrase(&[&type_phrase, &account_phrase, &format!("region {region}")]));
                    }
                }
            }
        }
        Ok(never_seen)
    }

    /// Gives the types that are asked for by name, each as a phrase with its native types; one that stands for all types
    /// where none is.
    fn types_by_name(&self, query: &Query) -> Result<Vec<(String, Option<BTreeSet<String>>)>> {
        let operation = "read the types of the store";
        let mut types = Vec::new();
        for resource_type in query.resource_types.iter().filter(|text| !is_glob(text)) {
            let mut statement = self
                .connection()
                .prepare_cached("SELECT native_type FROM type_map WHERE resource_type = ?1")
                .context(operation, self.path())?;
            let native_types = statement
                .query_map([resource_type], |row| row.get(0))
                .and_then(Iterator::collect)
                .context(operation, self.path())?;
            types.push((format!("type {resource_type}"), Some(native_types)));
        }
        for native_type in query.native_types.iter().filter(|text| !is_glob(text)) {
            types.push((format!("type {native_type}"), Some(BTreeSet::from([native_type.clone()]))));
        }
        if types.is_empty() {
            types.push((String::new(), None));
        }
        Ok(types)
    }

    /// Reads up to `query.limit` objects, and where to go on.
    pub(crate) fn batch(&self, query: &Query) -> Result<(Vec<StoredObject>, Option<i64>)> {
        let operation = "query the store";
        let mut filter = Filter::of(query);
        if let Some(Cursor(uid)) = query.after {
            let position = self
                .connection()
                .query_row("SELECT native_type, account, region, key FROM object WHERE uid = ?1", [uid], |row| {
                    Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
                })
                .optional()
                .context(operation, self.path())?;
            let Some(position): Option<[String; 4]> = position else {
                let detail =
                    format!("the page after {} is asked for, and that object is no longer stored", Cursor(uid));
                return Err(Error::new(ErrorKind::InvalidInput, operation, self.path(), detail));
            };
            filter.sql.push_str(" AND (o.native_type, o.account, o.region, o.key, o.uid) > (?, ?, ?, ?, ?)");
            filter.values.extend(position.map(Sql::Text));
            filter.values.push(Sql::Integer(uid));
        }
        let mut sql = format!(
            "SELECT {COLUMNS} FROM object AS o CROSS JOIN scope AS s ON s.id = o.scope
             CROSS JOIN body AS b ON b.id = o.body WHERE {}
             ORDER BY o.native_type, o.account, o.region, o.key, o.uid",
            filter.sql
        );
        let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
        let mut n_to_skip = query.offset;
        if query.conditions.is_empty() {
            sql.push_str(" LIMIT ? OFFSET ?");
            filter.values.push(Sql::Integer(query.limit.map_or(-1, |limit| i64::from(limit) + 1)));
            filter.values.push(Sql::Integer(i64::from(query.offset)));
            n_to_skip = 0;
        }
        let mut statement = self.connection().prepare_cached(&sql).context(operation, self.path())?;
        let mut rows = statement.query(params_from_iter(filter.values)).context(operation, self.path())?;
        let mut objects = Vec::new();
        let mut last = None;
        while let Some(row) = rows.next().context(operation, self.path())? {
            let (uid, object) = self.stored_object(RawObject::read(row).context(operation, self.path())?)?;
            let holds = |condition: &AttributeCondition| {
                condition.holds(condition.path.first().and_then(|name| object.object.attributes.get(name)))
            };
            if !query.conditions.iter().all(holds) {
                continue;
            }
            if n_to_skip > 0 {
                n_to_skip -= 1;
                continue;
            }
            if objects.len() >= limit {
                return Ok((objects, last));
            }
            last = Some(uid);
            objects.push(object);
        }
        Ok((objects, None))
    }
}

/// A condition in SQL over `object AS o`.
struct Filter {
    sql: String,
    values: Vec<Sql>,
}

impl Filter {
    fn of(query: &Query) -> Self {
        let is_there = if query.include_gone { "1" } else { "o.gone_run IS NULL" };
        let mut filter = Self { sql: is_there.to_owned(), values: Vec::new() };
        filter.any_of("o.resource_type", &query.resource_types);
        filter.any_of("o.native_type", &query.native_types);
        filter.any_of("o.account", &texts(&query.accounts, AccountId::as_str));
        filter.any_of("o.region", &regions(query));
        for tag in &query.tags {
            filter.sql.push_str(" AND o.uid IN (SELECT uid FROM tag WHERE key = ?");
            filter.values.push(Sql::Text(tag.key.clone()));
            if let Some(value) = &tag.value {
                filter.sql.push_str(" AND value = ?");
                filter.values.push(Sql::Text(value.clone()));
            }
            filter.sql.push(')');
        }
        filter.any_of("o.name", query.name.as_slice());
        filter.equals("o.import_id", query.import_id.as_ref().map(ImportId::as_str));
        filter.equals("o.arn", query.arn.as_deref());
        filter
    }

    /// Adds that a column has this text, where there is one.
    fn equals(&mut self, column: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.sql.push_str(" AND ");
            self.sql.push_str(column);
            self.sql.push_str(" = ?");
            self.values.push(Sql::Text(text.to_owned()));
        }
    }

    /// Adds that a column has one of these texts, where there are any.
    fn any_of(&mut self, column: &str, texts: &[String]) {
        if texts.is_empty() {
            return;
        }
        let mut alternatives = Vec::new();
        let literals: Vec<&String> = texts.iter().filter(|text| !is_glob(text)).collect();
        if !literals.is_empty() {
            alternatives.push(format!("{column} IN ({})", vec!["?"; literals.len()].join(", ")));
            self.values.extend(literals.into_iter().cloned().map(Sql::Text));
        }
        for glob in texts.iter().filter(|text| is_glob(text)) {
            alternatives.push(format!("{column} GLOB ?"));
            // SQLite knows character classes; ours does not.
            self.values.push(Sql::Text(glob.replace('[', "[[]")));
        }
        self.sql.push_str(" AND (");
        self.sql.push_str(&alternatives.join(" OR "));
        self.sql.push(')');
    }
}

fn is_in(scope: &Scope, region: &Region) -> bool {
    match &scope.region {
        Some(of_scope) => of_scope == region,
        None => region.as_str() == GLOBAL,
    }
}

/// Gives every value, or none once where there are none.
fn optional<T>(values: &[T]) -> Vec<Option<&T>> {
    if values.is_empty() { vec![None] } else { values.iter().map(Some).collect() }
}

fn phrase(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(", ")
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?'])
}

fn texts<T>(values: &[T], text: impl Fn(&T) -> &str) -> Vec<String> {
    values.iter().map(|value| text(value).to_owned()).collect()
}

fn regions(query: &Query) -> Vec<String> {
    texts(&query.regions, |region| if region.as_str() == GLOBAL { "" } else { region.as_str() })
}
