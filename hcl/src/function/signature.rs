//! What arguments a function takes, and of which type its result is.

use cty::{Type, Value};

use super::Failure;

/// What an argument must be.
#[derive(Clone, Copy)]
pub(super) struct Parameter {
    ty: Wanted,
    takes: &'static [Takes],
}

/// What the body of a function copes with in an argument.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// A null.
    Null,
    /// A value that is not known; what is inside of a known one may be unknown in any case.
    Unknown,
    /// A value of unknown type.
    Dynamic,
    /// Marks, which then are the body's to put on the result.
    Marked,
}

#[derive(Clone, Copy)]
pub(super) enum Wanted {
    Text,
    Number,
    Any,
    Texts,
    Bools,
    ListOfAny,
    TextListsByKey,
    SetOfAny,
}

/// The type of the result.
#[derive(Clone, Copy)]
pub(super) enum Returns {
    Text,
    Number,
    Bool,
    Texts,
    TextSet,
    Numbers,
    TextListsByKey,
    /// That of the value, which is not known before.
    Anything,
    /// That which follows from the arguments. Those that are not known are given as they are.
    By(fn(&[Value]) -> Result<Type, Failure>),
}

pub(super) const fn of(ty: Wanted, takes: &'static [Takes]) -> Parameter {
    Parameter { ty, takes }
}

pub(super) const TEXT: Parameter = of(Wanted::Text, &[]);
pub(super) const NUMBER: Parameter = of(Wanted::Number, &[]);
pub(super) const ANY: Parameter = of(Wanted::Any, &[]);
pub(super) const TEXTS: Parameter = of(Wanted::Texts, &[]);
/// Of any type and any sort, null and unknown included.
pub(super) const NULLABLE: Parameter = of(Wanted::Any, &[Takes::Null, Takes::Unknown, Takes::Dynamic]);

impl Parameter {
    pub(super) fn takes(self, what: Takes) -> bool {
        self.takes.contains(&what)
    }

    pub(super) fn ty(self) -> Type {
        match self.ty {
            Wanted::Text => Type::String,
            Wanted::Number => Type::Number,
            Wanted::Any => Type::Dynamic,
            Wanted::Texts => Type::list(Type::String),
            Wanted::Bools => Type::list(Type::Bool),
            Wanted::ListOfAny => Type::list(Type::Dynamic),
            Wanted::TextListsByKey => Type::map(Type::list(Type::String)),
            Wanted::SetOfAny => Type::set(Type::Dynamic),
        }
    }
}

impl Returns {
    /// Gives the type where it is always the same.
    pub(super) fn ty(self) -> Option<Type> {
        Some(match self {
            Self::Text => Type::String,
            Self::Number => Type::Number,
            Self::Bool => Type::Bool,
            Self::Texts => Type::list(Type::String),
            Self::TextSet => Type::set(Type::String),
            Self::Numbers => Type::list(Type::Number),
            Self::TextListsByKey => Type::map(Type::list(Type::String)),
            Self::Anything | Self::By(_) => return None,
        })
    }

    /// Gives the type for these arguments.
    pub(super) fn of(self, arguments: &[Value]) -> Result<Type, Failure> {
        match self {
            Self::By(follow) => follow(arguments),
            other => Ok(other.ty().unwrap_or(Type::Dynamic)),
        }
    }
}
