//! OpenID Connect providers: there are none.

use super::{Place, absent, missing, text};

absent! {
    all ListOpenIDConnectProviders |req| Place::Account;
    get GetOpenIDConnectProvider UpdateOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint
        AddClientIDToOpenIDConnectProvider RemoveClientIDFromOpenIDConnectProvider
        ListOpenIDConnectProviderTags
        |req| at(&req.open_id_connect_provider_arn) => |_, req| unknown(&req.open_id_connect_provider_arn);
    tag TagOpenIDConnectProvider |req| at(&req.open_id_connect_provider_arn) => |_, req| unknown(&req.open_id_connect_provider_arn);
    untag UntagOpenIDConnectProvider |req| at(&req.open_id_connect_provider_arn) => |_, req| unknown(&req.open_id_connect_provider_arn);
    // AWS has another sentence for this one.
    get DeleteOpenIDConnectProvider |req| at(&req.open_id_connect_provider_arn) => |_, req| {
        missing(format!("OpenId connect Provider {} cannot be found.", text(&req.open_id_connect_provider_arn)))
    };
}

fn at(arn: &Option<String>) -> Place<'_> {
    Place::Arn("oidc-provider", arn)
}

fn unknown(arn: &Option<String>) -> bailiwick_model::IamError {
    missing(format!("OpenIDConnect Provider not found for arn {}", text(arn)))
}
