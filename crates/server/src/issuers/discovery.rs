//! The discovery document of an issuer, which names the address of its keys.

use http::Uri;
use serde::Deserialize;

/// What is read of the document. Everything else is ignored.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

/// The path of the discovery document of an issuer, whose URL is without its scheme.
pub(super) fn path_of(issuer: &str) -> String {
    let path = issuer.split_once('/').map_or("", |(_, path)| path).trim_end_matches('/');
    let slash = if path.is_empty() { "" } else { "/" };
    format!("{slash}{path}/.well-known/openid-configuration")
}

/// Reads the path of the keys from the document of an issuer.
///
/// # Errors
/// Says why the document is not acceptable: it is malformed, of another issuer, or names keys of another origin.
pub(super) fn read(document: &[u8], issuer: &str) -> Result<String, String> {
    let found: Document = serde_json::from_slice(document).map_err(|error| {
        format!("the discovery document is malformed at line {} column {}", error.line(), error.column())
    })?;
    if found.issuer.strip_prefix("https://") != Some(issuer) {
        return Err("the discovery document is of another issuer".to_owned());
    }
    let host = issuer.split('/').next().unwrap_or_default();
    let uri: Uri =
        found.jwks_uri.parse().map_err(|_| "the `jwks_uri` of the discovery document is not a URL".to_owned())?;
    let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    let is_same_host = authority.strip_suffix(":443").unwrap_or(authority).eq_ignore_ascii_case(host);
    if uri.scheme_str() != Some("https") || !is_same_host {
        return Err("the `jwks_uri` of the discovery document has another origin than the issuer".to_owned());
    }
    Ok(uri.path_and_query().map_or_else(|| "/".to_owned(), |path| path.as_str().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents() {
        assert_eq!(path_of("idp.example.com"), "/.well-known/openid-configuration");
        assert_eq!(path_of("idp.example.com/"), "/.well-known/openid-configuration");
        assert_eq!(path_of("idp.example.com/realms/x"), "/realms/x/.well-known/openid-configuration");
        let check = |jwks: &str, expected: Result<&str, &str>| {
            let document = format!(r#"{{"issuer": "https://idp.example.com/x", "jwks_uri": "{jwks}", "more": [1]}}"#);
            let found = read(document.as_bytes(), "idp.example.com/x");
            match expected {
                Ok(path) => assert_eq!(found.as_deref(), Ok(path), "{jwks}"),
                Err(word) => assert!(found.as_ref().is_err_and(|why| why.contains(word)), "{jwks}: {found:?}"),
            }
        };
        check("https://idp.example.com/keys", Ok("/keys"));
        check("https://IDP.example.com:443/keys?v=1", Ok("/keys?v=1"));
        check("https://idp.example.com", Ok("/"));
        for other in [
            "http://idp.example.com/keys",
            "https://keys.example.com/keys",
            "https://idp.example.com.attacker.net/keys",
            "https://idp.example.com:8443/keys",
            "https://idp.example.com@127.0.0.1/keys",
            "https://x@idp.example.com/keys",
            "https://127.0.0.1/keys",
            "ftp://idp.example.com/keys",
        ] {
            check(other, Err("origin"));
        }
        check("/keys", Err("origin"));
        check("file:///etc/passwd", Err("URL"));
        check("", Err("URL"));
        let is_refused = |text: &str| read(text.as_bytes(), "idp.example.com/x").is_err();
        for text in [
            "",
            "[]",
            "<html>",
            r#"{"issuer": "https://idp.example.com/x"}"#,
            r#"{"issuer": "https://idp.example.com", "jwks_uri": "https://idp.example.com/keys"}"#,
            r#"{"issuer": "https://idp.example.com/x/", "jwks_uri": "https://idp.example.com/keys"}"#,
            r#"{"issuer": "http://idp.example.com/x", "jwks_uri": "https://idp.example.com/keys"}"#,
            r#"{"issuer": "idp.example.com/x", "jwks_uri": "https://idp.example.com/keys"}"#,
            r#"{"issuer": "https://idp.example.com/x", "issuer": "a", "jwks_uri": "https://idp.example.com/keys"}"#,
        ] {
            assert!(is_refused(text), "{text}");
        }
    }
}
