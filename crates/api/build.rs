//! Compiles `proto/` without `protoc`, and generates what prost does not: operations, validators, redaction, `Debug`.

#[path = "build/messages.rs"]
mod messages;
#[path = "build/names.rs"]
mod names;
#[path = "build/operations.rs"]
mod operations;
#[path = "build/rules.rs"]
mod rules;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The packages that make up the API, each a module of this crate.
const PACKAGES: [&str; 10] =
    ["account", "admin", "audit", "authz", "cloudtrail", "iam", "iamtoolbox", "options", "signin", "sts"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");

    let mut files = Vec::new();
    for package in PACKAGES {
        let folder = root.join("bailiwick").join(package).join("v1");
        println!("cargo::rerun-if-changed={}", folder.display());
        proto_files(&folder, &mut files)?;
    }
    files.sort();

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).open_files(&files)?;
    // Comments would only make the binary larger; options survive in the encoded form alone.
    let embedded = compiler.include_source_info(false).encode_file_descriptor_set();
    fs::write(out.join("descriptors.bin"), &embedded)?;

    compiler.include_source_info(true);
    let pool = compiler.descriptor_pool();
    let own: Vec<_> = pool.all_messages().filter(|m| m.package_name().starts_with("bailiwick.")).collect();

    let mut config = prost_build::Config::new();
    config.out_dir(&out).bytes(["."]).skip_debug(own.iter().map(|m| format!(".{}", m.full_name())));
    config.compile_fds(compiler.file_descriptor_set())?;

    fs::write(out.join("messages.rs"), messages::generate(&pool)?)?;
    fs::write(out.join("operations.rs"), operations::generate(&pool)?)?;
    Ok(())
}

fn proto_files(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "proto") {
            into.push(path);
        }
    }
    Ok(())
}
