//! Wrong clocks for the tests of several servers: Debian's `libfaketime`.

use crate::debian::Program;

pub(crate) const FAKETIME: Program = Program {
    checks: "wrong clocks of servers",
    name: "libfaketime",
    packages: &["libfaketime"],
    is_installed: || {
        let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        folders.into_iter().any(|folder| folder.path().join("faketime/libfaketime.so.1").is_file())
    },
};
