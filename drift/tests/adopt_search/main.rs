//! The search for a configuration, against a provider of rules.

mod cases;
mod properties;
mod provider;
