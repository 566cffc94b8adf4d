//! The cookie with the id of a browser's session, and the address after the sign-in.

use bailiwick_service::Peer;
use http::request::Parts;
use http::{HeaderValue, header};

use crate::reply::Reply;

/// The cookie over TLS. The prefix makes browsers refuse it without `Secure`, with a domain or with another path.
const COOKIE: &str = "__Host-bailiwick";
/// The cookie without TLS, which is accepted on this machine only.
const LOCAL_COOKIE: &str = "bailiwick-console";

/// The id of the session, if there is exactly one cookie of that name.
pub(crate) fn session_id<'a>(head: &'a Parts, peer: &Peer) -> Option<&'a str> {
    let name = cookie_name(peer);
    let values = head.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut own = values
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(own, _)| *own == name);
    let (_, id) = own.next()?;
    own.next().is_none().then_some(id)
}

/// Gives the browser the id of its session; an empty id takes it away.
pub(crate) fn set_cookie(reply: &mut Reply, peer: &Peer, id: &str) {
    let name = cookie_name(peer);
    let secure = if peer.secure { "; Secure" } else { "" };
    let age = if id.is_empty() { "; Max-Age=0" } else { "" };
    let cookie = format!("{name}={id}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
    if let Ok(mut value) = HeaderValue::try_from(cookie) {
        value.set_sensitive(true);
        reply.headers_mut().insert(header::SET_COOKIE, value);
    }
}

fn cookie_name(peer: &Peer) -> &'static str {
    if peer.secure { COOKIE } else { LOCAL_COOKIE }
}

/// Where a person goes after the sign-in: a page of the console, never another site.
pub(crate) fn inner_address(address: &str) -> String {
    let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    // Browsers resolve these segments, encoded or not, before they follow the address.
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let is_dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    let is_inside = !path.split('/').any(is_dots);
    if is_plain
        && is_inside
        && (address == "/console" || address.starts_with("/console/") || address.starts_with("/console?"))
    {
        address.to_owned()
    } else {
        "/console".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_after_the_sign_in_is_a_page_of_the_console() {
        for inner in ["/console", "/console?q=../x", "/console/users/user?name=..", "/console/a.b/...", "/console//x"] {
            assert_eq!(inner_address(inner), inner);
        }
        for outer in [
            "",
            "//example.com",
            "https://example.com/console/",
            "/consoles",
            "/console\\example.com",
            "/console/\r\nSet-Cookie: a=b",
            "/console/../x",
            "/console/./../x?y",
            "/console/%2e%2E/x",
            "/console/.%2e#x",
        ] {
            assert_eq!(inner_address(outer), "/console", "{outer}");
        }
    }
}
