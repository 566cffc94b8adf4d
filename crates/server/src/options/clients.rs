//! Addresses of clients behind proxies, and limits for clients.

use std::net::IpAddr;

use bailiwick_service::Service;
use clap::Args;
use ipnet::IpNet;

use super::boolean;
use crate::failure::Failure;
use crate::net::TrustedProxies;

/// The group "Clients".
#[derive(Args)]
#[command(next_help_heading = "Clients")]
pub(crate) struct ClientOptions {
    /// Network of a proxy whose Forwarded, or X-Forwarded-For and X-Forwarded-Proto, headers are trusted; may be
    /// repeated
    #[arg(
        long,
        env = "BAILIWICK_TRUSTED_PROXIES",
        value_name = "CIDR",
        value_delimiter = ',',
        value_parser = network
    )]
    trusted_proxy: Vec<IpNet>,
    /// Connections of trusted proxies begin with a header of the PROXY protocol, version 1 or 2
    #[arg(long, env = "BAILIWICK_PROXY_PROTOCOL", value_parser = boolean)]
    pub(crate) proxy_protocol: bool,
    /// Failed authentications per second from one source, in bursts of ten times as many, and a fifth of that per
    /// access key; above the limit the answer is Throttling. 0 for no limit
    #[arg(long, env = "BAILIWICK_FAILED_AUTHENTICATIONS", value_name = "PER-SECOND", default_value_t = Service::FAILURES_PER_SECOND)]
    failed_authentications: u32,
    /// Calls per second of one principal, in bursts of ten times as many; above the limit the answer is Throttling.
    /// 0 for no limit. Decisions for services are not limited
    ///
    /// A user is one principal, and so is a role with all its sessions.
    #[arg(long, env = "BAILIWICK_CALLS_PER_PRINCIPAL", value_name = "PER-SECOND", default_value_t = 0)]
    calls_per_principal: u32,
    /// Calls per second from one source, in the same way
    ///
    /// A source is an IPv4 address, or the /64 of an IPv6 address.
    #[arg(long, env = "BAILIWICK_CALLS_PER_SOURCE", value_name = "PER-SECOND", default_value_t = 0)]
    calls_per_source: u32,
}

impl ClientOptions {
    /// Sets the rate limits of a service.
    pub(crate) fn limit(&self, service: Service) -> Service {
        let service = service.with_failures_per_second(self.failed_authentications);
        service.with_calls_per_second(self.calls_per_principal, self.calls_per_source)
    }

    /// Returns the trusted proxies.
    ///
    /// # Errors
    /// When the PROXY protocol is enabled without trusted proxies.
    pub(crate) fn proxies(&self) -> Result<TrustedProxies, Failure> {
        if self.proxy_protocol && self.trusted_proxy.is_empty() {
            let message = "--proxy-protocol needs --trusted-proxy : the network that the proxies call from";
            return Err(Failure::with_code(message, 2));
        }
        Ok(TrustedProxies::new(self.trusted_proxy.clone()))
    }
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| "expected a network such as 10.0.0.0/8, or an address".to_owned())
}
