-- What was seen, when, and how completely. Times are microseconds since 1970 in UTC; the region of what is global is ''.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    started      INTEGER NOT NULL,
    finished     INTEGER,
    status       TEXT    NOT NULL CHECK (status IN ('running', 'finished', 'abandoned')),
    tool_version TEXT    NOT NULL
) STRICT;

CREATE TABLE scope (
    id          INTEGER PRIMARY KEY,
    cloud       TEXT NOT NULL,
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    native_type TEXT NOT NULL,
    -- When looking began, the last time everything was seen; null where that never happened.
    as_of       INTEGER,
    -- The run of the last look, complete or not.
    last_run    INTEGER REFERENCES run (id),
    UNIQUE (native_type, account, region, cloud)
) STRICT;

CREATE TABLE scope_run (
    scope     INTEGER NOT NULL REFERENCES scope (id),
    run       INTEGER NOT NULL REFERENCES run (id),
    status    TEXT    NOT NULL CHECK (status IN ('complete', 'partial', 'failed')),
    n_objects INTEGER NOT NULL,
    started   INTEGER NOT NULL,
    finished  INTEGER NOT NULL,
    causes    TEXT    NOT NULL,
    calls     TEXT    NOT NULL,
    PRIMARY KEY (scope, run)
) STRICT, WITHOUT ROWID;

-- Which Terraform types the catalog maps a native type to, so that "none exists" can be told from "nobody looked".
CREATE TABLE type_map (
    resource_type TEXT NOT NULL,
    native_type   TEXT NOT NULL,
    PRIMARY KEY (resource_type, native_type)
) STRICT, WITHOUT ROWID;

-- The cty types of record bodies: few, shared by many.
CREATE TABLE shape (
    id   INTEGER PRIMARY KEY,
    type TEXT NOT NULL UNIQUE
) STRICT;

-- What can be told about an object beyond the columns below: attributes, tags, identity; addressed by content.
CREATE TABLE body (
    id     INTEGER PRIMARY KEY,
    hash   BLOB    NOT NULL UNIQUE,
    shape  INTEGER NOT NULL REFERENCES shape (id),
    record BLOB    NOT NULL
) STRICT;

CREATE TABLE object (
    uid               INTEGER PRIMARY KEY,
    scope             INTEGER NOT NULL REFERENCES scope (id),
    key               TEXT    NOT NULL,
    native_type       TEXT    NOT NULL,
    account           TEXT    NOT NULL,
    region            TEXT    NOT NULL,
    resource_type     TEXT,
    import_id         TEXT,
    arn               TEXT,
    name              TEXT,
    standing          TEXT    NOT NULL CHECK (standing IN ('ordinary', 'default', 'managed_elsewhere')),
    standing_detail   TEXT,
    standing_evidence TEXT,
    parent_type       TEXT,
    parent_key        TEXT,
    completeness      TEXT    NOT NULL CHECK (completeness IN ('id', 'summary', 'full')),
    source            TEXT    NOT NULL,
    fetched_at        INTEGER NOT NULL,
    cause_kind        TEXT,
    cause_detail      TEXT,
    body              INTEGER NOT NULL REFERENCES body (id),
    -- Of the body and of the columns above that tell about the object: equal while nothing changes.
    digest            BLOB    NOT NULL,
    first_run         INTEGER NOT NULL REFERENCES run (id),
    last_run          INTEGER NOT NULL REFERENCES run (id),
    gone_run          INTEGER REFERENCES run (id),
    first_seen        INTEGER NOT NULL,
    gone_at           INTEGER,
    UNIQUE (scope, key)
) STRICT;

CREATE INDEX object_by_order ON object (native_type, account, region, key, gone_run);
CREATE INDEX object_by_type ON object (resource_type, native_type, account, region, key, gone_run);
CREATE INDEX object_by_place ON object (account, region, native_type, key, gone_run);
CREATE INDEX object_by_import_id ON object (import_id) WHERE import_id IS NOT NULL;
CREATE INDEX object_by_arn ON object (arn) WHERE arn IS NOT NULL;
CREATE INDEX object_by_name ON object (name) WHERE name IS NOT NULL;
CREATE INDEX object_by_body ON object (body);
CREATE INDEX object_gone ON object (gone_run) WHERE gone_run IS NOT NULL;

-- Which body an object had from which run on, up to and without which run.
CREATE TABLE version (
    uid      INTEGER NOT NULL REFERENCES object (uid) ON DELETE CASCADE,
    from_run INTEGER NOT NULL REFERENCES run (id),
    to_run   INTEGER REFERENCES run (id),
    body     INTEGER NOT NULL REFERENCES body (id),
    PRIMARY KEY (uid, from_run)
) STRICT, WITHOUT ROWID;

CREATE INDEX version_by_body ON version (body);
CREATE INDEX version_closed ON version (to_run) WHERE to_run IS NOT NULL;

CREATE TABLE tag (
    uid   INTEGER NOT NULL REFERENCES object (uid) ON DELETE CASCADE,
    key   TEXT    NOT NULL,
    value TEXT    NOT NULL,
    PRIMARY KEY (uid, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX tag_by_key ON tag (key, value, uid);

-- The last comparison of each subject (a root module, a named set of states).
CREATE TABLE drift (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    subject  TEXT    NOT NULL UNIQUE,
    at       INTEGER NOT NULL,
    coverage TEXT    NOT NULL
) STRICT;

CREATE TABLE finding (
    drift         INTEGER NOT NULL REFERENCES drift (id) ON DELETE CASCADE,
    position      INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    fingerprint   TEXT    NOT NULL,
    document      TEXT    NOT NULL,
    PRIMARY KEY (drift, position)
) STRICT, WITHOUT ROWID;
