//! Operations on values, with the rules for unknown values and marks of go-cty.

mod arithmetic;
mod equality;
mod index;
mod logic;
