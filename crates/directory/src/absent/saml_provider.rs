//! SAML providers: there are none.

use super::{Place, absent, missing, text};

absent! {
    all ListSAMLProviders |req| Place::Account;
    get GetSAMLProvider UpdateSAMLProvider DeleteSAMLProvider ListSAMLProviderTags
        |req| at(&req.saml_provider_arn) => |_, req| unknown(&req.saml_provider_arn);
    tag TagSAMLProvider |req| at(&req.saml_provider_arn) => |_, req| unknown(&req.saml_provider_arn);
    untag UntagSAMLProvider |req| at(&req.saml_provider_arn) => |_, req| unknown(&req.saml_provider_arn);
}

fn at(arn: &Option<String>) -> Place<'_> {
    Place::Arn("saml-provider", arn)
}

fn unknown(arn: &Option<String>) -> bailiwick_model::IamError {
    missing(format!("Manifest not found for arn {}", text(arn)))
}
