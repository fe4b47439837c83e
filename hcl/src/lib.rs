//! Terraform configuration: read without loss, evaluated, and written so that `terraform fmt` leaves it alone.
//!
//! **Owns** the syntax of `.tf` and `.tf.json` files: tokens that cover every byte ([`lex`]), their structure
//! ([`syntax`], [`json`]), the literal values in it ([`literal`]) and expressions as trees ([`expression`]); what a root module
//! declares ([`module`]); the values of expressions and blocks ([`evaluate`]), in the scope of a module ([`root`],
//! [`definitions`], [`variables`]), with the functions of the language ([`function`]);
//! where values come from ([`trace`]); and text for people to review:
//! values, blocks and drafts ([`emit`]); and what that has to heed in a root: the names taken ([`names`]) and the versions
//! that may run it ([`gates`], [`versions`]).
//!
//! **May not know** files, states, clouds or schemas of its own. Files come through a [`SourceTree`], schemas are given.
//!
//! **Start reading** at [`module::Module::read`], which uses every other part of reading; [`configuration`] follows the
//! calls of modules from there. Of evaluation, at [`evaluate::block`] and [`root::Root`].
//!
//! **A good addition** keeps three promises: the tokens of any text, joined, are that text; what is written here parses
//! here, and in terraform, to the value it was written from; and what is evaluated here has the value that terraform and
//! `OpenTofu` give it, or is unknown with the reason.

pub mod blocks;
pub mod configuration;
mod convert_json;
pub mod definitions;
pub mod edit;
pub mod emit;
pub mod evaluate;
pub mod expression;
pub mod function;
pub mod gates;
pub mod json;
pub mod lex;
pub mod literal;
pub mod module;
pub mod names;
mod parse;
mod reference;
pub mod root;
mod source;
pub mod syntax;
pub mod trace;
pub mod variables;
pub mod versions;

pub use source::{MemoryTree, ReadError, SourceTree};
pub use syntax::File;
