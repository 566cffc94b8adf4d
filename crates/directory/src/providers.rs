//! Identity providers outside of the deployment, which trust policies name.

mod arn;
mod oidc;
mod oidc_settings;
