//! The addresses that the server listens on.

use std::net::SocketAddr;

use clap::Args;
use tokio::net::TcpListener;

use super::{ListenAddress, OptionalListenAddress, boolean};
use crate::failure::Failure;

/// The group "Listening".
#[derive(Args)]
#[command(next_help_heading = "Listening")]
pub(crate) struct ListeningOptions {
    /// Address and port for gRPC, gRPC-Web and the AWS Query protocol
    #[arg(long, env = "BAILIWICK_LISTEN", default_value = "127.0.0.1:7470", value_name = "ADDRESS")]
    pub(crate) listen: ListenAddress,
    /// Address and port for Prometheus, over TLS beyond loopback; `none` for no such port
    #[arg(long, env = "BAILIWICK_METRICS_LISTEN", default_value = "127.0.0.1:7471", value_name = "ADDRESS")]
    pub(crate) metrics_listen: OptionalListenAddress,
    /// Listen beyond loopback without TLS: secrets can then be read on the network
    #[arg(long, env = "BAILIWICK_INSECURE_ALLOW_CLEAR", value_parser = boolean)]
    pub(crate) insecure_allow_clear: bool,
    /// URL at which clients and other services reach the server [default: the scheme and address of --listen]
    ///
    /// The issuers of tokens for services outside begin with it, so it must not change once such services trust an
    /// issuer.
    #[arg(long, env = "BAILIWICK_PUBLIC_URL", value_name = "URL", value_parser = parse_public_url)]
    pub(crate) public_url: Option<String>,
    /// Do not serve gRPC reflection
    #[arg(long, env = "BAILIWICK_NO_REFLECTION", value_parser = boolean)]
    pub(crate) no_reflection: bool,
}

impl ListeningOptions {
    /// The URL at which others reach the server, if they can reach the `endpoint` that it listens on.
    pub(crate) fn public_url(&self, endpoint: &str) -> String {
        self.public_url.clone().unwrap_or_else(|| endpoint.to_owned())
    }

    /// Refuses the same address for both listeners.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.metrics_listen.0.as_ref() != Some(&self.listen) || self.listen.has_any_port() {
            return Ok(());
        }
        let message =
            format!("--listen and --metrics-listen are both {}: give --metrics-listen another port", self.listen);
        Err(Failure::with_code(message, 2))
    }

    /// Listens on the first available address of `--listen`.
    ///
    /// Every address of the name must be on loopback, unless `encrypted` or `--insecure-allow-clear` is given.
    pub(crate) async fn bind(&self, encrypted: bool) -> Result<TcpListener, Failure> {
        let addresses = self.listen.resolve().await?;
        self.refuse_clear(&addresses, encrypted, "signatures and secrets would travel in clear text")?;
        bind("--listen", &addresses).await
    }

    /// Listens on `--metrics-listen`, unless it is `none`, and returns whether that is beyond loopback. The same rule
    /// applies.
    pub(crate) async fn bind_metrics(&self, encrypted: bool) -> Result<Option<(TcpListener, bool)>, Failure> {
        let Some(address) = &self.metrics_listen.0 else { return Ok(None) };
        let addresses = address.resolve().await?;
        self.refuse_clear(
            &addresses,
            encrypted,
            "metrics, which reveal the use of the server, would travel in clear text",
        )?;
        let is_open = addresses.iter().any(|address| !address.ip().is_loopback());
        Ok(Some((bind("--metrics-listen", &addresses).await?, is_open)))
    }

    fn refuse_clear(&self, addresses: &[SocketAddr], encrypted: bool, why: &str) -> Result<(), Failure> {
        match addresses.iter().find(|address| !address.ip().is_loopback()) {
            Some(open) if !encrypted && !self.insecure_allow_clear => {
                let message = format!(
                    "refusing to listen on {open} without TLS, since {why}: give --tls-cert and --tls-key, or --insecure-allow-clear"
                );
                Err(Failure::with_code(message, 2))
            }
            _ => Ok(()),
        }
    }
}

/// Listens on the first available address.
pub(crate) async fn bind(option: &str, addresses: &[SocketAddr]) -> Result<TcpListener, Failure> {
    let mut refused = None;
    for address in addresses {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) => {
                refused.get_or_insert((address, error));
            }
        }
    }
    let Some((address, error)) = refused else { return Err(Failure::new(format!("{option} names no address"))) };
    let hint = match error.kind() {
        std::io::ErrorKind::AddrInUse => ": is another server running? Give another port with",
        std::io::ErrorKind::AddrNotAvailable => ": this machine does not have that address; give one that it has with",
        std::io::ErrorKind::PermissionDenied => ": ports below 1024 are for root; give another one with",
        _ => ": give another address with",
    };
    Err(Failure::new(format!("cannot listen on {address}: {error}{hint} {option}")))
}

/// Parses a URL of scheme, host, port and path; a slash at the end is left out.
fn parse_public_url(text: &str) -> Result<String, String> {
    let expected = || "expected a URL such as `https://iam.example.com`, without user, query and fragment".to_owned();
    let url = http::Uri::try_from(text).map_err(|_| expected())?;
    let is_http = matches!(url.scheme_str(), Some("http" | "https"));
    let has_host = url.host().is_some_and(|host| !host.is_empty());
    if !is_http || !has_host || text.contains(['?', '#', '@']) {
        return Err(expected());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_has_scheme_host_and_path() {
        for (text, expected) in [
            ("https://iam.example.com", Some("https://iam.example.com")),
            ("https://iam.example.com/", Some("https://iam.example.com")),
            ("http://127.0.0.1:7470", Some("http://127.0.0.1:7470")),
            ("https://example.com/iam/", Some("https://example.com/iam")),
            ("iam.example.com", None),
            ("ftp://example.com", None),
            ("https://", None),
            ("https://user@example.com", None),
            ("https://example.com/?a", None),
            ("https://example.com/#a", None),
            ("https://exa mple.com", None),
            ("", None),
        ] {
            assert_eq!(parse_public_url(text).ok().as_deref(), expected, "{text}");
        }
    }
}
