//! The server's address, the region that calls are signed for, and the trusted certificates.

use std::path::PathBuf;

use bailiwick_model::Region;

use super::endpoint::normalize;
use super::profiles::Profile;
use super::{Environment, Profiles};
use crate::failure::Failure;

/// The address of a server that was started without options.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:7470";
const DEFAULT_REGION: &str = "us-east-1";

/// The flags of a command.
#[derive(Clone, Copy, Default)]
pub(crate) struct Flags<'a> {
    pub(crate) profile: Option<&'a str>,
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) region: Option<&'a str>,
    pub(crate) ca_file: Option<&'a std::path::Path>,
}

/// The resolved settings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The server's address, with scheme.
    pub(crate) endpoint: String,
    /// The region that calls are signed for.
    pub(crate) region: String,
    /// Trusted certificates; the server's must chain to one of them.
    pub(crate) ca_file: Option<PathBuf>,
}

/// The services whose endpoints are those of a Bailiwick server: variables, and names in `services` sections.
pub(super) const SERVICES: [(&str, &str); 2] = [("AWS_ENDPOINT_URL_IAM", "iam"), ("AWS_ENDPOINT_URL_STS", "sts")];

impl Settings {
    /// Resolves each setting from the flag, the variable or the profile, in this order.
    ///
    /// # Errors
    /// When the profile does not exist, or the address or the region is malformed.
    pub(crate) fn resolve(flags: Flags<'_>, env: &Environment<'_>, profiles: &Profiles) -> Result<Self, Failure> {
        let profile = chosen(flags.profile, env, profiles)?;
        let of_profile = |name: &str| profile.and_then(|profile| profile.get(name)).map(str::to_owned);
        let region = flags.region.map(str::to_owned).or_else(|| env.get("AWS_REGION"));
        let region = region.or_else(|| env.get("AWS_DEFAULT_REGION")).or_else(|| of_profile("region"));
        let ca_file = flags.ca_file.map(PathBuf::from).or_else(|| {
            let named = env.get("AWS_CA_BUNDLE").or_else(|| of_profile("ca_bundle"))?;
            Some(env.expand(&named))
        });
        let (endpoint, named_by) = match flags.endpoint {
            Some(endpoint) => (endpoint.to_owned(), "--endpoint".to_owned()),
            None => configured(env, profiles, profile)?
                .unwrap_or_else(|| (DEFAULT_ENDPOINT.to_owned(), "the default".to_owned())),
        };
        let endpoint = normalize(&endpoint).map_err(|why| Failure::with_code(format!("{named_by}: {why}"), 2))?;
        let region = region.unwrap_or_else(|| DEFAULT_REGION.to_owned());
        Region::parse(&region).map_err(|error| Failure::with_code(format!("`{region}` is {error}"), 2))?;
        Ok(Settings { endpoint, region, ca_file })
    }
}

/// Returns the requested profile name, if any.
pub(crate) fn profile_name(flag: Option<&str>, env: &Environment<'_>) -> Option<String> {
    flag.map(str::to_owned).or_else(|| env.get("AWS_PROFILE")).or_else(|| env.get("AWS_DEFAULT_PROFILE"))
}

/// Returns the requested profile, or `default` if it exists.
pub(super) fn chosen<'p>(
    flag: Option<&str>,
    env: &Environment<'_>,
    profiles: &'p Profiles,
) -> Result<Option<&'p Profile>, Failure> {
    match profile_name(flag, env) {
        Some(name) if name == "default" => Ok(profiles.find(&name)),
        Some(name) => profiles.named(&name).map(Some),
        None => Ok(profiles.find("default")),
    }
}

/// Returns the endpoint of the variables or the profile, with the name of the setting.
fn configured(
    env: &Environment<'_>,
    profiles: &Profiles,
    profile: Option<&Profile>,
) -> Result<Option<(String, String)>, Failure> {
    let ignored = env.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    let ignored = ignored.as_deref().or_else(|| profile?.get("ignore_configured_endpoint_urls"));
    if ignored.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let variables = SERVICES.iter().map(|(variable, _)| *variable).chain(["AWS_ENDPOINT_URL"]);
    if let Some(found) = variables.into_iter().find_map(|name| Some((env.get(name)?, name.to_owned()))) {
        return Ok(Some(found));
    }
    let Some(profile) = profile else { return Ok(None) };
    if let Some(section) = profile.get("services") {
        for (_, service) in SERVICES {
            if let Some(url) = profiles.of_service(section, service, "endpoint_url")? {
                return Ok(Some((url.to_owned(), format!("endpoint_url of {service} in [services {section}]"))));
            }
        }
    }
    Ok(profile.get("endpoint_url").map(|url| (url.to_owned(), "endpoint_url of the profile".to_owned())))
}
