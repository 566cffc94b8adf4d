//! Sources of credentials: variables, profiles, programs, roles.

use std::path::PathBuf;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::profiles::Profile;
use super::settings::{Flags, chosen, profile_name};
use super::sign_in_profile::EXPIRATION;
use super::{Environment, Keys, Profiles};
use crate::failure::Failure;

/// A source of credentials, before any program is run or role is assumed.
#[derive(Debug)]
pub(crate) struct Source {
    /// The credentials to begin with.
    pub(crate) base: Base,
    /// The roles to assume one after the other, each with the credentials of the one before.
    pub(crate) roles: Vec<Role>,
}

/// Credentials without a role.
#[derive(Debug)]
pub(crate) enum Base {
    /// Known credentials.
    Keys(Keys),
    /// A program that prints credentials.
    Process {
        /// The profile that names it.
        profile: String,
        /// The program with its arguments.
        command: String,
    },
    /// A session of a role for a token of an identity provider.
    WebIdentity {
        /// The role.
        role: Role,
        /// The file with the token, which is read each time.
        token_file: PathBuf,
    },
}

/// The setting that names the file with the token.
const TOKEN_FILE: &str = "web_identity_token_file";
/// The same as a variable.
const TOKEN_FILE_VARIABLE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

/// A role to assume.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    /// The profile that names it, unless flags do.
    pub(crate) profile: Option<String>,
    /// The role.
    pub(crate) arn: String,
    /// The name of the session.
    pub(crate) session_name: Option<String>,
    /// The external id, which the role's trust policy may require.
    pub(crate) external_id: Option<String>,
    /// The duration of the session in seconds.
    pub(crate) duration_seconds: Option<i32>,
    /// The MFA device whose code is needed.
    pub(crate) mfa_serial: Option<String>,
}

impl From<Keys> for Source {
    fn from(keys: Keys) -> Self {
        Source { base: Base::Keys(keys), roles: Vec::new() }
    }
}

fn fail(message: String) -> Failure {
    Failure::with_code(message, 2)
}

impl Source {
    /// Finds the credentials that the AWS CLI would use. Variables with keys come first, unless `--profile` names a profile.
    /// Variables with a web identity come after a profile that assumes a role, and before its other credentials.
    ///
    /// # Errors
    /// When there are no credentials, or their kind is not supported.
    pub(crate) fn find(
        flags: Flags<'_>,
        env: &Environment<'_>,
        profiles: &Profiles,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        if flags.profile.is_none()
            && let Some(keys) = in_variables(env, now)?
        {
            return Ok(keys.into());
        }
        let name = profile_name(flags.profile, env).unwrap_or_else(|| "default".to_owned());
        let mut search = Search { env, profiles, now, visited: vec![name.clone()] };
        let profile = chosen(flags.profile, env, profiles)?;
        let assumes_role =
            profile.is_some_and(|profile| profile.get("role_arn").is_some() && profile.get(TOKEN_FILE).is_none());
        if flags.profile.is_none()
            && !assumes_role
            && let Some(base) = web_identity_in_variables(env)?
        {
            return Ok(Source { base, roles: Vec::new() });
        }
        if let Some(profile) = profile
            && let Some(found) = search.of_profile(&name, profile, true)?
        {
            return Ok(found);
        }
        Err(fail(nothing_found(env, &name)))
    }
}

/// Returns the credentials in variables, if any.
fn in_variables(env: &Environment<'_>, now: Timestamp) -> Result<Option<Keys>, Failure> {
    let Some(access_key_id) = env.get("AWS_ACCESS_KEY_ID") else { return Ok(None) };
    let Some(secret_access_key) = env.get("AWS_SECRET_ACCESS_KEY").map(Zeroizing::new) else {
        return Err(fail("AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not".to_owned()));
    };
    let token = env.get("AWS_SESSION_TOKEN").or_else(|| env.get("AWS_SECURITY_TOKEN"));
    let expiration = env.get("AWS_CREDENTIAL_EXPIRATION").and_then(|text| text.parse::<Timestamp>().ok());
    if let Some(expired) = expiration.filter(|expiration| *expiration <= now) {
        return Err(fail(format!("the credentials in the AWS_… variables expired at {expired}")));
    }
    Ok(Some(Keys { access_key_id, secret_access_key, session_token: token.map(Zeroizing::new), expiration }))
}

/// Returns the web identity in variables, if any.
fn web_identity_in_variables(env: &Environment<'_>) -> Result<Option<Base>, Failure> {
    let Some(token_file) = env.get(TOKEN_FILE_VARIABLE) else { return Ok(None) };
    let Some(arn) = env.get("AWS_ROLE_ARN") else {
        return Err(fail(format!("{TOKEN_FILE_VARIABLE} is set, but AWS_ROLE_ARN is not")));
    };
    let role = Role {
        profile: None,
        arn,
        session_name: env.get("AWS_ROLE_SESSION_NAME"),
        external_id: None,
        duration_seconds: None,
        mfa_serial: None,
    };
    Ok(Some(Base::WebIdentity { role, token_file: token_file.into() }))
}

fn nothing_found(env: &Environment<'_>, profile: &str) -> String {
    const OTHERS: [&str; 2] = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    if let Some(name) = OTHERS.into_iter().find(|name| env.get(name).is_some()) {
        return format!(
            "{name} is set, but credentials of that kind are not supported: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        );
    }
    format!(
        "there are no credentials to sign with: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile that \
         has some with --profile or AWS_PROFILE (`{profile}` has none)"
    )
}

/// Settings that are not supported, and what to do instead.
const UNSUPPORTED: [(&str, &str); 5] = [
    ("sso_session", SIGN_IN),
    ("sso_start_url", SIGN_IN),
    ("sso_account_id", SIGN_IN),
    ("sso_role_name", SIGN_IN),
    ("login_session", SIGN_IN),
];
const SIGN_IN: &str = "let the AWS CLI sign in and hand over the credentials: `credential_process = aws configure \
                       export-credentials --profile NAME`";

struct Search<'a> {
    env: &'a Environment<'a>,
    profiles: &'a Profiles,
    now: Timestamp,
    /// The chain of profiles so far.
    visited: Vec<String>,
}

impl Search<'_> {
    /// Returns the credentials of a profile, if any. `begins` is true for the first profile of the chain.
    fn of_profile(&mut self, name: &str, profile: &Profile, begins: bool) -> Result<Option<Source>, Failure> {
        if let Some((setting, instead)) = UNSUPPORTED.iter().find(|(setting, _)| profile.get(setting).is_some()) {
            return Err(fail(format!("profile `{name}`: `{setting}` is not supported; {instead}")));
        }
        // For the source of another profile, its own keys come first.
        let has_keys = profile.get("aws_access_key_id").is_some() || profile.get("aws_secret_access_key").is_some();
        if let Some(arn) = profile.get("role_arn").filter(|_| begins || !has_keys) {
            return self.role(name, profile, arn).map(Some);
        }
        if begins && profile.get(TOKEN_FILE).is_some() {
            return Err(fail(format!("profile `{name}` has `{TOKEN_FILE}`, but no `role_arn` to assume with it")));
        }
        let is_static = |section: &super::ini::Section| {
            section.contains_key("aws_access_key_id") || section.contains_key("aws_secret_access_key")
        };
        let process = profile.get("credential_process");
        // Order: keys of the credentials file, a program, keys of the config file.
        if process.is_none() || is_static(&profile.credentials) {
            if is_static(&profile.credentials) || is_static(&profile.config) {
                return keys(name, profile, self.now).map(|keys| Some(keys.into()));
            }
            return Ok(None);
        }
        let command = process.map(str::to_owned).unwrap_or_default();
        let base = Base::Process { profile: name.to_owned(), command };
        Ok(Some(Source { base, roles: Vec::new() }))
    }

    fn role(&mut self, name: &str, profile: &Profile, arn: &str) -> Result<Source, Failure> {
        let duration = profile.get("duration_seconds").map(|text| {
            let expected = format!("profile `{name}`: `duration_seconds` is not a number of seconds");
            text.parse::<i32>().map_err(|_| fail(expected))
        });
        let text = |setting: &str| profile.get(setting).map(str::to_owned);
        let role = Role {
            profile: Some(name.to_owned()),
            arn: arn.to_owned(),
            session_name: text("role_session_name"),
            external_id: text("external_id"),
            duration_seconds: duration.transpose()?,
            mfa_serial: text("mfa_serial"),
        };
        if let Some(token_file) = profile.get(TOKEN_FILE) {
            return Ok(Source { base: Base::WebIdentity { role, token_file: token_file.into() }, roles: Vec::new() });
        }
        let mut source = match (profile.get("source_profile"), profile.get("credential_source")) {
            (Some(_), Some(_)) => {
                return Err(fail(format!("profile `{name}` has both `source_profile` and `credential_source`")));
            }
            (None, None) => {
                return Err(fail(format!(
                    "profile `{name}` has `role_arn`, but neither `source_profile` nor `credential_source` to assume the \
                     role with"
                )));
            }
            (Some(source), None) => self.source_profile(name, source)?,
            (None, Some(source)) => self.credential_source(name, source)?,
        };
        source.roles.push(role);
        Ok(source)
    }

    fn source_profile(&mut self, name: &str, source: &str) -> Result<Source, Failure> {
        let missing = || fail(format!("profile `{name}`: `source_profile` names `{source}`, which does not exist"));
        let profile = self.profiles.find(source).ok_or_else(missing)?.clone();
        let has_keys = profile.get("aws_access_key_id").is_some();
        // A profile may be its own source, if it has keys.
        if self.visited.iter().any(|visited| visited == source) && !(source == name && has_keys) {
            let way = self.visited.join("` → `");
            return Err(fail(format!("the profiles `{way}` → `{source}` are each other's `source_profile`")));
        }
        self.visited.push(source.to_owned());
        let missing =
            || fail(format!("profile `{source}`, which `{name}` names as `source_profile`, has no credentials"));
        self.of_profile(source, &profile, false)?.ok_or_else(missing)
    }

    fn credential_source(&self, name: &str, source: &str) -> Result<Source, Failure> {
        match &*source.to_ascii_lowercase() {
            "environment" => match in_variables(self.env, self.now)? {
                Some(keys) => Ok(keys.into()),
                None => Err(fail(format!(
                    "profile `{name}`: `credential_source` is `Environment`, but AWS_ACCESS_KEY_ID is not set"
                ))),
            },
            "ec2instancemetadata" | "ecscontainer" => Err(fail(format!(
                "profile `{name}`: `credential_source = {source}` is not supported; use `Environment`, or \
                 `source_profile`"
            ))),
            _ => Err(fail(format!("profile `{name}`: `credential_source` is `{source}`, expected `Environment`"))),
        }
    }
}

/// Returns the keys in a profile.
fn keys(name: &str, profile: &Profile, now: Timestamp) -> Result<Keys, Failure> {
    let part = |setting: &str, beside: &str| {
        profile
            .get(setting)
            .map(str::to_owned)
            .ok_or_else(|| fail(format!("profile `{name}` has `{beside}` without `{setting}`")))
    };
    let access_key_id = part("aws_access_key_id", "aws_secret_access_key")?;
    let secret = part("aws_secret_access_key", "aws_access_key_id")?;
    let token = profile.get("aws_session_token").or_else(|| profile.get("aws_security_token"));
    let expiration = profile.get(EXPIRATION).and_then(|text| text.parse::<Timestamp>().ok());
    if let Some(expired) = expiration.filter(|expiration| *expiration <= now) {
        return Err(fail(format!(
            "the credentials of profile `{name}` expired at {expired}; `bailiwick login --profile {name}` signs in again"
        )));
    }
    Ok(Keys {
        access_key_id,
        secret_access_key: Zeroizing::new(secret),
        session_token: token.map(|token| Zeroizing::new(token.to_owned())),
        expiration,
    })
}
