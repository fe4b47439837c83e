//! What Terraform's core does to values around a provider's calls, as pure functions.
//!
//! A provider never sees a state, a configuration or a plan as it lies in a file: core prepares what goes in and judges
//! what comes out. For one instance, in this order: [`strip`] before the state is upgraded, [`normalize_legacy`] on
//! what an SDK of the old type system answers, [`ignore_in_configuration`], [`proposed_new`] before the plan,
//! [`apply_ignore_changes`] on the plan of an old SDK, then [`replace_paths`] and [`action`].
//!
//! Values given here must be of the type their block has; those that are not lead to results that say little, never to
//! a panic. Prior values are wholly known; configurations may hold unknown values.
//!
//! Source: OpenTofu's `docs/resource-instance-change-lifecycle.md` and `docs/planning-behaviors.md`. The tests compare
//! each function with OpenTofu's own, see `acceptance-tests/lifecycle`.

mod ignore;
mod normalize;
mod place;
mod propose;
mod replace;
mod strip;

pub use ignore::{Ignored, apply_ignore_changes, ignore_in_configuration};
pub use normalize::normalize_legacy;
pub use propose::proposed_new;
pub use replace::{Action, action, replace_paths};
pub use strip::strip;
