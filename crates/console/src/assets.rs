//! The stylesheet and the script, embedded. Their names have a hash of their content, so browsers may keep them forever.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A file for browsers.
pub(crate) struct Asset {
    /// Its address, with a hash of its content.
    pub(crate) url: String,
    /// Its media type.
    pub(crate) kind: &'static str,
    /// Its content.
    pub(crate) content: &'static str,
}

/// The stylesheet of all pages.
pub(crate) static STYLESHEET: LazyLock<Asset> =
    LazyLock::new(|| asset("css", "text/css; charset=utf-8", include_str!("../assets/console.css")));

/// The script of all pages. They work without it.
pub(crate) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| asset("js", "text/javascript; charset=utf-8", include_str!("../assets/console.js")));

/// The icon.
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| asset("svg", "image/svg+xml", include_str!("../assets/icon.svg")));

/// Finds an asset by the path of a request.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    let assets: [&'static Asset; 3] = [&STYLESHEET, &SCRIPT, &ICON];
    assets.into_iter().find(|asset| asset.url == path)
}

fn asset(extension: &str, kind: &'static str, content: &'static str) -> Asset {
    let hash = digest::digest(&digest::SHA256, content.as_bytes());
    let hash = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..9]);
    Asset { url: format!("/console/assets/console-{hash}.{extension}"), kind, content }
}
