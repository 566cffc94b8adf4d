//! What the operator says about issuers.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// The settings of the fetches.
#[derive(Clone, Debug, Default)]
pub(crate) struct IssuerSettings {
    /// Hosts that may have any address.
    pub(crate) addresses: Vec<IssuerAddress>,
    /// Issuers whose keys are in files.
    pub(crate) key_files: Vec<IssuerKeyFile>,
    /// A file with certificate authorities in PEM form that are trusted besides the public ones.
    pub(crate) ca_file: Option<PathBuf>,
}

/// A host of an issuer that may have an address outside of the public Internet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuerAddress {
    /// The host in lower case.
    pub(crate) host: String,
    /// Its address; none: what the name resolves to.
    pub(crate) address: Option<SocketAddr>,
}

/// An issuer whose keys are in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuerKeyFile {
    /// The URL of the issuer without `https://`.
    pub(crate) issuer: String,
    /// A JSON Web Key Set.
    pub(crate) file: PathBuf,
}

impl FromStr for IssuerAddress {
    type Err = String;

    /// Takes `HOST`, `HOST=ADDRESS` and `HOST=ADDRESS:PORT`.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (host, address) = text.split_once('=').map_or((text, None), |(host, address)| (host, Some(address)));
        let is_host = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !is_host {
            return Err("expected the host name of an issuer, without scheme, port and path".to_owned());
        }
        let address = address.map(|text| {
            let with_port = text.parse::<SocketAddr>();
            with_port.or_else(|_| text.trim_matches(['[', ']']).parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 443)))
        });
        let address = address.transpose();
        let address =
            address.map_err(|_| "expected HOST=ADDRESS or HOST=ADDRESS:PORT with an IP address".to_owned())?;
        Ok(IssuerAddress { host: host.to_ascii_lowercase(), address })
    }
}

impl FromStr for IssuerKeyFile {
    type Err = String;

    /// Takes `URL=FILE`; the URL with or without `https://`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((issuer, file)) if !issuer.is_empty() && !file.is_empty() => {
                let issuer = issuer.trim().strip_prefix("https://").unwrap_or(issuer.trim());
                Ok(IssuerKeyFile { issuer: issuer.to_owned(), file: file.into() })
            }
            _ => Err("expected the URL of an issuer and a file, as in https://idp.example.com=keys.json".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let read = |text: &str| text.parse::<IssuerAddress>().map(|read| (read.host, read.address));
        let at = |text: &str| Some(text.parse().unwrap());
        assert_eq!(read("IdP.example.com"), Ok(("idp.example.com".to_owned(), None)));
        assert_eq!(read("idp.lan=10.0.0.7"), Ok(("idp.lan".to_owned(), at("10.0.0.7:443"))));
        assert_eq!(read("idp.lan=10.0.0.7:8443"), Ok(("idp.lan".to_owned(), at("10.0.0.7:8443"))));
        assert_eq!(read("idp.lan=[fd00::1]:8443"), Ok(("idp.lan".to_owned(), at("[fd00::1]:8443"))));
        assert_eq!(read("idp.lan=fd00::1"), Ok(("idp.lan".to_owned(), at("[fd00::1]:443"))));
        for text in
            ["", "*", "https://idp.lan", "idp.lan:8443", "idp.lan/x", "idp.lan=", "idp.lan=other.lan", "=10.0.0.7"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn key_files() {
        let read = |text: &str| text.parse::<IssuerKeyFile>().map(|read| (read.issuer, read.file));
        let expected = Ok(("idp.lan/x".to_owned(), PathBuf::from("/etc/keys=1.json")));
        assert_eq!(read("https://idp.lan/x=/etc/keys=1.json"), expected);
        assert_eq!(read("idp.lan/x=/etc/keys=1.json"), expected);
        assert!(read("idp.lan").is_err() && read("=x").is_err() && read("idp.lan=").is_err());
    }
}
