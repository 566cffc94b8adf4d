//! The parsed policy document.
//!
//! A document has the text as written and in the original order: nothing is normalized, merged or compiled. All text is
//! owned, so a document outlives its source.

use crate::glob;
use crate::operator::Operator;
use crate::principal::PrincipalKind;
use crate::span::{Position, Span, Spanned};

/// A string of the document with its span, including the quotes.
pub type Text = Spanned<Box<str>>;

/// A policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The version: the value of `Version`, or 2008-10-17 without one.
    pub version: Version,
    /// Where the version was written; `None` when it was not given.
    pub version_span: Option<Span>,
    /// The document's `Id`.
    pub id: Option<Text>,
    /// The statements, in order; never empty in a document that was parsed.
    pub statements: Vec<Statement>,
    /// Whether `Statement` was one object rather than an array.
    pub single_statement: bool,
    /// The whole object.
    pub span: Span,
}

/// The two versions of the language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// `2008-10-17`, which is also what no `Version` means. Knows no policy variables.
    #[default]
    V2008,
    /// `2012-10-17`.
    V2012,
}

impl Version {
    /// The text in a document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2008 => "2008-10-17",
            Self::V2012 => "2012-10-17",
        }
    }

    /// Whether `${…}` is a variable rather than plain text.
    #[must_use]
    pub fn has_variables(self) -> bool {
        self == Self::V2012
    }
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The statement's `Sid`.
    pub sid: Option<Text>,
    /// `Effect`.
    pub effect: Effect,
    /// Where the effect was written.
    pub effect_span: Span,
    /// `Principal` or `NotPrincipal`; `None` where the kind of policy has none.
    pub principal: Option<PrincipalElement>,
    /// `Action` or `NotAction`.
    pub action: ActionElement,
    /// `Resource` or `NotResource`; `None` in a trust policy.
    pub resource: Option<ResourceElement>,
    /// One entry for each operator and key, in order; all must hold.
    pub conditions: Vec<Condition>,
    /// The statement's object.
    pub span: Span,
    /// Where the statement starts according to AWS's policy simulator: directly after the bracket or comma before it, so
    /// usually on an earlier line than its object; of a `Statement` that is not in an array, after its own brace.
    pub simulator_start: Position,
}

impl Statement {
    /// Whether the statement makes its holder an administrator: it allows every action, among others perhaps, on every
    /// resource, without a condition.
    #[must_use]
    pub fn allows_everything(&self) -> bool {
        let is_all = |text: &Text| text.value.bytes().all(|byte| byte == b'*') || &*text.value == "*:*";
        self.effect == Effect::Allow
            && !self.action.negated
            && self.action.patterns.iter().any(is_all)
            && self.resource.as_ref().is_some_and(|resource| !resource.negated && resource.patterns.iter().any(is_all))
            && self.conditions.is_empty()
    }

    /// Whether the statement allows every action on every resource without a condition, as AWS's default control
    /// policies do.
    pub(crate) fn is_full_access(&self) -> bool {
        let all = |patterns: &[Text]| matches!(patterns, [only] if &*only.value == "*");
        let resource = self.resource.as_ref();
        self.effect == Effect::Allow
            && !self.action.negated
            && all(&self.action.patterns)
            && resource.is_some_and(|resource| !resource.negated && all(&resource.patterns))
            && self.conditions.is_empty()
    }
}

/// What a statement does when it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// `Allow`.
    Allow,
    /// `Deny`.
    Deny,
}

impl Effect {
    /// The text in a document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalElement {
    /// Whether it is `NotPrincipal`.
    pub negated: bool,
    /// The principals.
    pub principal: Principal,
    /// The element's value.
    pub span: Span,
}

/// The value of a `Principal` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// `"*"`. (`{"AWS": "*"}` means the same and stays a map here.)
    Everyone,
    /// `{"AWS": …, "Service": …}`, in order; each kind at most once.
    Map(Vec<PrincipalEntry>),
}

/// One kind of principal with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalEntry {
    /// The kind.
    pub kind: PrincipalKind,
    /// Where the kind was written.
    pub kind_span: Span,
    /// The values as written: see [`crate::PrincipalName`] for what they say.
    pub values: Vec<Text>,
    /// Whether the values were written as an array.
    pub array: bool,
}

/// `Action` or `NotAction`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionElement {
    /// Whether it is `NotAction`.
    pub negated: bool,
    /// The patterns: `*` or `service:Name` with wildcards in the name, in the case in which they were written.
    pub patterns: Vec<Text>,
    /// Whether the patterns were written as an array.
    pub array: bool,
    /// The element's value.
    pub span: Span,
}

impl ActionElement {
    /// Whether the element covers an action, such as `iam:GetUser`. Case does not count.
    #[must_use]
    pub fn covers(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        self.patterns.iter().any(|pattern| glob::matches(&pattern.value.to_ascii_lowercase(), &action)) != self.negated
    }
}

/// `Resource` or `NotResource`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceElement {
    /// Whether it is `NotResource`.
    pub negated: bool,
    /// The patterns: `*` or ARNs with wildcards and, under 2012-10-17, variables (see [`crate::Template`]).
    pub patterns: Vec<Text>,
    /// Whether the patterns were written as an array.
    pub array: bool,
    /// The element's value.
    pub span: Span,
}

/// One operator with one key and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The operator with set operator and `IfExists`.
    pub operator: Operator,
    /// Where the operator was written: equal for all keys of one block.
    pub operator_span: Span,
    /// The condition key as written; compared without case.
    pub key: Text,
    /// The values as text.
    pub values: Vec<ConditionValue>,
    /// Whether the values were written as an array.
    pub array: bool,
    /// The value or array of values.
    pub span: Span,
}

/// A value of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionValue {
    /// Its text: of a number and a boolean, as it was written.
    pub text: Box<str>,
    /// Its JSON type.
    pub value_type: ValueType,
    /// The location.
    pub span: Span,
}

/// The JSON types that a condition value may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// `"text"`.
    String,
    /// `12`.
    Number,
    /// `true`.
    Bool,
}
