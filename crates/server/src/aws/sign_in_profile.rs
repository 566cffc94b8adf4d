//! The profile that a sign-in writes: temporary credentials in the credentials file, the server in the config file.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::edit::{self, EditError};
use super::ini::Setting;
use super::profiles::{MAX_FILE, Profile};
use super::settings::SERVICES;
use super::{Environment, Keys, Profiles, Settings};
use crate::failure::Failure;
use crate::{input, private_file};

/// When the credentials of a profile expire. The AWS CLI ignores it; Bailiwick's commands and other tools read it.
pub(super) const EXPIRATION: &str = "aws_expiration";
const KEYS: [&str; 4] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", EXPIRATION];
/// Settings of a profile that has its credentials from elsewhere.
const ELSEWHERE: [&str; 8] = [
    "role_arn",
    "source_profile",
    "credential_source",
    "credential_process",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "login_session",
];

/// A profile that a sign-in writes, and its end clears.
pub(crate) struct SignInProfile {
    name: String,
    /// What the files have under the name.
    found: Profile,
    credentials: PathBuf,
    /// The config file and the name of its section of services, if it must get a section for the profile.
    config: Option<(PathBuf, String)>,
}

fn fail(message: String) -> Failure {
    Failure::with_code(message, 2)
}

impl SignInProfile {
    /// Finds the profile of a name, which may be new.
    ///
    /// # Errors
    /// When a profile cannot have the name, or there is no home folder.
    pub(crate) fn find(
        name: &str,
        settings: &Settings,
        env: &Environment<'_>,
        profiles: &Profiles,
    ) -> Result<Self, Failure> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.+=,@".contains(&byte)) {
            return Err(fail(format!("`{name}` cannot be written as a profile: use letters, digits and _-.+=,@")));
        }
        // What `configparser` reads in this section are settings of all others.
        if name == "DEFAULT" {
            return Err(fail(
                "`DEFAULT` cannot be written as a profile: every profile would get its credentials".to_owned(),
            ));
        }
        let found = profiles.find(name).cloned().unwrap_or_default();
        let file = |variable: &str, default: &str| {
            env.file(variable, default).ok_or_else(|| fail(format!("there is no home folder: set HOME or {variable}")))
        };
        let credentials = file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")?;
        let is_configured = profiles.is_configured(name);
        // The services section of another server stays as it is.
        let is_same = SERVICES.iter().all(|(_, service)| {
            let found = profiles.of_service("bailiwick", service, "endpoint_url");
            found.is_err() || found.is_ok_and(|found| found == Some(settings.endpoint.as_str()))
        });
        let services = if is_same { "bailiwick".to_owned() } else { format!("bailiwick-{name}") };
        let config = if is_configured { None } else { Some((file("AWS_CONFIG_FILE", ".aws/config")?, services)) };
        Ok(SignInProfile { name: name.to_owned(), found, credentials, config })
    }

    /// The name of the profile.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Checks that the profile has no other credentials, which would be lost, or used in place of new ones.
    ///
    /// # Errors
    /// When it has.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let Some(other) = other_credentials(&self.found) else { return Ok(()) };
        let name = &self.name;
        Err(fail(format!(
            "profile `{name}` has {other}, which a sign-in does not replace: name another profile with --profile"
        )))
    }

    /// The session in the credentials file, whether it has expired or not. None if the credentials are not a session.
    pub(crate) fn session(&self) -> Option<Keys> {
        let text = |name: &str| self.found.credentials.get(name).and_then(Setting::text);
        Some(Keys {
            access_key_id: text(KEYS[0])?.to_owned(),
            secret_access_key: text(KEYS[1])?.to_owned().into(),
            session_token: Some(text(KEYS[2])?.to_owned().into()),
            expiration: text(EXPIRATION).and_then(|text| text.parse().ok()),
        })
    }

    /// Writes temporary credentials into the credentials file. If the config file does not have the profile, it gets the
    /// server and the region.
    ///
    /// # Errors
    /// When a file cannot be read, parsed or written.
    pub(crate) fn write(&self, keys: &Keys, settings: &Settings) -> Result<(), Failure> {
        if let Some((config, services)) = &self.config {
            let section = if self.name == "default" { self.name.clone() } else { format!("profile {}", self.name) };
            let ca_file = settings.ca_file.as_ref().and_then(|file| std::path::absolute(file).ok());
            let mut lines = vec![("region", text(&settings.region)), ("services", text(services))];
            lines.extend(ca_file.map(|file| ("ca_bundle", text(&file.display().to_string()))));
            let endpoint = Setting::Nested([("endpoint_url".to_owned(), settings.endpoint.clone())].into());
            let endpoints = SERVICES.map(|(_, service)| (service, endpoint.clone()));
            change(config, false, |before| {
                let with_services = edit::set(before, &format!("services {services}"), &endpoints)?;
                edit::set(&with_services, &section, &lines)
            })?;
        }
        let expiration = keys.expiration.map(|at| at.to_string()).unwrap_or_default();
        let token = keys.session_token.as_ref().map_or("", |token| token.as_str());
        let values = [keys.access_key_id.as_str(), keys.secret_access_key.as_str(), token, expiration.as_str()];
        let lines: Vec<_> = KEYS.into_iter().zip(values.map(text)).collect();
        change(&self.credentials, true, |before| edit::set(before, &self.name, &lines))
    }

    /// Removes the temporary credentials.
    ///
    /// # Errors
    /// When the file cannot be read, parsed or written.
    pub(crate) fn clear(&self) -> Result<(), Failure> {
        change(&self.credentials, true, |before| edit::remove(before, &self.name, &KEYS))
    }

    /// The file with the credentials.
    pub(crate) fn credentials(&self) -> &Path {
        &self.credentials
    }
}

fn text(value: &str) -> Setting {
    Setting::Text(Zeroizing::new(value.to_owned()))
}

/// The credentials of a profile that are not a session.
fn other_credentials(profile: &Profile) -> Option<String> {
    let is_set = |name: &&&str| profile.config.contains_key(**name) || profile.credentials.contains_key(**name);
    if let Some(name) = ELSEWHERE.iter().find(is_set) {
        return Some(format!("`{name}`"));
    }
    if KEYS[..3].iter().any(|name| profile.config.contains_key(*name)) {
        return Some("keys in the config file".to_owned());
    }
    let has_key = profile.credentials.contains_key(KEYS[0]) || profile.credentials.contains_key(KEYS[1]);
    (has_key && !profile.credentials.contains_key(KEYS[2])).then(|| "a long-term access key".to_owned())
}

/// Times that a file is read again because another program changed it.
const ATTEMPTS: usize = 20;

/// Changes a file atomically. A link is followed, so that it stays one.
fn change(
    path: &Path,
    is_secret: bool,
    edit: impl Fn(&str) -> Result<Zeroizing<String>, EditError>,
) -> Result<(), Failure> {
    let shown = path.display();
    let broken = |e: std::io::Error| Failure::new(format!("cannot write {shown}: {e}"));
    let file = match fs::canonicalize(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            folder
                .map_or(Ok(()), |folder| DirBuilder::new().recursive(true).mode(0o700).create(folder))
                .map_err(broken)?;
            path.to_owned()
        }
        Err(error) => return Err(broken(error)),
    };
    let read = || if file.exists() { input::read(&file, MAX_FILE) } else { Ok(String::new()) };
    let mut before = Zeroizing::new(read()?);
    for _ in 0..ATTEMPTS {
        let after = edit(&before).map_err(|error| match error {
            EditError::Parse(error) => fail(format!("{shown}:{}: {}", error.line, error.problem)),
            EditError::Meaning => {
                fail(format!("{shown} cannot be changed without changing other settings: edit it by hand"))
            }
        })?;
        if *after == *before {
            return Ok(());
        }
        let mode =
            if is_secret { None } else { fs::metadata(&file).ok().map(|found| found.permissions().mode() & 0o777) };
        let is_unchanged = || read().map(Zeroizing::new).is_ok_and(|now| *now == *before);
        if private_file::replace_if(&file, mode.unwrap_or(0o600), after.as_bytes(), is_unchanged).map_err(broken)? {
            return Ok(());
        }
        before = Zeroizing::new(read()?);
    }
    Err(Failure::new(format!("cannot write {shown}: other programs keep changing it")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_private_and_links_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (real, path) = (folder.path().join("real"), folder.path().join("credentials"));
        fs::write(&real, "[a]\nx=1\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
        symlink(&real, &path).unwrap();
        change(&path, true, |before| edit::set(before, "p", &[("k", text("v"))])).unwrap();
        assert!(path.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "[a]\nx=1\n\n[p]\nk = v\n");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
        let config = folder.path().join("new/folder/config");
        change(&config, false, |before| edit::set(before, "p", &[("k", text("v"))])).unwrap();
        assert_eq!(fs::metadata(&config).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&config, fs::Permissions::from_mode(0o640)).unwrap();
        change(&config, false, |before| edit::set(before, "q", &[("k", text("v"))])).unwrap();
        assert_eq!(fs::metadata(&config).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_change_by_another_program_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        fs::write(&path, "[a]\n").unwrap();
        let meanwhile = std::cell::Cell::new(true);
        change(&path, true, |before| {
            if meanwhile.replace(false) {
                fs::write(&path, "[a]\n[b]\n").unwrap();
            }
            edit::set(before, "p", &[("k", text("v"))])
        })
        .unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "[a]\n[b]\n\n[p]\nk = v\n");
    }

    #[test]
    fn changes_at_once_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        fs::write(&path, "[mine]\naws_secret_access_key = x\n").unwrap();
        std::thread::scope(|scope| {
            for one in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    for other in 0..4 {
                        let section = format!("p{one}{other}");
                        change(path, true, |before| edit::set(before, &section, &[("k", text("v"))])).unwrap();
                    }
                });
            }
        });
        let found = fs::read_to_string(&path).unwrap();
        assert!(found.starts_with("[mine]\naws_secret_access_key = x\n"), "{found}");
        assert_eq!(found.matches("k = v").count(), 16, "{found}");
    }
}
