//! The profiles of the config and the credentials file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bailiwick_policy_lang::nearest;

use super::Environment;
use super::ini::{self, Section, Sections, Setting};
use crate::failure::Failure;

/// The profiles of both files, and the `services` sections of the config file.
#[derive(Default)]
pub(crate) struct Profiles {
    profiles: BTreeMap<String, Profile>,
    services: Sections,
    /// Ignored sections of the config file, such as `[dev]` instead of `[profile dev]`.
    others: Vec<String>,
    /// The files that were searched.
    files: Vec<PathBuf>,
}

/// One profile, as both files have it.
#[derive(Clone, Default)]
pub(super) struct Profile {
    pub(super) config: Section,
    pub(super) credentials: Section,
}

impl Profile {
    /// Returns a setting; the credentials file takes precedence over the config file.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let setting = self.credentials.get(name).or_else(|| self.config.get(name))?;
        setting.text().filter(|text| !text.is_empty())
    }
}

impl Profiles {
    /// Reads `~/.aws/config` and `~/.aws/credentials`, or the files that `AWS_CONFIG_FILE` and
    /// `AWS_SHARED_CREDENTIALS_FILE` name. A missing file counts as empty.
    ///
    /// # Errors
    /// When a file cannot be read or parsed, with the line.
    pub(crate) fn read(env: &Environment<'_>) -> Result<Self, Failure> {
        let mut all = Profiles::default();
        if let Some(file) = env.file("AWS_CONFIG_FILE", ".aws/config") {
            for (header, section) in sections(&file)? {
                match Header::parse(&header) {
                    Header::Profile(name) => all.profiles.entry(name).or_default().config = section,
                    Header::Services(name) => drop(all.services.insert(name, section)),
                    Header::Other => all.others.push(header),
                }
            }
            all.files.push(file);
        }
        if let Some(file) = env.file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials") {
            for (name, section) in sections(&file)? {
                all.profiles.entry(name).or_default().credentials = section;
            }
            all.files.push(file);
        }
        Ok(all)
    }

    /// Returns the profile of a name.
    ///
    /// # Errors
    /// When neither file has the profile.
    pub(super) fn named(&self, name: &str) -> Result<&Profile, Failure> {
        self.profiles.get(name).ok_or_else(|| {
            let files: Vec<_> = self.files.iter().map(|file| file.display().to_string()).collect();
            if self.others.iter().any(|other| other == name) {
                let why = "the config file has a section [NAME], which must be [profile NAME]".replace("NAME", name);
                return Failure::with_code(format!("there is no profile `{name}`: {why}"), 2);
            }
            let meant = nearest(name, self.profiles.keys().map(String::as_str));
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            Failure::with_code(format!("there is no profile `{name}` in {}{meant}", files.join(" or ")), 2)
        })
    }

    /// Returns the profile of a name, if it exists.
    pub(super) fn find(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// Whether either file has the profile.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.profiles.contains_key(name)
    }

    /// Whether the config file has settings of the profile.
    pub(super) fn is_configured(&self, name: &str) -> bool {
        self.profiles.get(name).is_some_and(|profile| !profile.config.is_empty())
    }

    /// Returns a setting of one service in a `services` section.
    ///
    /// # Errors
    /// When the section does not exist.
    pub(super) fn of_service(&self, section: &str, service: &str, setting: &str) -> Result<Option<&str>, Failure> {
        let Some(section) = self.services.get(section) else {
            return Err(Failure::with_code(format!("a profile names [services {section}], which does not exist"), 2));
        };
        Ok(match section.get(service) {
            Some(Setting::Nested(settings)) => {
                settings.get(setting).map(String::as_str).filter(|text| !text.is_empty())
            }
            _ => None,
        })
    }
}

/// The kind of a section of the config file.
enum Header {
    Profile(String),
    Services(String),
    Other,
}

impl Header {
    fn parse(header: &str) -> Self {
        if header == "default" {
            return Header::Profile(header.to_owned());
        }
        let Some(words) = shlex::split(header) else { return Header::Other };
        match words.as_slice() {
            [kind, name] if kind == "profile" => Header::Profile(name.clone()),
            [kind, name] if kind == "services" => Header::Services(name.clone()),
            _ => Header::Other,
        }
    }
}

/// The largest accepted size in bytes.
pub(super) const MAX_FILE: u64 = 1024 * 1024;

fn sections(file: &Path) -> Result<Sections, Failure> {
    if !file.is_file() {
        return Ok(Sections::new());
    }
    let text = crate::input::read(file, MAX_FILE)?;
    ini::parse(&text)
        .map_err(|error| Failure::with_code(format!("{}:{}: {}", file.display(), error.line, error.problem), 2))
}
