//! Runs one scan: the only place where IO meets decisions.
