//! What was seen, when, and how completely: a SQLite store with published snapshots.
