//! The table of error codes, and the error type that carries a code.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::Arn;
use crate::mask::masked;

/// The result of operations and of parsing records.
pub type Result<T, E = IamError> = std::result::Result<T, E>;

/// The side that caused an error: the caller or the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The caller. The same request will fail again.
    Sender,
    /// The service. The same request may succeed later.
    Receiver,
}

/// The category of an error, for protocols with fewer codes than AWS. The names are those of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "gRPC's own words, which its documentation explains")]
pub enum ErrorKind {
    InvalidArgument,
    Unauthenticated,
    PermissionDenied,
    NotFound,
    AlreadyExists,
    FailedPrecondition,
    Aborted,
    ResourceExhausted,
    Unimplemented,
    Unavailable,
    Internal,
}

macro_rules! codes {
    ($($name:ident $wire:literal $status:literal $kind:ident;)*) => {
        /// Every error code of a response. A row has the code's name on the wire, its HTTP status and its kind, from
        /// AWS's service models and API reference.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "AWS's own codes, spelled as on the wire")]
        #[non_exhaustive]
        pub enum ErrorCode { $($name,)* }

        impl ErrorCode {
            /// Every row of the table.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$name,)*];

            /// The code on the wire.
            pub const fn wire(self) -> &'static str {
                match self { $(ErrorCode::$name => $wire,)* }
            }

            /// The status of the HTTP answer.
            pub const fn http_status(self) -> u16 {
                match self { $(ErrorCode::$name => $status,)* }
            }

            /// The category.
            pub const fn kind(self) -> ErrorKind {
                match self { $(ErrorCode::$name => ErrorKind::$kind,)* }
            }
        }
    };
}

codes! {
    // What the request is.
    ValidationError "ValidationError" 400 InvalidArgument;
    InvalidInput "InvalidInput" 400 InvalidArgument;
    MissingParameter "MissingParameter" 400 InvalidArgument;
    InvalidParameterCombination "InvalidParameterCombination" 400 InvalidArgument;
    InvalidParameterValue "InvalidParameterValue" 400 InvalidArgument;
    InvalidQueryParameter "InvalidQueryParameter" 400 InvalidArgument;
    MalformedQueryString "MalformedQueryString" 404 InvalidArgument;
    MalformedInput "MalformedInput" 400 InvalidArgument;
    RequestEntityTooLarge "RequestEntityTooLarge" 413 InvalidArgument;
    MalformedPolicyDocument "MalformedPolicyDocument" 400 InvalidArgument;
    MalformedCertificate "MalformedCertificate" 400 InvalidArgument;
    InvalidCertificate "InvalidCertificate" 400 InvalidArgument;
    InvalidPublicKey "InvalidPublicKey" 400 InvalidArgument;
    InvalidUserType "InvalidUserType" 400 InvalidArgument;
    KeyPairMismatch "KeyPairMismatch" 400 InvalidArgument;
    UnrecognizedPublicKeyEncoding "UnrecognizedPublicKeyEncoding" 400 InvalidArgument;
    InvalidIdentityToken "InvalidIdentityToken" 400 InvalidArgument;
    InvalidAuthorizationMessage "InvalidAuthorizationMessageException" 400 InvalidArgument;
    ExpiredTradeInToken "ExpiredTradeInTokenException" 400 InvalidArgument;
    PackedPolicyTooLarge "PackedPolicyTooLarge" 400 InvalidArgument;
    InvalidContextAssertion "InvalidContextAssertion" 400 InvalidArgument;
    JwtPayloadSizeExceeded "JWTPayloadSizeExceededException" 400 InvalidArgument;
    CloudTrailArnInvalid "CloudTrailARNInvalidException" 400 InvalidArgument;
    InvalidEventCategory "InvalidEventCategoryException" 400 InvalidArgument;
    InvalidLookupAttributes "InvalidLookupAttributesException" 400 InvalidArgument;
    InvalidMaxResults "InvalidMaxResultsException" 400 InvalidArgument;
    InvalidNextToken "InvalidNextTokenException" 400 InvalidArgument;
    InvalidTimeRange "InvalidTimeRangeException" 400 InvalidArgument;
    InvalidTrailName "InvalidTrailNameException" 400 InvalidArgument;
    // What is asked for.
    InvalidAction "InvalidAction" 400 Unimplemented;
    NoSuchVersion "NoSuchVersion" 400 InvalidArgument;
    MissingAction "MissingAction" 400 InvalidArgument;
    MethodNotAllowed "MethodNotAllowed" 405 InvalidArgument;
    NotImplemented "NotImplemented" 501 Unimplemented;
    UnsupportedOperation "UnsupportedOperationException" 400 Unimplemented;
    OptInRequired "OptInRequired" 403 PermissionDenied;
    // The caller.
    MissingAuthenticationToken "MissingAuthenticationToken" 403 Unauthenticated;
    InvalidClientTokenId "InvalidClientTokenId" 403 Unauthenticated;
    SignatureDoesNotMatch "SignatureDoesNotMatch" 403 Unauthenticated;
    IncompleteSignature "IncompleteSignature" 400 Unauthenticated;
    RequestExpired "RequestExpired" 400 Unauthenticated;
    ExpiredToken "ExpiredToken" 403 Unauthenticated;
    InvalidSubjectCredentials "InvalidSubjectCredentials" 400 Unauthenticated;
    ExpiredTokenException "ExpiredTokenException" 400 Unauthenticated;
    InvalidAuthenticationCode "InvalidAuthenticationCode" 403 Unauthenticated;
    // Authorization.
    AccessDenied "AccessDenied" 403 PermissionDenied;
    IdpRejectedClaim "IDPRejectedClaim" 403 PermissionDenied;
    RegionDisabled "RegionDisabledException" 403 PermissionDenied;
    SessionDurationEscalation "SessionDurationEscalationException" 403 PermissionDenied;
    OutboundWebIdentityFederationDisabled "OutboundWebIdentityFederationDisabledException" 403 PermissionDenied;
    // What is there.
    NoSuchEntity "NoSuchEntity" 404 NotFound;
    ResourceNotFound "ResourceNotFoundException" 404 NotFound;
    ReportNotPresent "ReportNotPresent" 410 NotFound;
    ReportExpired "ReportExpired" 410 NotFound;
    TrailNotFound "TrailNotFoundException" 400 NotFound;
    EntityAlreadyExists "EntityAlreadyExists" 409 AlreadyExists;
    NameConflict "NameConflict" 409 AlreadyExists;
    DuplicateCertificate "DuplicateCertificate" 409 AlreadyExists;
    DuplicateSshPublicKey "DuplicateSSHPublicKey" 400 AlreadyExists;
    // Whether it can be done now.
    DeleteConflict "DeleteConflict" 409 FailedPrecondition;
    UnmodifiableEntity "UnmodifiableEntity" 400 FailedPrecondition;
    EntityTemporarilyUnmodifiable "EntityTemporarilyUnmodifiable" 409 FailedPrecondition;
    RoleModified "RoleModified" 409 FailedPrecondition;
    RoleTemplateDisabled "RoleTemplateDisabled" 400 FailedPrecondition;
    InsufficientSessionLifetime "InsufficientSessionLifetime" 400 FailedPrecondition;
    PolicyNotAttachable "PolicyNotAttachable" 400 FailedPrecondition;
    PasswordPolicyViolation "PasswordPolicyViolation" 400 FailedPrecondition;
    ServiceNotSupported "NotSupportedService" 404 FailedPrecondition;
    FeatureDisabled "FeatureDisabled" 404 FailedPrecondition;
    FeatureEnabled "FeatureEnabled" 409 FailedPrecondition;
    ReportInProgress "ReportInProgress" 404 FailedPrecondition;
    AccountNotManagementOrDelegatedAdministrator "AccountNotManagementOrDelegatedAdministratorException" 400 FailedPrecondition;
    CallerIsNotManagementAccount "CallerIsNotManagementAccountException" 400 FailedPrecondition;
    NoManagementAccountSlrExists "NoManagementAccountSLRExistsException" 400 FailedPrecondition;
    OperationNotPermitted "OperationNotPermittedException" 400 FailedPrecondition;
    OrganizationNotFound "OrganizationNotFoundException" 400 FailedPrecondition;
    OrganizationNotInAllFeaturesMode "OrganizationNotInAllFeaturesModeException" 400 FailedPrecondition;
    ServiceAccessNotEnabled "ServiceAccessNotEnabledException" 400 FailedPrecondition;
    ConcurrentModification "ConcurrentModification" 409 Aborted;
    LimitExceeded "LimitExceeded" 409 ResourceExhausted;
    ReportGenerationLimitExceeded "ReportGenerationLimitExceeded" 409 ResourceExhausted;
    Throttling "Throttling" 400 ResourceExhausted;
    // Whether we can.
    IdpCommunicationError "IDPCommunicationError" 400 Unavailable;
    OpenIdIdpCommunicationError "OpenIdIdpCommunicationError" 400 Unavailable;
    ServiceUnavailable "ServiceUnavailable" 503 Unavailable;
    ServiceFailure "ServiceFailure" 500 Internal;
    InternalFailure "InternalFailure" 500 Internal;
    PolicyEvaluation "PolicyEvaluation" 500 Internal;
}

impl ErrorCode {
    /// The side that caused the error: the service for a status of 500 or above.
    pub const fn fault(self) -> Fault {
        if self.http_status() >= 500 { Fault::Receiver } else { Fault::Sender }
    }

    /// Returns the code of this wire name.
    pub fn from_wire(wire: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|c| c.wire() == wire)
    }
}

/// An error with a code and a message for the caller, and a separate cause for the log.
///
/// Messages that clients parse are AWS's. Our own are in lower case, without a full stop, with the caller's text in
/// backticks. The constructors mask everything that looks like a secret.
pub struct IamError(Box<Inner>);

struct Inner {
    code: ErrorCode,
    message: String,
    fields: Vec<(String, String)>,
    retry_after: Option<Duration>,
    is_about_given_caller: bool,
    is_silent_in_query: bool,
    authorization_id: Option<String>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl IamError {
    /// Creates an error with a message for the caller.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = hidden(message.into());
        IamError(Box::new(Inner {
            code,
            message,
            fields: Vec::new(),
            retry_after: None,
            is_about_given_caller: false,
            is_silent_in_query: false,
            authorization_id: None,
            cause: None,
        }))
    }

    /// Creates an internal failure. The caller does not see the cause; it goes to the log.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut error = Self::new(
            ErrorCode::ServiceFailure,
            "The request processing has failed because of an unknown error, exception or failure.",
        );
        error.0.cause = Some(cause.into());
        error
    }

    /// `NoSuchEntity` in AWS's words: `The user with name Bob cannot be found.`
    pub fn no_such(what: &str, name: impl fmt::Display) -> Self {
        Self::new(ErrorCode::NoSuchEntity, format!("The {what} with name {name} cannot be found."))
    }

    /// `NoSuchEntity` for a managed policy, in AWS's words. For an AWS managed policy a field says how to import it.
    pub fn no_policy(code: ErrorCode, arn: &Arn, message: impl fmt::Display) -> Self {
        let error = Self::new(code, message.to_string());
        match arn.account() {
            "aws" => error.field(
                "PolicyArn",
                "AWS's policies that don't come with Bailiwick are imported in the management account: \
                 bailiwick import managed-policies FILE",
            ),
            _ => error,
        }
    }

    /// `EntityAlreadyExists` in AWS's words: `User with name Bob already exists.`
    pub fn already_exists(what: &str, name: impl fmt::Display) -> Self {
        Self::new(ErrorCode::EntityAlreadyExists, format!("{what} with name {name} already exists."))
    }

    /// `LimitExceeded` in AWS's words: `Cannot exceed quota for UsersPerAccount: 5000`
    pub fn quota(name: &str, limit: impl fmt::Display) -> Self {
        Self::new(ErrorCode::LimitExceeded, format!("Cannot exceed quota for {name}: {limit}"))
    }

    /// `ValidationError` with a message.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ValidationError, message)
    }

    /// Adds a cause, which appears in the log only.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Adds an invalid member and the reason.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        self.0.fields.push((hidden(name.into()), hidden(description.into())));
        self
    }

    /// Sets the time after which a retry makes sense.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// Marks the error as one of the caller that a service asks about, not of the service's own call.
    #[must_use]
    pub fn about_given_caller(mut self) -> Self {
        self.0.is_about_given_caller = true;
        self
    }

    /// Returns whether the error is of the caller that a service asks about, not of the service's own call.
    pub fn is_about_given_caller(&self) -> bool {
        self.0.is_about_given_caller
    }

    /// Marks an error that AWS answers without a message. Other protocols show ours.
    #[must_use]
    pub fn silent_in_query(mut self) -> Self {
        self.0.is_silent_in_query = true;
        self
    }

    /// Returns whether the answer of AWS Query has no message.
    pub fn is_silent_in_query(&self) -> bool {
        self.0.is_silent_in_query
    }

    /// Adds the id under which the details of a denial are on record. The message ends with it, in AWS's words.
    #[must_use]
    pub fn with_authorization_id(mut self, id: String) -> Self {
        add_authorization_id(&mut self.0.message, &id);
        self.0.authorization_id = Some(id);
        self
    }

    /// The id under which the details of a denial are on record.
    pub fn authorization_id(&self) -> Option<&str> {
        self.0.authorization_id.as_deref()
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The message for the caller.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The invalid members, each with the reason.
    pub fn fields(&self) -> &[(String, String)] {
        &self.0.fields
    }

    /// The time after which a retry makes sense, if one does.
    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The cause, for the log.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }
}

/// Ends the message of a denial with the id under which its details are on record, in AWS's words.
pub fn add_authorization_id(message: &mut String, id: &str) {
    message.push_str(
        ". For complete details, call the GetRequestAuthorizationDetails API with the following authorization id: ",
    );
    message.push_str(id);
}

impl fmt::Display for IamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.wire(), self.0.message)
    }
}

impl fmt::Debug for IamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        if let Some(cause) = &self.0.cause {
            write!(f, " (cause: {})", masked(&cause.to_string()))?;
        }
        Ok(())
    }
}

impl Error for IamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_deref().map(|c| c as &(dyn Error + 'static))
    }
}

/// A message may quote a request in which a secret is in the wrong place.
fn hidden(text: String) -> String {
    match masked(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(masked) => masked,
    }
}

impl From<crate::NameError> for IamError {
    fn from(error: crate::NameError) -> Self {
        IamError::validation(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_codes_are_unique() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_wire(code.wire()), Some(*code));
        }
    }

    #[test]
    fn missing_aws_policies_mention_the_import() {
        for (account, has_hint) in [("111122223333", false), ("aws", true)] {
            let arn = format!("arn:aws:iam::{account}:policy/Reads");
            let error = IamError::no_policy(ErrorCode::NoSuchEntity, &Arn::parse(&arn).unwrap(), "It was not found.");
            assert_eq!(error.message(), "It was not found.");
            let hint = error.fields().iter().any(|(_, text)| text.contains("bailiwick import managed-policies"));
            assert_eq!(hint, has_hint);
        }
    }

    #[test]
    fn internal_failures_hide_their_cause() {
        let error = IamError::internal("disk on fire");
        assert!(!error.to_string().contains("fire"));
        assert!(format!("{error:?}").contains("fire"));
        assert_eq!(error.code().fault(), Fault::Receiver);
        assert_eq!(ErrorCode::LimitExceeded.fault(), Fault::Sender);
        assert_eq!(ErrorCode::NotImplemented.fault(), Fault::Receiver);
    }
}
