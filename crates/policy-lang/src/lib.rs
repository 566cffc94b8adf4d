#![doc = include_str!("../README.md")]
//!
//! # Reading the code
//!
//! The crate has no requests, I/O, clock or identities: it parses text into a [`Document`], reports errors with
//! locations, and prints documents. The evaluator decides requests. Start at [`document`], then [`parse()`], then
//! [`value`], the grammar of condition values.

mod arn_pattern;
pub mod catalogue;
mod context_keys;
pub mod document;
mod error;
mod format;
#[doc(hidden)]
pub mod fuzz;
mod glob;
mod grammar;
mod json;
mod kind;
mod lint;
mod names;
pub mod operator;
mod parse;
mod path;
pub mod principal;
mod print;
mod rewrite;
mod save;
mod size;
mod span;
mod suggest;
pub mod template;
pub mod value;

#[doc = include_str!("../VALIDATION.md")]
pub mod validation {}

pub use arn_pattern::complete_arn;
pub use catalogue::{Catalogue, CatalogueError};
pub use document::{
    ActionElement, Condition, ConditionValue, Document, Effect, Principal, PrincipalElement, PrincipalEntry,
    ResourceElement, Statement, Text, ValueType, Version,
};
pub use error::{ErrorKind, PolicyError};
pub use format::format;
pub use kind::PolicyKind;
pub use lint::{
    ALL_CODES, Finding, FindingType, IssueCode, Location, Target, TextPart, Validation, errors_to_findings,
    findings_to_json, findings_to_painted_text, findings_to_sarif, findings_to_text, kind_of_policy_type, validate,
    validate_within,
};
pub use names::UnknownNameError;
pub use operator::{ConditionOperator, Family, Operator, Qualifier};
pub use parse::{Limits, parse, parse_all, parse_with};
pub use path::{Path, PathElement};
pub use principal::{PrincipalKind, PrincipalName};
pub use print::{to_json, to_pretty_json};
pub use rewrite::{rewrite_principals, try_rewrite_principals};
pub use save::{SaveRules, parse_strict};
pub use size::non_whitespace_len;
pub use span::{Position, Span, Spanned};
pub use suggest::nearest;
pub use template::{Piece, Template, TemplateError};
