//! Errors of policy documents, with locations.

use std::borrow::Cow;
use std::fmt;

use crate::arn_pattern::filled;
use crate::kind::PolicyKind;
use crate::path::Path;
use crate::span::Span;

/// The reason why a text is not a policy document of its kind: what was found, what was expected, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyError {
    /// The kind of error.
    pub kind: ErrorKind,
    /// The kind of policy that the document was parsed as.
    pub policy: PolicyKind,
    /// The location in the text.
    pub span: Span,
    /// The same as a path of keys and indexes.
    pub path: Path,
    /// What was found. The caller's text is in backticks.
    pub found: Cow<'static, str>,
    /// What was expected.
    pub expected: Cow<'static, str>,
    /// The known name that was probably meant, if the text looks like a misspelling of it.
    pub meant: Option<Box<str>>,
}

/// The kinds of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not JSON.
    Json,
    /// A key is repeated in one object.
    DuplicateKey,
    /// The text is longer than the limit.
    TooLong,
    /// Objects and arrays are nested too deeply.
    TooDeep,
    /// A character that policies of this kind cannot hold.
    Character,
    /// An element has another JSON type than it must have.
    DataType,
    /// An element that the language does not know.
    UnknownElement,
    /// `Version` is none of the two.
    Version,
    /// `Version` is older than this place takes.
    OldVersion,
    /// `Statement` is missing or empty.
    MissingStatement,
    /// `Effect` is missing.
    MissingEffect,
    /// `Effect` is neither `Allow` nor `Deny`, or one that this kind of policy does not take.
    Effect,
    /// Neither `Action` nor `NotAction`.
    MissingAction,
    /// Neither `Resource` nor `NotResource`.
    MissingResource,
    /// Neither `Principal` nor `NotPrincipal`.
    MissingPrincipal,
    /// An element together with its `Not…` form.
    BothForms,
    /// An empty list of actions.
    EmptyAction,
    /// An empty list of resources.
    EmptyResource,
    /// An empty map or list of principals.
    EmptyPrincipal,
    /// A principal in a policy that has none.
    ForbiddenPrincipal,
    /// `NotPrincipal` where only `Principal` may stand.
    ForbiddenNotPrincipal,
    /// `NotPrincipal` with `Allow`.
    AllowNotPrincipal,
    /// A resource in a policy that has none.
    ForbiddenResource,
    /// `NotAction` in a policy that has none.
    ForbiddenNotAction,
    /// A `Sid` with other characters than letters and digits, where only those may stand.
    Sid,
    /// A `Sid` that an earlier statement has.
    DuplicateSid,
    /// An action without service prefix.
    ActionPrefix,
    /// An action with more than one colon.
    ActionColons,
    /// An action with characters that no action has.
    ActionCharacter,
    /// A service prefix with characters that none has, or with wildcards.
    ActionVendor,
    /// An action that this kind of policy cannot govern.
    ForbiddenAction,
    /// A resource that is neither an ARN nor `*`.
    ResourceFormat,
    /// A resource of another partition.
    ResourcePartition,
    /// A resource whose service is missing or has wildcards.
    ResourceVendor,
    /// A resource with too few parts.
    ResourceParts,
    /// A resource with a region whose service has none.
    ResourceRegion,
    /// A resource of IAM of no type that IAM has.
    ResourcePath,
    /// A principal element that is neither `*` nor a map.
    PrincipalFormat,
    /// A kind of principal that the language does not know.
    PrincipalKey,
    /// A principal that is not valid for its kind.
    PrincipalValue,
    /// A principal with a wildcard as a part of it.
    PrincipalWildcard,
    /// `*` as the whole principal of a trust policy.
    BarePrincipal,
    /// An unknown condition operator.
    Operator,
    /// `IfExists` after `Null`.
    NullIfExists,
    /// An empty condition key, or one without service prefix.
    ConditionKey,
    /// A condition value that its operator cannot parse.
    ConditionValue,
    /// A policy variable without closing brace.
    VariableBrace,
    /// A default value without both quotes.
    VariableQuote,
    /// `${}`.
    VariableEmpty,
    /// A space within a variable's name.
    VariableSpace,
    /// A character that no variable's name has.
    VariableCharacter,
}

impl PolicyError {
    /// Returns AWS's message for such a document, verbatim where it is known.
    #[must_use]
    pub fn aws_message(&self) -> Cow<'static, str> {
        use ErrorKind as Kind;
        let text = match self.kind {
            Kind::Json | Kind::DuplicateKey | Kind::TooDeep if self.policy == PolicyKind::Trust => {
                "This policy contains invalid Json"
            }
            Kind::Json | Kind::DuplicateKey | Kind::TooDeep if self.policy == PolicyKind::Session => {
                "The policy is not in the valid JSON format."
            }
            Kind::OldVersion => "Policy document must be version 2012-10-17 or greater.",
            Kind::Effect if is_effect_but_for_case(&self.found) => "The policy failed legacy parsing",
            Kind::ConditionValue
            | Kind::ResourceParts
            | Kind::VariableBrace
            | Kind::VariableQuote
            | Kind::VariableEmpty
            | Kind::VariableSpace
            | Kind::VariableCharacter => "The policy failed legacy parsing",
            Kind::MissingAction | Kind::EmptyAction => "Policy statement must contain actions.",
            Kind::MissingResource | Kind::EmptyResource => "Policy statement must contain resources.",
            Kind::MissingPrincipal if self.policy == PolicyKind::Trust => "Missing required field Principal",
            Kind::ForbiddenPrincipal => "Policy document should not specify a principal.",
            Kind::ForbiddenNotPrincipal => "Has prohibited field NotPrincipal",
            Kind::ForbiddenResource => "Has prohibited field Resource",
            Kind::ForbiddenAction if self.policy == PolicyKind::Trust => {
                "AssumeRole policy may only specify STS AssumeRole actions."
            }
            Kind::Sid => {
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression \
                 [0-9A-Za-z]*"
            }
            Kind::DuplicateSid => "Statement IDs (SID) in a single policy must be unique.",
            Kind::ActionPrefix | Kind::ConditionKey => {
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
            }
            Kind::ActionColons => "Actions/Condition can contain only one colon.",
            Kind::ActionVendor if self.caller_text().contains(['*', '?']) => {
                "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards."
            }
            Kind::ActionVendor => return format!("Vendor {} is not valid", self.caller_text()).into(),
            Kind::ResourceFormat => {
                return format!("Resource {} must be in ARN format or \"*\".", self.caller_text()).into();
            }
            Kind::ResourcePartition => {
                let partition = self.caller_text().split(':').nth(1).unwrap_or("");
                let arn = self.complete_arn();
                return format!("Partition \"{partition}\" is not valid for resource \"{arn}\".").into();
            }
            Kind::ResourceVendor => "Resource vendor must be fully qualified and cannot contain regexes.",
            Kind::ResourceRegion if self.caller_text().split(':').nth(2) == Some("iam") => {
                return format!("IAM resource {} cannot contain region information.", self.caller_text()).into();
            }
            Kind::ResourceRegion => {
                return format!("Resource {} can not contain region information.", self.caller_text()).into();
            }
            Kind::ResourcePath => {
                return format!("IAM resource path must either be \"*\", root, or start with {}.", self.list()).into();
            }
            Kind::PrincipalKey | Kind::PrincipalValue | Kind::PrincipalWildcard => {
                return format!("Invalid principal in policy: {}", self.principal()).into();
            }
            Kind::BarePrincipal => "AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\".",
            _ => "Syntax errors in policy.",
        };
        Cow::Borrowed(text)
    }

    /// `found`, `expected` and what was probably meant, as one clause.
    #[must_use]
    pub fn difference(&self) -> String {
        let Self { found, expected, .. } = self;
        // `found` may have more than a name.
        let name = found.split('`').nth(1).unwrap_or_default();
        format!("found {found}, expected {expected}{}", did_you_mean(self.meant.as_deref(), name))
    }

    /// The caller's text within `found`.
    fn caller_text(&self) -> &str {
        let (first, last) = (self.found.find('`'), self.found.rfind('`'));
        first.zip(last).and_then(|(first, last)| self.found.get(first + 1..last)).unwrap_or("")
    }

    /// The caller's text as AWS quotes a resource of an unknown partition: six parts, of which the first is `arn`.
    fn complete_arn(&self) -> String {
        let rest = self.caller_text().split_once(':').map_or("", |(_, rest)| rest).trim_end_matches(':');
        filled(&format!("arn:{rest}"))
    }

    /// What was expected, without backticks.
    fn list(&self) -> String {
        self.expected.replace('`', "")
    }

    /// A principal as AWS quotes it: `"AWS":"text"`.
    fn principal(&self) -> String {
        let kind = self.path.innermost_key().unwrap_or("AWS");
        format!("\"{kind}\":\"{}\"", self.caller_text())
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.span.start)?;
        if !self.path.is_empty() {
            write!(f, "in {}: ", self.path)?;
        }
        write!(f, "{}, {}", self.kind, self.difference())
    }
}

impl std::error::Error for PolicyError {}

/// Whether a quoted text is `Allow` or `Deny` in another case.
fn is_effect_but_for_case(found: &str) -> bool {
    ["`allow`", "`deny`"].iter().any(|effect| effect.eq_ignore_ascii_case(found))
}

/// The end of a message about an unknown name: the one that was probably meant, if there is one.
pub(crate) fn did_you_mean(meant: Option<&str>, found: &str) -> String {
    match meant {
        None => String::new(),
        Some(meant) if meant.eq_ignore_ascii_case(found) => format!("; did you mean `{meant}` (case counts)?"),
        Some(meant) => format!("; did you mean `{meant}`?"),
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "not JSON",
            Self::DuplicateKey => "duplicate key",
            Self::TooLong => "document too long",
            Self::TooDeep => "document nested too deeply",
            Self::Character => "character that a policy cannot hold",
            Self::DataType => "wrong data type",
            Self::UnknownElement => "unknown element",
            Self::Version => "unknown version",
            Self::OldVersion => "version too old",
            Self::MissingStatement => "no statement",
            Self::MissingEffect => "statement without effect",
            Self::Effect => "invalid effect",
            Self::MissingAction => "statement without action",
            Self::MissingResource => "statement without resource",
            Self::MissingPrincipal => "statement without principal",
            Self::BothForms => "element together with its `Not` form",
            Self::EmptyAction => "empty list of actions",
            Self::EmptyResource => "empty list of resources",
            Self::EmptyPrincipal => "empty principal",
            Self::ForbiddenPrincipal => "principal in a policy that takes none",
            Self::ForbiddenNotPrincipal => "`NotPrincipal` in a policy that does not take it",
            Self::AllowNotPrincipal => "`NotPrincipal` with `Allow`",
            Self::ForbiddenResource => "resource in a policy that takes none",
            Self::ForbiddenNotAction => "`NotAction` in a policy that does not take it",
            Self::Sid => "statement id with unsupported characters",
            Self::DuplicateSid => "statement id used more than once",
            Self::ActionPrefix => "action without service prefix",
            Self::ActionColons => "action with more than one colon",
            Self::ActionCharacter => "action with unsupported characters",
            Self::ActionVendor => "invalid service prefix",
            Self::ForbiddenAction => "action that this policy cannot govern",
            Self::ResourceFormat => "resource that is not an ARN",
            Self::ResourcePartition => "resource of another partition",
            Self::ResourceVendor => "resource without a service",
            Self::ResourceParts => "resource with too few parts",
            Self::ResourceRegion => "resource with a region that it cannot have",
            Self::ResourcePath => "resource of a type that IAM does not have",
            Self::PrincipalFormat => "malformed principal",
            Self::PrincipalKey => "unknown kind of principal",
            Self::PrincipalValue => "invalid principal",
            Self::PrincipalWildcard => "wildcard within a principal",
            Self::BarePrincipal => "`*` as the principal of a trust policy",
            Self::Operator => "unknown condition operator",
            Self::NullIfExists => "`IfExists` behind `Null`",
            Self::ConditionKey => "malformed condition key",
            Self::ConditionValue => "condition value that its operator cannot read",
            Self::VariableBrace => "policy variable without closing brace",
            Self::VariableQuote => "default value without both single quotes",
            Self::VariableEmpty => "policy variable without a name",
            Self::VariableSpace => "policy variable with a space in its name",
            Self::VariableCharacter => "policy variable with an unsupported character",
        })
    }
}

/// An error before its path is known.
#[derive(Clone, Debug)]
pub(crate) struct UnlocatedError {
    pub(crate) kind: ErrorKind,
    pub(crate) span: Span,
    pub(crate) found: Cow<'static, str>,
    pub(crate) expected: Cow<'static, str>,
    pub(crate) meant: Option<Box<str>>,
}

impl UnlocatedError {
    /// When AWS makes this check of an identity-based policy: it makes one check of the whole document after the other,
    /// and reports the first that fails.
    pub(crate) fn aws_pass(&self) -> u8 {
        use ErrorKind as Kind;
        match self.kind {
            Kind::OldVersion => 1,
            Kind::Effect if is_effect_but_for_case(&self.found) => 2,
            Kind::ConditionValue
            | Kind::ResourceParts
            | Kind::VariableBrace
            | Kind::VariableQuote
            | Kind::VariableEmpty
            | Kind::VariableSpace
            | Kind::VariableCharacter => 2,
            Kind::Sid | Kind::DuplicateSid => 3,
            Kind::ForbiddenPrincipal | Kind::ForbiddenNotPrincipal => 4,
            Kind::MissingAction | Kind::EmptyAction => 5,
            Kind::MissingResource | Kind::EmptyResource => 6,
            Kind::ResourceFormat
            | Kind::ResourcePartition
            | Kind::ResourceVendor
            | Kind::ResourceRegion
            | Kind::ResourcePath => 7,
            Kind::ActionPrefix
            | Kind::ActionColons
            | Kind::ActionCharacter
            | Kind::ActionVendor
            | Kind::ForbiddenAction
            | Kind::ConditionKey => 8,
            // The syntax.
            _ => 0,
        }
    }

    pub(crate) fn new(
        kind: ErrorKind,
        span: Span,
        found: impl Into<Cow<'static, str>>,
        expected: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { kind, span, found: found.into(), expected: expected.into(), meant: None }
    }

    /// The same, with the name that was probably meant.
    pub(crate) fn meaning(self, meant: Option<impl Into<Box<str>>>) -> Self {
        Self { meant: meant.map(Into::into), ..self }
    }

    pub(crate) fn at(self, path: Path, policy: PolicyKind) -> PolicyError {
        let Self { kind, span, found, expected, meant } = self;
        PolicyError { kind, policy, span, path, found, expected, meant }
    }
}
