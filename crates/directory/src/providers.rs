//! Identity providers outside of the deployment, which trust policies name.

mod arn;
mod oidc;
mod oidc_settings;
mod saml;
mod saml_keys;
mod saml_update;
