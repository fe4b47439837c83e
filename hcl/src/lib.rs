//! Terraform configuration: read without loss, and written so that `terraform fmt` leaves it alone.
//!
//! **Owns** the syntax of `.tf` and `.tf.json` files: tokens that cover every byte ([`lex`]), their structure
//! ([`syntax`]), the literal values in it ([`literal`]), what a root module declares ([`module`]), and text for people to
//! review: blocks and values ([`emit`]).
//!
//! **May not know** files, states, clouds or schemas. Files come through a [`SourceTree`].
//!
//! **Start reading** at [`module::Module::read`], which uses every other part of reading; [`configuration`] follows the
//! calls of modules from there.
//!
//! **A good addition** keeps two promises: the tokens of any text, joined, are that text; and what is written here parses
//! here, and in terraform, to the value it was written from.
//!
//! Expressions that are not literals are found, not evaluated: they are reported as such, with their place.

pub mod configuration;
mod convert_json;
mod cursor;
pub mod definitions;
pub mod emit;
pub mod evaluate;
pub mod expression;
pub mod function;
pub mod lex;
pub mod literal;
pub mod module;
mod parse;
mod reference;
pub mod scope;
mod source;
pub mod syntax;
pub mod variables;

pub use source::{MemoryTree, ReadError, SourceTree};
pub use syntax::File;
