//! The address of a database, as libpq writes it: `postgres://user@host:port/name?parameters`.

use std::{net::IpAddr, path::Path, sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::OpenError;

/// How long one host has to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// After this time without an acknowledgement, a connection counts as lost.
const USER_TIMEOUT: Duration = Duration::from_secs(5);

/// The address of a database, with the credentials for it. The password is not in its [`Debug`](std::fmt::Debug) output.
#[derive(Clone)]
pub struct Address {
    pub(crate) config: Config,
    pub(crate) tls: MakeRustlsConnect,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("hosts", &self.config.get_hosts()).finish_non_exhaustive()
    }
}

/// The files of TLS that an address names.
#[derive(Default)]
struct TlsFiles {
    roots: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl Address {
    /// Reads an address. `password` is used if the address has none.
    ///
    /// Of libpq's parameters, those of the connection are accepted, and `sslmode`, `sslrootcert`, `sslcert` and `sslkey`.
    /// Without `sslmode`, TLS is required unless each host is a socket or a loopback address. The certificate is always
    /// checked, against `sslrootcert` or the public certificate authorities, and must be of the host.
    ///
    /// # Errors
    /// [`OpenError::Address`], which does not repeat the address, since it may contain a password.
    pub fn parse(address: &str, password: Option<&str>) -> Result<Self, OpenError> {
        let refused = |why: String| OpenError::Address(why);
        if !(address.starts_with("postgres://") || address.starts_with("postgresql://")) {
            return Err(refused("it does not begin with postgres:// or postgresql://".into()));
        }
        let (base, query) = address.split_once('?').unwrap_or((address, ""));
        // A part of the password would be taken for a host or a parameter, which messages name.
        if base.matches('@').count() > 1 || query.contains('@') {
            return Err(refused("the characters @ and ? of a user or password are written as %40 and %3F".into()));
        }
        let (mut files, mut mode, mut rest) = (TlsFiles::default(), None, Vec::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match &*name {
                "sslrootcert" => files.roots = Some(value),
                "sslcert" => files.certificate = Some(value),
                "sslkey" => files.key = Some(value),
                "sslmode" => mode = Some(value),
                _ => rest.push((name.into_owned(), value)),
            }
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(rest).finish().replace('+', "%20");
        let config = format!("{base}?{query}").parse::<Config>();
        let mut config = config.map_err(|error| {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            refused(source.unwrap_or_else(|| error.to_string()))
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(refused("it has no host".into()));
        }
        if let (None, Some(password)) = (config.get_password(), password) {
            config.password(password);
        }
        config.ssl_mode(match mode.as_deref() {
            Some("disable") => SslMode::Disable,
            None if is_local(&config) => SslMode::Disable,
            // Each of them checks the certificate and the name.
            None | Some("prefer" | "require" | "verify-ca" | "verify-full") => SslMode::Require,
            Some(other) => {
                return Err(refused(format!(
                    "sslmode is {other}; expected disable, require, verify-ca or verify-full"
                )));
            }
        });
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.connect_timeout(CONNECT_TIMEOUT).tcp_user_timeout(USER_TIMEOUT);
        config.application_name("bailiwick");
        Ok(Address { config, tls: MakeRustlsConnect::new(files.load()?) })
    }

    /// Whether the address has a password.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// The places of password files that the address names: of each host, the host, port, database and user.
    pub fn places(&self) -> Vec<[String; 4]> {
        let user = self.config.get_user().unwrap_or_default().to_owned();
        let database = self.config.get_dbname().map_or_else(|| user.clone(), str::to_owned);
        let hosts = self.hosts().into_iter();
        hosts.map(|(host, port)| [host, port.to_string(), database.clone(), user.clone()]).collect()
    }

    fn hosts(&self) -> Vec<(String, u16)> {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate().map(|(at, host)| {
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => (name.clone(), port),
                Host::Unix(path) => (path.display().to_string(), port),
            }
        });
        hosts.collect()
    }

    /// The hosts, ports and name of the database, for messages.
    pub fn describe(&self) -> String {
        let hosts: Vec<String> = self.hosts().iter().map(|(host, port)| format!("{host}:{port}")).collect();
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        format!("the database {database} on {}", hosts.join(","))
    }

    /// Whether connections use neither TLS nor this machine alone.
    pub fn is_exposed(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Disable && !is_local(&self.config)
    }
}

fn is_local(config: &Config) -> bool {
    let is_loopback = |host: &str| host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => is_loopback(name),
        Host::Unix(_) => true,
    });
    hosts && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

impl TlsFiles {
    fn load(&self) -> Result<ClientConfig, OpenError> {
        let refused = |path: &str, why: &dyn std::fmt::Display| OpenError::Address(format!("{path}: {why}"));
        let certificates = |path: &str| {
            let found = CertificateDer::pem_file_iter(Path::new(path)).map_err(|error| refused(path, &error))?;
            found.collect::<Result<Vec<_>, _>>().map_err(|error| refused(path, &error))
        };
        let mut roots = RootCertStore::empty();
        match &self.roots {
            Some(path) => {
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(|error| refused(path, &error))?;
                }
            }
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| OpenError::Address(error.to_string()))?
            .with_root_certificates(roots);
        match (&self.certificate, &self.key) {
            (None, None) => Ok(builder.with_no_client_auth()),
            (Some(certificate), Some(key)) => {
                let private = PrivateKeyDer::from_pem_file(Path::new(key)).map_err(|error| refused(key, &error))?;
                let config = builder.with_client_auth_cert(certificates(certificate)?, private);
                config.map_err(|error| refused(certificate, &error))
            }
            _ => Err(OpenError::Address("sslcert and sslkey are given together or not at all".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_libpq() {
        for (address, expected, mode, exposed) in [
            ("postgres://me@127.0.0.1/data", "the database data on 127.0.0.1:5432", SslMode::Disable, false),
            (
                "postgres://me@localhost:5433/data?sslmode=require",
                "the database data on localhost:5433",
                SslMode::Require,
                false,
            ),
            ("postgresql://me@a,b:6000/data", "the database data on a:5432,b:6000", SslMode::Require, false),
            ("postgres://me@a/data?sslmode=verify-full", "the database data on a:5432", SslMode::Require, false),
            ("postgres://me@a/data?sslmode=disable", "the database data on a:5432", SslMode::Disable, true),
            ("postgres://me@%2Frun%2Fpostgresql/", "the database me on /run/postgresql:5432", SslMode::Disable, false),
            (
                "postgres://me@a/data?options=-c%20search_path%3Diam",
                "the database data on a:5432",
                SslMode::Require,
                false,
            ),
        ] {
            let parsed = Address::parse(address, None).unwrap();
            let found = (parsed.describe(), parsed.config.get_ssl_mode(), parsed.is_exposed());
            assert_eq!(found, (expected.to_owned(), mode, exposed), "{address}");
        }
        let search_path = Address::parse("postgres://me@a/b?options=-c%20search_path%3Diam", None).unwrap();
        assert_eq!(search_path.config.get_options(), Some("-c search_path=iam"));
    }

    #[test]
    fn unusable_addresses_are_refused_without_their_password() {
        for (address, expected) in [
            ("redb:data", "it does not begin with postgres://"),
            ("postgres:///data", "it has no host"),
            ("postgres://me:hidden@a:port/data", "port"),
            ("postgres://me:hidden@a/data?sslmode=allow", "sslmode is allow"),
            ("postgres://me:x@hidden@a/data", "%40"),
            ("postgres://me:x?hidden@a/data", "%3F"),
            ("postgres://me:hidden@a/data?colour=blue", "colour"),
            ("postgres://me:hidden@a/data?sslrootcert=/nowhere.pem", "/nowhere.pem"),
            ("postgres://me:hidden@a/data?sslcert=/nowhere.pem", "sslcert and sslkey are given together"),
        ] {
            let error = Address::parse(address, None).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("hidden"), "{address}: {error}");
        }
    }

    #[test]
    fn the_password_is_that_of_the_address_or_the_given_one() {
        for (address, expected) in [("postgres://me@a/b", "given"), ("postgres://me:own@a/b", "own")] {
            let parsed = Address::parse(address, Some("given")).unwrap();
            assert_eq!(parsed.config.get_password(), Some(expected.as_bytes()));
            let shown = format!("{parsed:?}");
            assert!(!shown.contains("given") && !shown.contains("own"), "{shown}");
        }
    }
}
