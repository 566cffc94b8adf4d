//! The Debian package, as `dpkg-deb` writes it: an `ar` archive of two tar archives.

use std::fs;

use anyhow::{Context, Result};

use md5::{Digest as _, Md5};

use super::files::{Tree, gzip};
use super::{Release, hex};
use crate::run;

/// Files of users that an upgrade keeps.
const CONFFILES: [&str; 1] = ["etc/bailiwick/bailiwick.env"];
/// The placeholder of the publisher, as in `SECURITY.md`.
const MAINTAINER: &str = "Bailiwick maintainers <maintainers@example.com>";

/// The name of the package's file.
pub(crate) fn name(release: &Release) -> String {
    format!("bailiwick_{}-1_{}.deb", release.version, architecture(&release.host))
}

/// Makes the package of a binary that needs the C library of the machine it was built on, or a newer one.
pub(crate) fn package(release: &Release) -> Result<Vec<u8>> {
    let data = content(release)?;
    let mut control = Tree::default();
    let size: usize = data.files().map(|(_, content)| content.len().div_ceil(1024)).sum();
    control.file("control", control_file(release, size));
    control.file("conffiles", CONFFILES.map(|path| format!("/{path}\n")).concat());
    let sums: Vec<_> = data
        .files()
        .filter(|(path, _)| !CONFFILES.contains(path))
        .map(|(path, content)| format!("{}  {path}\n", hex(&Md5::digest(content))))
        .collect();
    control.file("md5sums", sums.concat());
    for script in ["postinst", "prerm", "postrm"] {
        control.program(script, read(&format!("deploy/debian/{script}"))?);
    }
    let time = release.time;
    let mut package = b"!<arch>\n".to_vec();
    ar_member(&mut package, "debian-binary", b"2.0\n", time);
    ar_member(&mut package, "control.tar.gz", &gzip(&control.tar("", time)?)?, time);
    ar_member(&mut package, "data.tar.gz", &gzip(&data.tar("", time)?)?, time);
    Ok(package)
}

/// The files that the package installs.
fn content(release: &Release) -> Result<Tree> {
    let mut data = Tree::default();
    data.program("usr/bin/bailiwick", release.binary.clone());
    data.file("usr/lib/systemd/system/bailiwick.service", read("deploy/systemd/bailiwick.service")?);
    data.file("usr/lib/sysusers.d/bailiwick.conf", read("deploy/systemd/bailiwick.sysusers")?);
    data.file(CONFFILES[0], read("deploy/systemd/bailiwick.env")?);
    for (name, page) in &release.manual {
        data.file(format!("usr/share/man/man1/{name}.gz"), gzip(page)?);
    }
    for (shell, text) in &release.completions {
        let path = match shell.as_str() {
            "zsh" => "usr/share/zsh/vendor-completions/_bailiwick",
            "fish" => "usr/share/fish/vendor_completions.d/bailiwick.fish",
            _ => "usr/share/bash-completion/completions/bailiwick",
        };
        data.file(path, text.clone());
    }
    let doc = "usr/share/doc/bailiwick";
    data.file(format!("{doc}/copyright"), read("deploy/debian/copyright")?);
    data.file(format!("{doc}/changelog.Debian.gz"), gzip(changelog(release)?.as_bytes())?);
    data.file(format!("{doc}/changelog.gz"), gzip(&read("CHANGELOG.md")?)?);
    data.file(format!("{doc}/sbom.cdx.json.gz"), gzip(release.bill.as_bytes())?);
    for (path, content) in &release.documents {
        data.file(format!("{doc}/{path}"), content.clone());
    }
    Ok(data)
}

fn control_file(release: &Release, size: usize) -> String {
    let (version, architecture) = (&release.version, architecture(&release.host));
    let libc = release.libc.as_ref().map_or_else(|| "libc6".to_owned(), |version| format!("libc6 (>= {version})"));
    format!(
        "Package: bailiwick
Version: {version}-1
Architecture: {architecture}
Maintainer: {MAINTAINER}
Installed-Size: {size}
Depends: {libc}, libgcc-s1, systemd | systemd-standalone-sysusers | opensysusers
Section: admin
Priority: optional
Homepage: https://example.com/bailiwick
Description: self-hosted identity and access management that speaks AWS IAM
 Bailiwick manages users, groups, roles, policies and temporary credentials
 with the interfaces of AWS IAM and STS, over the AWS protocols and gRPC, and
 decides requests of other services by these policies. The store, the audit
 trail and the keys are on the machine's own disk.
"
    )
}

fn changelog(release: &Release) -> Result<String> {
    let date = release.date()?.strftime("%a, %d %b %Y %H:%M:%S +0000");
    let version = &release.version;
    Ok(format!(
        "bailiwick ({version}-1) unstable; urgency=medium\n\n  * Release {version}: see changelog.gz.\n\n -- {MAINTAINER}  {date}\n"
    ))
}

/// The name of Debian for an architecture.
fn architecture(host: &str) -> &str {
    match host.split('-').next().unwrap_or(host) {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn ar_member(archive: &mut Vec<u8>, name: &str, content: &[u8], time: u64) {
    let header = format!("{name:<16}{time:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, "100644", content.len());
    archive.extend_from_slice(header.as_bytes());
    archive.extend_from_slice(content);
    if content.len() % 2 == 1 {
        archive.push(b'\n');
    }
}

fn read(path: &str) -> Result<Vec<u8>> {
    fs::read(run::root().join(path)).with_context(|| format!("cannot read {path}"))
}
