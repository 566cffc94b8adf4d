//! The AWS policy language: parse with positions, validate, lint, print.
//!
//! Deliberately knows nothing of requests, of I/O, of time, or of who exists: it turns text into a [`Document`],
//! says where and why a text is none, and writes documents back. What a document decides is the evaluator's matter.
//!
//! Start reading at [`document`] (what a policy is), then [`parse()`], then the grammar behind it.

pub mod document;
mod error;
mod grammar;
mod json;
mod kind;
pub mod operator;
mod parse;
mod path;
pub mod principal;
mod span;
pub mod template;

pub use document::{
    ActionElement, Condition, ConditionValue, Document, Effect, Principal, PrincipalElement, PrincipalEntry,
    ResourceElement, Statement, Text, ValueType, Version,
};
pub use error::{ErrorKind, PolicyError};
pub use kind::PolicyKind;
pub use operator::{ConditionOperator, Family, Operator, Qualifier};
pub use parse::{Limits, parse, parse_all, parse_with};
pub use path::{Path, PathElement};
pub use principal::{PrincipalKind, PrincipalName};
pub use span::{Position, Span, Spanned};
pub use template::{Piece, Template, TemplateError};
