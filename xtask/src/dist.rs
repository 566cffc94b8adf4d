//! The release: a stripped binary, a reproducible tarball, checksums, and the bill of materials.

use crate::metadata::Metadata;
use crate::{run, sbom};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs;
use std::process::Command;

const PACKAGE: &str = "bailiwick-server";
const BINARY: &str = "bailiwick";

pub(crate) fn run() -> Result<()> {
    let host = host()?;
    let metadata = Metadata::read(Some(&host))?;
    let version = metadata.members().find(|p| p.name == PACKAGE).map(|p| p.version.clone());
    let Some(version) = version else { bail!("the workspace has no package {PACKAGE}") };
    let name = format!("{BINARY}-{version}-{host}");

    println!("building {BINARY} {version} for {host}; this takes minutes");
    let mut build = run::cargo();
    build.args(["build", "--locked", "--profile", "dist", "--package", PACKAGE]);
    // `bailiwick version` prints the commit, unless the tree has uncommitted changes.
    let git = |args: &[&str]| run::output(Command::new("git").current_dir(run::root()).args(args)).ok();
    if git(&["status", "--porcelain"]).is_some_and(|changes| changes.is_empty()) {
        build.envs(
            git(&["rev-parse", "--short=12", "HEAD"]).map(|commit| ("BAILIWICK_COMMIT", commit.trim().to_owned())),
        );
    }
    run::quiet(build)?;

    let dist = run::root().join("dist");
    let folder = dist.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot empty the folder of the previous release")?;
    }
    fs::create_dir_all(&folder).context("cannot create dist/")?;
    fs::copy(run::target().join("dist").join(BINARY), folder.join(BINARY)).context("cannot copy the binary")?;
    for file in ["LICENSE", "README.md", "CHANGELOG.md"] {
        fs::copy(run::root().join(file), folder.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    let bill = serde_json::to_string_pretty(&sbom::write(&metadata, PACKAGE))? + "\n";
    let bill_name = format!("{name}.cdx.json");
    fs::write(dist.join(&bill_name), &bill).context("cannot write the bill of materials")?;
    fs::write(folder.join("sbom.cdx.json"), &bill).context("cannot write the bill of materials")?;

    let tarball = format!("{name}.tar.gz");
    let mut tar = Command::new("tar");
    tar.current_dir(&dist).env("GZIP", "-n").args(["--create", "--gzip", "--file", &tarball]);
    if run::installed("tar", &["--sort=name", "--version"]) {
        tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"]);
    }
    tar.arg(&name);
    run::quiet(tar)?;

    let mut sums = String::new();
    for file in [&tarball, &bill_name] {
        let bytes = fs::read(dist.join(file)).with_context(|| format!("cannot read {file}"))?;
        sums += &format!("{}  {file}\n", hex(&Sha256::digest(&bytes)));
    }
    fs::write(dist.join("SHA256SUMS"), &sums).context("cannot write SHA256SUMS")?;
    let size = fs::metadata(folder.join(BINARY))?.len();
    println!("dist/{name}/{BINARY}: {:.1} MiB\n{sums}", size as f64 / (1024.0 * 1024.0));
    Ok(())
}

/// Returns the target triple of this machine.
pub(crate) fn host() -> Result<String> {
    let text = run::output(Command::new("rustc").arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(String::from).context("rustc does not print its host triple")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
