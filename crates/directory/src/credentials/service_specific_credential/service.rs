//! The services that have credentials of their own.

use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_seal::SecretString;
use data_encoding::BASE64;
use zeroize::{Zeroize as _, Zeroizing};

/// A service with credentials of its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// The name of its service principal.
    pub(super) name: &'static str,
    secret: Form,
}

/// The form of a secret.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    /// A password for a user name.
    Password,
    /// An API key that contains its alias. It begins with this text.
    ApiKey(&'static str),
}

const SERVICES: &[Service] = &[
    Service { name: "aws-external-anthropic.amazonaws.com", secret: Form::ApiKey("AEAA") },
    Service { name: "bedrock.amazonaws.com", secret: Form::ApiKey("ABSK") },
    Service { name: "cassandra.amazonaws.com", secret: Form::Password },
    Service { name: "cloudwatch.amazonaws.com", secret: Form::ApiKey("APIAACWM") },
    Service { name: "codecommit.amazonaws.com", secret: Form::Password },
    Service { name: "logs.amazonaws.com", secret: Form::ApiKey("ACWL") },
];

impl Service {
    /// Finds a service by its name, whatever its case.
    ///
    /// # Errors
    /// `NoSuchEntity` in AWS's words, although its API also has `NotSupportedService`; `ValidationError` for characters
    /// that no name of a service has.
    pub(super) fn parse(name: &str) -> Result<&'static Service> {
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)) {
            return Err(IamError::validation("ServiceName must match [a-zA-Z0-9.-]*"));
        }
        SERVICES.iter().find(|service| service.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
            let message = format!("No such service {name} is supported for Service Specific Credentials");
            IamError::new(ErrorCode::NoSuchEntity, message)
        })
    }

    /// Whether its credentials are API keys.
    pub(super) fn has_api_keys(&self) -> bool {
        matches!(self.secret, Form::ApiKey(_))
    }

    /// A secret of random bytes for the credential with this name: a password of 60 characters, or an API key.
    pub(super) fn secret(&self, name: &str, mut random: [u8; 45]) -> SecretString {
        let password = Zeroizing::new(BASE64.encode(&random));
        random.zeroize();
        SecretString::from(match self.secret {
            Form::Password => password.to_string(),
            Form::ApiKey(prefix) => {
                let content = Zeroizing::new(format!("{name}:{}", *password));
                format!("{prefix}{}", BASE64.encode(content.as_bytes()))
            }
        })
    }
}
