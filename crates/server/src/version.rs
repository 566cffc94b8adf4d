//! The version and build of this binary.

use std::sync::LazyLock;

/// The version of the package.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit that it was built from, if `BAILIWICK_COMMIT` was set during the build.
pub(crate) const COMMIT: Option<&str> = option_env!("BAILIWICK_COMMIT");
/// The build profile.
pub(crate) const PROFILE: &str = if cfg!(debug_assertions) { "debug" } else { "release" };

/// Returns version and commit on one line.
pub(crate) fn line() -> &'static str {
    static LINE: LazyLock<String> = LazyLock::new(|| match COMMIT {
        Some(commit) => format!("{VERSION} ({commit})"),
        None => VERSION.to_owned(),
    });
    &LINE
}
