//! Client settings resolved as the AWS CLI resolves them: profile, credentials, endpoint, region, certificates.
//!
//! The precedence is botocore's: flags, then variables, then the profile. Settings that the AWS CLI supports and
//! Bailiwick's commands do not (browser sign-in, metadata services) are refused by name, never ignored. The
//! variables are an input, so that tests can supply their own.

mod credentials;
mod edit;
mod endpoint;
mod ini;
mod process;
mod profiles;
mod settings;
mod sign_in_profile;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use jiff::Timestamp;
use zeroize::Zeroizing;

pub(crate) use credentials::{Base, Role, Source};
pub(crate) use endpoint::{is_clear, is_loopback};
pub(crate) use process::run as run_process;
pub(crate) use profiles::Profiles;
pub(crate) use settings::{Flags, Settings, profile_name};
pub(crate) use sign_in_profile::SignInProfile;

/// The variables of the environment.
pub(crate) struct Environment<'a>(pub(crate) &'a dyn Fn(&str) -> Option<String>);

impl Environment<'_> {
    /// Returns a variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// Returns the file that a variable names, or the default below the home folder.
    fn file(&self, name: &str, default: &str) -> Option<PathBuf> {
        match self.get(name) {
            Some(path) => Some(self.expand(&path)),
            None => Some(PathBuf::from(self.get("HOME")?).join(default)),
        }
    }

    /// Expands a leading `~` to the home folder.
    fn expand(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), self.get("HOME")) {
            (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
            _ => PathBuf::from(path),
        }
    }
}

/// Credentials to sign with.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Zeroizing<String>,
    pub(crate) session_token: Option<Zeroizing<String>>,
    /// When they expire, if known.
    pub(crate) expiration: Option<Timestamp>,
}

/// Shows no secret.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl Keys {
    /// The same as the signer takes them.
    pub(crate) fn signer(&self) -> bailiwick_sigv4::Credentials<'_> {
        let keys = bailiwick_sigv4::Credentials::new(&self.access_key_id, &self.secret_access_key);
        match &self.session_token {
            Some(token) => keys.with_session_token(token),
            None => keys,
        }
    }
}
