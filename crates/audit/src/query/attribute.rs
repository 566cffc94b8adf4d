//! The attributes by which events are found, and their values in a line.

use std::borrow::Cow;

use serde::Deserialize;

use crate::record::UserIdentity;
use crate::{Record, json};

/// What a filter compares. Values are compared exactly, with case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Attribute {
    /// `eventID`, with or without its dashes.
    EventId = 1,
    /// `eventName`: the operation.
    EventName = 2,
    /// `eventSource`, such as `iam.amazonaws.com`.
    EventSource = 3,
    /// The name of the user, `root`, or the name of the session.
    Username = 4,
    /// `userIdentity.accessKeyId`.
    AccessKeyId = 5,
    /// The ARN of a resource, or its name without type and path.
    ResourceName = 6,
    /// The type of a resource, such as `AWS::IAM::User`.
    ResourceType = 7,
    /// `readOnly`: `true` or `false`.
    ReadOnly = 8,
    /// `errorCode`.
    ErrorCode = 9,
    /// The ARN of the caller, or of the role or user that the caller's session is of.
    PrincipalArn = 10,
    /// `sourceIPAddress`.
    SourceIpAddress = 11,
    /// `eventCategory`: `Management`, `Data` or `Decision`.
    EventCategory = 12,
}

impl Attribute {
    /// All attributes.
    pub const ALL: [Attribute; 12] = [
        Attribute::EventId,
        Attribute::EventName,
        Attribute::EventSource,
        Attribute::Username,
        Attribute::AccessKeyId,
        Attribute::ResourceName,
        Attribute::ResourceType,
        Attribute::ReadOnly,
        Attribute::ErrorCode,
        Attribute::PrincipalArn,
        Attribute::SourceIpAddress,
        Attribute::EventCategory,
    ];
}

/// The members of a line that look-up reads.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct EventLine<'a> {
    #[serde(borrow)]
    user_identity: Identity<'a>,
    #[serde(borrow)]
    event_time: Cow<'a, str>,
    #[serde(borrow)]
    event_source: Cow<'a, str>,
    #[serde(borrow)]
    event_name: Cow<'a, str>,
    #[serde(borrow, rename = "sourceIPAddress")]
    source_ip_address: Cow<'a, str>,
    #[serde(borrow)]
    error_code: Cow<'a, str>,
    #[serde(borrow, rename = "eventID")]
    event_id: Cow<'a, str>,
    read_only: bool,
    #[serde(borrow)]
    resources: Vec<Resource<'a>>,
    #[serde(borrow)]
    recipient_account_id: Cow<'a, str>,
    #[serde(borrow)]
    event_category: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    principal_id: Cow<'a, str>,
    #[serde(borrow)]
    arn: Cow<'a, str>,
    #[serde(borrow)]
    access_key_id: Cow<'a, str>,
    #[serde(borrow)]
    user_name: Cow<'a, str>,
    #[serde(borrow)]
    session_context: SessionContext<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SessionContext<'a> {
    #[serde(borrow)]
    session_issuer: Issuer<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Issuer<'a> {
    #[serde(borrow)]
    arn: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resource<'a> {
    #[serde(borrow, rename = "ARN")]
    arn: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

impl<'a> EventLine<'a> {
    /// Returns `None` for a line that is not a record.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// The same as [`Self::parse`] of the record's line, but for the time, which is [`Self::time_of`] it.
    pub(crate) fn of(record: &'a Record) -> Self {
        let identity = record.origin.user_identity.as_ref();
        let account = identity.filter(|identity| identity.kind != "AWSAccount").map(|identity| &*identity.account_id);
        let resource = Resource { arn: Cow::Borrowed(&record.resource), kind: Cow::default() };
        EventLine {
            user_identity: identity.map(Identity::of).unwrap_or_default(),
            event_time: Cow::default(),
            event_source: Cow::Borrowed(json::source(&record.event_source)),
            event_name: Cow::Borrowed(&record.event_name),
            source_ip_address: Cow::Borrowed(&record.origin.source_ip_address),
            error_code: Cow::Borrowed(&record.error_code),
            event_id: Cow::Borrowed(&record.event_id),
            read_only: record.read_only,
            resources: if record.resource.is_empty() { Vec::new() } else { vec![resource] },
            recipient_account_id: Cow::Borrowed(account.unwrap_or_default()),
            event_category: Cow::Borrowed(json::category(record.category)),
        }
    }

    /// The time of a record's line, in microseconds since 1970.
    pub(crate) fn time_of(record: &Record) -> Option<i64> {
        jiff::Timestamp::from_microsecond(record.event_time).ok().map(jiff::Timestamp::as_microsecond)
    }

    /// The time of the event, in microseconds since 1970.
    pub(crate) fn time(&self) -> Option<i64> {
        self.event_time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
    }

    /// The account whose event it is; empty if it has none.
    pub(crate) fn account(&self) -> &str {
        &self.recipient_account_id
    }

    pub(crate) fn has(&self, attribute: Attribute, value: &str) -> bool {
        let mut found = false;
        self.values(attribute, &mut |own| found |= own == value);
        found
    }

    /// The first value of an attribute; empty if there is none.
    pub(crate) fn first(&self, attribute: Attribute) -> String {
        let mut first = None;
        self.values(attribute, &mut |value| {
            first.get_or_insert_with(|| value.to_owned());
        });
        first.unwrap_or_default()
    }

    /// The ARNs of the resources.
    pub(crate) fn resource_arns(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(|resource| &*resource.arn).filter(|arn| !arn.is_empty())
    }

    /// Passes each value of an attribute to `each`.
    pub(crate) fn values(&self, attribute: Attribute, each: &mut dyn FnMut(&str)) {
        let mut filled = |value: &str| {
            if !value.is_empty() {
                each(value);
            }
        };
        match attribute {
            Attribute::EventId => filled(&self.event_id),
            Attribute::EventName => filled(&self.event_name),
            Attribute::EventSource => filled(&self.event_source),
            Attribute::Username => filled(self.user_identity.name()),
            Attribute::AccessKeyId => filled(&self.user_identity.access_key_id),
            Attribute::ResourceName => {
                for resource in &self.resources {
                    filled(&resource.arn);
                    if let Some(name) = resource_name(&resource.arn) {
                        filled(name);
                    }
                }
            }
            Attribute::ResourceType => {
                for resource in &self.resources {
                    match &*resource.kind {
                        "" => filled(resource_type(&resource.arn).unwrap_or_default()),
                        given => filled(given),
                    }
                }
            }
            Attribute::ReadOnly => filled(if self.read_only { "true" } else { "false" }),
            Attribute::ErrorCode => filled(&self.error_code),
            Attribute::PrincipalArn => {
                let issuer = &self.user_identity.session_context.session_issuer.arn;
                filled(&self.user_identity.arn);
                if *issuer != self.user_identity.arn {
                    filled(issuer);
                }
            }
            Attribute::SourceIpAddress => filled(&self.source_ip_address),
            Attribute::EventCategory => filled(&self.event_category),
        }
    }
}

impl<'a> Identity<'a> {
    fn of(identity: &'a UserIdentity) -> Self {
        let issuer = if identity.session_creation == 0 { "" } else { &identity.session_issuer_arn };
        Identity {
            kind: Cow::Borrowed(&identity.kind),
            principal_id: Cow::Borrowed(&identity.principal_id),
            arn: Cow::Borrowed(&identity.arn),
            access_key_id: Cow::Borrowed(&identity.access_key_id),
            user_name: Cow::Borrowed(if json::names_user(&identity.kind) { &identity.user_name } else { "" }),
            session_context: SessionContext { session_issuer: Issuer { arn: Cow::Borrowed(issuer) } },
        }
    }

    /// The name of the caller, as CloudTrail has it: that of a role's session, not of the role.
    fn name(&self) -> &str {
        match &*self.kind {
            "Root" => "root",
            "AssumedRole" | "FederatedUser" => self.principal_id.split_once(':').map_or("", |(_, name)| name),
            _ => &self.user_name,
        }
    }
}

/// The name in an ARN without type and path; none for an ARN without a type.
pub(crate) fn resource_name(arn: &str) -> Option<&str> {
    arn.splitn(6, ':').nth(5)?.rsplit_once('/').map(|(_, name)| name)
}

/// CloudTrail's name for the type of a resource.
pub(crate) fn resource_type(arn: &str) -> Option<&'static str> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, kind) = (parts.next()?, parts.nth(2)?.split('/').next()?);
    Some(match (service, kind) {
        ("cloudtrail", "trail") => "AWS::CloudTrail::Trail",
        ("iam", "user") => "AWS::IAM::User",
        ("iam", "role") => "AWS::IAM::Role",
        ("iam", "group") => "AWS::IAM::Group",
        ("iam", "policy") => "AWS::IAM::Policy",
        ("iam", "instance-profile") => "AWS::IAM::InstanceProfile",
        ("iam", "mfa" | "sms-mfa" | "u2f") => "AWS::IAM::MFADevice",
        ("iam", "oidc-provider") => "AWS::IAM::OIDCProvider",
        ("iam", "saml-provider") => "AWS::IAM::SAMLProvider",
        ("iam", "server-certificate") => "AWS::IAM::ServerCertificate",
        ("sts", "assumed-role") => "AWS::STS::AssumedRole",
        ("sts", "federated-user") => "AWS::STS::FederatedUser",
        _ => return None,
    })
}
