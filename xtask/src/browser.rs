//! The browser of the console's tests: Debian's `chromium` with its driver.

use crate::debian::Program;
use crate::run;

pub(crate) const BROWSER: Program = Program {
    checks: "the console in a browser",
    name: "chromium or chromedriver",
    packages: &["chromium", "chromium-driver"],
    is_installed: || ["chromium", "chromedriver"].iter().all(|program| run::installed(program, &["--version"])),
};
