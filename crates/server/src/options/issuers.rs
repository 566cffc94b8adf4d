//! OpenID Connect issuers: where their keys may come from.

use std::path::PathBuf;

use clap::Args;

use crate::issuers::{IssuerAddress, IssuerKeyFile, IssuerSettings};

/// The group "Identity providers".
#[derive(Args)]
#[command(next_help_heading = "Identity providers")]
pub(crate) struct IssuerOptions {
    /// Host of a registered OpenID Connect issuer whose address may be private, as in `idp.lan`; with an address, as in
    /// `idp.lan=10.0.0.7:8443`, the server connects there instead of resolving the name; may be repeated. Every other
    /// issuer must have an address of the public Internet
    #[arg(long, env = "BAILIWICK_ISSUER_ADDRESSES", value_name = "HOST[=ADDRESS[:PORT]]", value_delimiter = ',')]
    issuer_address: Vec<IssuerAddress>,
    /// File with the keys (JWKS) of an issuer, as in `https://idp.lan=keys.json`; nothing is fetched from this issuer, and
    /// the file is read again when it may have changed; may be repeated
    #[arg(long, env = "BAILIWICK_ISSUER_KEYS", value_name = "URL=FILE", value_delimiter = ',')]
    issuer_keys: Vec<IssuerKeyFile>,
    /// Certificate authorities in PEM form that are trusted for issuers, besides those of the public Internet
    #[arg(long, env = "BAILIWICK_ISSUER_CA", value_name = "FILE")]
    issuer_ca: Option<PathBuf>,
}

impl IssuerOptions {
    /// Returns the settings.
    pub(crate) fn settings(&self) -> IssuerSettings {
        IssuerSettings {
            addresses: self.issuer_address.clone(),
            key_files: self.issuer_keys.clone(),
            ca_file: self.issuer_ca.clone(),
        }
    }
}
