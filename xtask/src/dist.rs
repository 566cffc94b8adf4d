//! The release: tarballs, a Debian package, a container image, checksums, and the bill of materials.
//!
//! Every file is made by this program, without `tar`, `dpkg-deb` or Docker, and the same commit gives the same bytes.

mod build;
mod deb;
mod files;
mod image;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::metadata::Metadata;
use crate::{run, sbom};
use files::{Tree, gzip};

const PACKAGE: &str = "bailiwick-server";
const BINARY: &str = "bailiwick";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Package this binary instead of building one: to work on the packages
    #[arg(long, value_name = "FILE", conflicts_with = "verify")]
    binary: Option<PathBuf>,
    /// The same for the static binary, which the image has
    #[arg(long, value_name = "FILE", requires = "binary")]
    static_binary: Option<PathBuf>,
    /// Build everything twice, in two target folders, and compare the bytes
    #[arg(long)]
    verify: bool,
}

/// What the packages are made of.
pub(crate) struct Release {
    version: String,
    host: String,
    /// The commit, unless the tree has uncommitted changes.
    commit: Option<String>,
    /// The time of every file, in seconds since 1970.
    time: u64,
    /// The binary that needs a C library.
    binary: Vec<u8>,
    /// The lowest version of the C library with the functions that the binary uses.
    libc: Option<String>,
    /// The binary that needs no library.
    static_binary: Option<Vec<u8>>,
    license: Vec<u8>,
    bill: String,
    /// Manual pages by name.
    manual: Vec<(String, Vec<u8>)>,
    /// Completions by shell.
    completions: Vec<(String, Vec<u8>)>,
    /// `docs/` and the readme.
    documents: Vec<(String, Vec<u8>)>,
    /// `deploy/`, by path.
    deploy: Vec<(String, Vec<u8>)>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let dist = run::root().join("dist");
    let sums = if let Some(binary) = &args.binary {
        let static_binary = args.static_binary.as_deref().map(read).transpose()?;
        Release::read(read(binary)?, binary, static_binary)?.write(&dist)?
    } else {
        let target = run::target();
        let sums = Release::build(&target.join("dist-build"))?.write(&dist)?;
        if args.verify {
            let second = Release::build(&target.join("dist-verify"))?.write(&target.join("dist-again"))?;
            if sums != second {
                bail!("the second build differs:\n{sums}\nsecond:\n{second}");
            }
            println!("the second build is the same");
        }
        sums
    };
    println!("dist/\n{sums}");
    Ok(())
}

impl Release {
    fn build(target: &Path) -> Result<Release> {
        let host = host()?;
        let binary = build::binary(target, &host, false)?;
        let static_binary = if build::can_be_static(&host) {
            Some(read(&build::binary(target, &host, true)?)?)
        } else {
            println!("not made: static tarball and image, since there is no static C library (libc.a) for {host}");
            None
        };
        Release::read(read(&binary)?, &binary, static_binary)
    }

    /// Collects everything besides the binaries. `program` is run for the manual and the completions.
    fn read(binary: Vec<u8>, program: &Path, static_binary: Option<Vec<u8>>) -> Result<Release> {
        let host = host()?;
        let metadata = Metadata::read(Some(&host))?;
        let version = metadata.members().find(|p| p.name == PACKAGE).map(|p| p.version.clone());
        let Some(version) = version else { bail!("the workspace has no package {PACKAGE}") };
        let root = run::root();
        let completions = ["bash", "zsh", "fish"].map(|shell| {
            let text = run::output(Command::new(program).args(["completions", shell]))?;
            Ok((shell.to_owned(), text.into_bytes()))
        });
        let mut documents = files_in(&root.join("docs"), "")?;
        documents.push(("README.md".into(), read(&root.join("README.md"))?));
        Ok(Release {
            version,
            commit: build::commit(),
            time: build::time(),
            libc: libc(&binary),
            binary,
            static_binary,
            license: read(&root.join("LICENSE"))?,
            bill: serde_json::to_string_pretty(&sbom::write(&metadata, PACKAGE))? + "\n",
            manual: manual(program)?,
            completions: completions.into_iter().collect::<Result<_>>()?,
            documents,
            deploy: files_in(&root.join("deploy"), "")?,
            host,
        })
    }

    fn date(&self) -> Result<Timestamp> {
        Ok(Timestamp::from_second(i64::try_from(self.time)?)?)
    }

    /// Writes every file of the release into an emptied folder. Returns the checksums.
    fn write(&self, folder: &Path) -> Result<String> {
        if folder.exists() {
            fs::remove_dir_all(folder).context("cannot empty the folder of the previous release")?;
        }
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let name = format!("{BINARY}-{}-{}", self.version, self.host);
        let mut files = vec![
            (format!("{name}.tar.gz"), self.tarball(&name, &self.binary)?),
            (format!("{name}.cdx.json"), self.bill.clone().into_bytes()),
            (deb::name(self), deb::package(self)?),
        ];
        match &self.static_binary {
            Some(binary) => {
                files.push((format!("{name}-static.tar.gz"), self.tarball(&format!("{name}-static"), binary)?));
                files.push((format!("{name}-image.tar"), image::archive(self, binary)?));
            }
            None => println!("not made: static tarball and image, without a static binary"),
        }
        files.sort();
        let mut sums = String::new();
        for (name, content) in &files {
            fs::write(folder.join(name), content).with_context(|| format!("cannot write {name}"))?;
            sums += &format!("{}  {name}\n", hex(&Sha256::digest(content)));
        }
        fs::write(folder.join("SHA256SUMS"), &sums).context("cannot write SHA256SUMS")?;
        Ok(sums)
    }

    fn tarball(&self, name: &str, binary: &[u8]) -> Result<Vec<u8>> {
        let mut tree = Tree::default();
        tree.program(BINARY, binary);
        tree.file("LICENSE", self.license.clone());
        tree.file("CHANGELOG.md", read(&run::root().join("CHANGELOG.md"))?);
        tree.file("sbom.cdx.json", self.bill.clone());
        for (page, content) in &self.manual {
            tree.file(format!("man/man1/{page}"), content.clone());
        }
        for (shell, content) in &self.completions {
            tree.file(format!("completions/{BINARY}.{shell}"), content.clone());
        }
        for (path, content) in &self.documents {
            let path = if path == "README.md" { path.clone() } else { format!("docs/{path}") };
            tree.file(path, content.clone());
        }
        for (path, content) in self.deploy.iter().filter(|(path, _)| !path.starts_with("debian/")) {
            tree.file(format!("deploy/{path}"), content.clone());
        }
        gzip(&tree.tar(&format!("{name}/"), self.time)?)
    }
}

/// The manual pages that a binary prints.
fn manual(program: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let folder = run::target().join("dist-man");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot empty the folder of the manual")?;
    }
    run::quiet({
        let mut command = Command::new(program);
        command.arg("man").arg(&folder);
        command
    })?;
    files_in(&folder, "")
}

/// The files below a folder, sorted, by path.
fn files_in(folder: &Path, prefix: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            found.extend(files_in(&entry.path(), &format!("{name}/"))?);
        } else {
            found.push((name, read(&entry.path())?));
        }
    }
    found.sort();
    Ok(found)
}

/// The highest version of the GNU C library among the functions that a binary names.
fn libc(binary: &[u8]) -> Option<String> {
    let prefix = b"GLIBC_2.";
    let versions =
        binary.windows(prefix.len()).enumerate().filter(|(_, window)| window == prefix).filter_map(|(at, _)| {
            let digits: String = binary[at + prefix.len()..]
                .iter()
                .take(3)
                .map_while(|b| b.is_ascii_digit().then_some(*b as char))
                .collect();
            digits.parse::<u32>().ok()
        });
    versions.max().map(|minor| format!("2.{minor}"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
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
