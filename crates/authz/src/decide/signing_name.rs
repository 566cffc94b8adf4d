//! The service that a request is signed for, and the actions that a service may ask about with it.
//!
//! A signature proves that the caller made a request to one service. With it, that service may ask about its own actions:
//! those whose prefix is the name that the signature is for. A service can have another signing name than prefix, or ask
//! about another service's actions for its callers (a store that encrypts asks about those of the key service). Then the
//! registration of the service that has the actions names the signing name under `signingNames`.

use bailiwick_model::Result;
use bailiwick_policy_lang::Catalogue;
use bailiwick_policy_lang::catalogue::ServiceRules;

use crate::invalid_member;

/// Returns whether requests that are signed for `name` can be decided as actions with this prefix, in any case.
pub(crate) fn fits(catalogue: &Catalogue, prefix: &str, name: &str) -> bool {
    prefix.eq_ignore_ascii_case(name)
        || ServiceRules::of(prefix).signing_names.contains(&name)
        || catalogue.service(prefix).is_some_and(|service| service.signing_names.iter().any(|known| **known == *name))
}

/// Refuses a question about a caller that signed for another service.
///
/// # Errors
/// `ValidationError`.
pub(crate) fn check(catalogue: &Catalogue, prefix: &str, name: &str) -> Result<()> {
    if fits(catalogue, prefix, name) {
        return Ok(());
    }
    Err(invalid_member(
        "caller",
        format!(
            "the caller's request is signed for `{name}`, which may not ask about actions of `{prefix}`; the registration of \
             `{prefix}` would have to name it under `signingNames`"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signing_name_fits_its_own_prefix_and_those_that_list_it() {
        let text = r#"{"catalogue":1,"services":{"keys":{"signingNames":["photos","films"]},"photos":{}}}"#;
        let catalogue = Catalogue::parse(text).unwrap();
        for (prefix, name, expected) in [
            ("photos", "photos", true),
            ("Photos", "photos", true),
            ("keys", "keys", true),
            ("keys", "photos", true),
            ("KEYS", "films", true),
            ("photos", "keys", false),
            ("photos", "films", false),
            ("keys", "s3", false),
            ("s3", "s3", true),
            ("s3", "ec2", false),
            ("s3", "", false),
            ("cloudwatch", "monitoring", true),
            ("monitoring", "cloudwatch", false),
            ("iot", "iotdata", true),
        ] {
            assert_eq!(fits(&catalogue, prefix, name), expected, "{prefix} {name}");
            assert_eq!(check(&catalogue, prefix, name).is_ok(), expected);
        }
    }
}
