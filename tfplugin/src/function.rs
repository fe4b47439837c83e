//! Functions of a provider: what they take, what they give, and what is wrong with an argument.

use cty::{Type, Value};

/// What one function takes and gives.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionSignature {
    /// The parameters, in order.
    pub parameters: Vec<FunctionParameter>,
    /// The last parameter, where it takes any number of arguments.
    pub variadic_parameter: Option<FunctionParameter>,
    /// The type of the result.
    pub returns: Type,
    /// What it is for, in a few words.
    pub summary: String,
    /// What it is for, in Markdown or plain text.
    pub description: String,
    /// Whether the description is Markdown.
    pub description_is_markdown: bool,
    /// Why it should not be used any more; empty where it may be.
    pub deprecation_message: String,
}

/// One parameter of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionParameter {
    /// The name, which only people read: arguments have positions.
    pub name: String,
    /// The type of its arguments.
    pub ty: Type,
    /// Whether null is passed on to the function; terraform refuses it otherwise.
    pub allows_null: bool,
    /// Whether unknown values are passed on to the function; the result is unknown without a call otherwise.
    pub allows_unknown: bool,
    /// What it is for.
    pub description: String,
    /// Whether the description is Markdown.
    pub description_is_markdown: bool,
}

impl FunctionSignature {
    /// Gives the parameter that the argument at a position belongs to.
    pub fn parameter(&self, index: usize) -> Option<&FunctionParameter> {
        self.parameters.get(index).or(self.variadic_parameter.as_ref())
    }

    /// Tells whether the function can be called with so many arguments.
    pub fn takes(&self, n_arguments: usize) -> bool {
        n_arguments == self.parameters.len() || n_arguments > self.parameters.len() && self.variadic_parameter.is_some()
    }
}

/// Asks for the result of a function.
#[derive(Clone, Debug)]
pub struct FunctionRequest {
    /// The function's name, without the provider's.
    pub function: String,
    /// The arguments, those of the variadic parameter last.
    pub arguments: Vec<Value>,
}

/// Says why a function has no result for its arguments.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct FunctionError {
    /// The reason, for people.
    pub text: String,
    /// The position of the argument at fault, counted from 0.
    pub argument: Option<usize>,
}

impl FunctionError {
    /// Makes the error of the call as a whole.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), argument: None }
    }

    /// Names the argument at fault.
    #[must_use]
    pub fn at_argument(mut self, index: usize) -> Self {
        self.argument = Some(index);
        self
    }
}
