//! The fuzz targets of proxies' headers. `fuzz/fuzz_targets` includes this file and its two neighbours; the tests here pass
//! every file in `fuzz/corpus` to them.

use std::str::FromStr as _;

use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

use super::{proxy, proxy_protocol};

/// The bytes at the beginning of a connection are a header of the PROXY protocol, or are refused. A header is read without
/// the bytes that follow it.
pub(crate) fn proxy_protocol(bytes: &[u8]) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    let mut rest = bytes;
    if runtime.block_on(proxy_protocol::read(&mut rest)).is_ok() {
        let mut exact = &bytes[..bytes.len() - rest.len()];
        assert!(runtime.block_on(proxy_protocol::read(&mut exact)).is_ok() && exact.is_empty());
    }
}

/// Lines of headers name a client, or are refused. An address that the client adds on the left changes nothing.
pub(crate) fn forwarded(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (mut headers, mut longer) = (HeaderMap::new(), HeaderMap::new());
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { return };
        let (Ok(name), Ok(value)) = (HeaderName::from_str(name), HeaderValue::from_str(value.trim())) else { return };
        if name == "x-forwarded-for" && !longer.contains_key(&name) {
            longer.append(&name, HeaderValue::from_static("198.51.100.99"));
        }
        longer.append(&name, value.clone());
        headers.append(&name, value);
    }
    let Ok(trusted) = IpNet::from_str("10.0.0.0/8") else { return };
    let proxies = proxy::TrustedProxies::new(vec![trusted]);
    let Ok(Some(client)) = proxies.client(&headers) else { return };
    if !trusted.contains(&client.ip)
        && let Ok(Some(other)) = proxies.client(&longer)
    {
        assert_eq!(client.ip, other.ip, "{text:?}");
    }
}

#[cfg(test)]
mod tests {
    fn replay(target: &str, run: fn(&[u8])) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/");
        let mut files = 0;
        for file in std::fs::read_dir(format!("{folder}{target}")).unwrap() {
            run(&std::fs::read(file.unwrap().path()).unwrap());
            files += 1;
        }
        assert!(files > 0, "no corpus of {target}");
    }

    #[test]
    fn the_corpora_of_proxies_headers_pass() {
        replay("proxy_protocol", super::proxy_protocol);
        replay("forwarded", super::forwarded);
    }
}
