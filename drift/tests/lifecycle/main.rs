//! Core's part around a provider's calls: what each function does, and that OpenTofu does the same.

mod behavior;
mod differential;
mod oracle;
mod schemas;
