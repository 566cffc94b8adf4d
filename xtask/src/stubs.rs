//! Generates client stubs from `proto/` in each supported language, with no flags but the output folder.
//!
//! The pinned Python packages bring two compilers: `grpc_tools` for Python, and a plain `protoc`, which has Java and C#.
//! A language whose other tools are not installed is reported as not checked.

use crate::check::Done;
use crate::run::{self, Tally};
use crate::{python, run::Output};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Generates all stubs; imports those in Python and type-checks those in TypeScript.
///
/// # Errors
/// The output of the compiler that failed.
pub(crate) fn run() -> Result<Done> {
    let python = python::environment()?;
    let stubs = Stubs { out: run::target().join("stubs"), files: files()? };
    if stubs.out.exists() {
        fs::remove_dir_all(&stubs.out).context("cannot remove the stubs of the previous run")?;
    }
    let pinned = python.with_file_name("protoc");
    let mut done = Done { tally: Tally::default(), skipped: Vec::new() };

    stubs.python(&python)?;
    stubs.generate(&pinned, "java", &["java"])?;
    stubs.generate(&pinned, "csharp", &["csharp"])?;
    done.tally.passed += 3;

    if run::installed("protoc", &["--version"]) {
        stubs.generate(Path::new("protoc"), "installed", &["cpp", "csharp", "java", "python"])?;
        done.tally.passed += 1;
    } else {
        done.skipped.push("stubs by the installed protoc (protoc is not installed)".into());
    }
    match ["protoc-gen-go", "protoc-gen-go-grpc"].iter().find(|plugin| !run::has_plugin(plugin)) {
        None => {
            stubs.generate(&pinned, "go", &["go", "go-grpc"])?;
            done.tally.passed += 1;
        }
        Some(missing) => done.skipped.push(format!("stubs in Go ({missing} is not installed)")),
    }
    if run::installed("npm", &["--version"]) {
        stubs.typescript(&pinned)?;
        done.tally.passed += 1;
    } else {
        done.skipped.push("stubs in TypeScript (npm is not installed)".into());
    }
    Ok(done)
}

struct Stubs {
    out: PathBuf,
    /// The proto files, as they are imported.
    files: Vec<OsString>,
}

impl Stubs {
    /// One call of `protoc`, for one language or several.
    fn generate(&self, protoc: &Path, name: &str, languages: &[&str]) -> Result<()> {
        self.call(Command::new(protoc), name, languages)
    }

    fn call(&self, mut command: Command, name: &str, languages: &[&str]) -> Result<()> {
        command.current_dir(run::root()).arg("-Iproto");
        for language in languages {
            let folder = self.out.join(name).join(language);
            fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            let mut out = OsString::from(format!("--{language}_out="));
            out.push(folder);
            command.arg(out);
        }
        command.args(&self.files);
        let Output { text, success } = run::capture(command, false)?;
        // A warning is what a user of the stubs would see as well.
        if !success || !text.trim().is_empty() {
            bail!("stubs ({}): {}", languages.join(", "), text.trim_end());
        }
        Ok(())
    }

    /// Messages and services in one folder, as grpcio wants them, and all of them imported.
    fn python(&self, python: &Path) -> Result<()> {
        let folder = self.out.join("python");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut command = Command::new(python);
        command.current_dir(run::root()).args(["-m", "grpc_tools.protoc", "-Iproto"]);
        for kind in ["python_out", "grpc_python_out", "pyi_out"] {
            command.arg(format!("--{kind}={}", folder.display()));
        }
        command.args(&self.files);
        run::quiet(command)?;
        let mut import = Command::new(python);
        import.env("PYTHONDONTWRITEBYTECODE", "1").arg(run::root().join("tests/stubs/import_all.py")).arg(folder);
        run::quiet(import)
    }

    /// With both generators that are in use, and type-checked together.
    fn typescript(&self, protoc: &Path) -> Result<()> {
        let node = self.out.join("typescript");
        let generated = node.join("generated");
        fs::create_dir_all(&generated).with_context(|| format!("cannot make {}", generated.display()))?;
        for file in ["package.json", "package-lock.json", "tsconfig.json"] {
            fs::copy(run::root().join("tests/stubs").join(file), node.join(file))
                .with_context(|| format!("cannot copy tests/stubs/{file}"))?;
        }
        let mut install = Command::new("npm");
        install.current_dir(&node).args(["ci", "--silent", "--ignore-scripts"]);
        run::quiet(install).context("cannot install the pinned npm packages")?;
        let programs = node.join("node_modules/.bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(programs.clone()).chain(std::env::split_paths(&path)))?;
        for language in ["es", "ts_proto"] {
            let mut command = Command::new(protoc);
            command.env("PATH", &path);
            self.call(command, "typescript/generated", &[language])?;
        }
        let mut check = Command::new(programs.join("tsc"));
        check.current_dir(&node).args(["--project", "."]);
        run::quiet(check)
    }
}

/// Every proto file of the API, as another file would import it.
fn files() -> Result<Vec<OsString>> {
    let root = run::root().join("proto");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                files.push(path.strip_prefix(&root)?.as_os_str().to_owned());
            }
        }
    }
    files.sort();
    Ok(files)
}
