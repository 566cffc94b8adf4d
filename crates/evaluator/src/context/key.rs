//! Context keys of compiled policies.

use std::fmt;

use crate::fold;

/// A context key of a policy. Keys are compared without case, including tag keys.
#[derive(Clone)]
pub struct ContextKey {
    lower: Box<str>,
    /// The original spelling, if it is not in lower case.
    written: Option<Box<str>>,
    /// Whether the key is ASCII, and so equals ASCII text only.
    ascii: bool,
    global: Option<GlobalKey>,
}

impl PartialEq for ContextKey {
    fn eq(&self, other: &Self) -> bool {
        self.lower == other.lower
    }
}

impl Eq for ContextKey {}

impl std::hash::Hash for ContextKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.lower.hash(state);
    }
}

impl ContextKey {
    /// Creates a key from a name in any case.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let lower: Box<str> = fold::lower(name).into();
        let global = GlobalKey::parse_lower(&lower);
        let written = (*lower != *name).then(|| name.into());
        let ascii = lower.is_ascii();
        Self { lower, written, ascii, global }
    }

    /// The key as it was written.
    #[must_use]
    pub fn as_written(&self) -> &str {
        self.written.as_deref().unwrap_or(&self.lower)
    }

    /// The key in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.lower
    }

    /// The global key that this is, so that a source can use `match`.
    #[must_use]
    pub fn global(&self) -> Option<GlobalKey> {
        self.global
    }

    /// The tag key (in lower case) of a key such as `aws:PrincipalTag/team`.
    ///
    /// For such keys, [`Self::global`] returns the part before the slash.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.lower.split_once('/').map(|(_, tag)| tag)
    }

    /// Whether `name` is this key, in whatever case.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        fold::eq_key(&self.lower, self.ascii, name)
    }

    /// The steps of a look-up. A key beyond ASCII is compared with each key character by character.
    pub(crate) fn weight(&self) -> u64 {
        if self.ascii { 1 } else { 64 * self.lower.len() as u64 }
    }

    /// Whether `tag` is the tag key of this key, in whatever case.
    #[must_use]
    pub fn tag_matches(&self, tag: &str) -> bool {
        self.tag().is_some_and(|own| fold::eq_key(own, self.ascii, tag))
    }
}

impl fmt::Debug for ContextKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lower)
    }
}

macro_rules! global_keys {
    ($($(#[$doc:meta])* $name:ident $lower:literal,)*) => {
        /// Keys that the system supplies. For tag keys, the part before the slash.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum GlobalKey {
            $(#[doc = concat!("`", $lower, "`, without regard to case.")] $name,)*
        }

        impl GlobalKey {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The key in lower case, with the slash where a tag key follows.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $lower,)*
                }
            }

            fn parse_lower(key: &str) -> Option<Self> {
                let head = match key.split_once('/') {
                    Some((head, _)) => &key[..=head.len()],
                    None => key,
                };
                match head {
                    $($lower => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

global_keys! {
    PrincipalArn "aws:principalarn",
    PrincipalAccount "aws:principalaccount",
    PrincipalType "aws:principaltype",
    PrincipalTag "aws:principaltag/",
    PrincipalIsAwsService "aws:principalisawsservice",
    PrincipalServiceName "aws:principalservicename",
    PrincipalServiceNamesList "aws:principalservicenameslist",
    PrincipalOrgId "aws:principalorgid",
    PrincipalOrgPaths "aws:principalorgpaths",
    UserId "aws:userid",
    UserName "aws:username",
    TokenIssueTime "aws:tokenissuetime",
    MultiFactorAuthPresent "aws:multifactorauthpresent",
    MultiFactorAuthAge "aws:multifactorauthage",
    SourceIdentity "aws:sourceidentity",
    FederatedProvider "aws:federatedprovider",
    AssumedRoot "aws:assumedroot",
    SourceIp "aws:sourceip",
    VpcSourceIp "aws:vpcsourceip",
    SecureTransport "aws:securetransport",
    UserAgent "aws:useragent",
    Referer "aws:referer",
    CurrentTime "aws:currenttime",
    EpochTime "aws:epochtime",
    RequestedRegion "aws:requestedregion",
    CalledVia "aws:calledvia",
    CalledViaFirst "aws:calledviafirst",
    CalledViaLast "aws:calledvialast",
    ViaAwsService "aws:viaawsservice",
    RequestTag "aws:requesttag/",
    TagKeys "aws:tagkeys",
    ResourceAccount "aws:resourceaccount",
    ResourceOrgId "aws:resourceorgid",
    ResourceOrgPaths "aws:resourceorgpaths",
    ResourceTag "aws:resourcetag/",
    SourceArn "aws:sourcearn",
    SourceAccount "aws:sourceaccount",
    SourceOrgId "aws:sourceorgid",
    SourceOrgPaths "aws:sourceorgpaths",
    SourceVpc "aws:sourcevpc",
    SourceVpce "aws:sourcevpce",
    StsExternalId "sts:externalid",
    StsRoleSessionName "sts:rolesessionname",
    StsSourceIdentity "sts:sourceidentity",
    StsTransitiveTagKeys "sts:transitivetagkeys",
    StsDurationSeconds "sts:durationseconds",
    IamPermissionsBoundary "iam:permissionsboundary",
    IamPolicyArn "iam:policyarn",
    IamPassedToService "iam:passedtoservice",
    IamAssociatedResourceArn "iam:associatedresourcearn",
    IamResourceTag "iam:resourcetag/",
}
