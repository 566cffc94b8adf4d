use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::*;

fn release() -> Release {
    Release {
        version: "1.2.3".into(),
        host: "x86_64-unknown-linux-gnu".into(),
        commit: Some("0123456789ab".into()),
        time: 951_782_400,
        binary: b"\x7fELF GLIBC_2.4 GLIBC_2.34\0GLIBC_2.17".to_vec(),
        libc: libc(b"\x7fELF GLIBC_2.4 GLIBC_2.34\0GLIBC_2.17"),
        static_binary: Some(b"\x7fELF static".to_vec()),
        license: b"licence".to_vec(),
        bill: "{}\n".into(),
        manual: vec![("bailiwick.1".into(), b"manual".to_vec()), ("bailiwick-serve.1".into(), b"manual".to_vec())],
        completions: ["bash", "zsh", "fish"].map(|shell| (shell.to_owned(), b"words".to_vec())).into(),
        documents: vec![("operations.md".into(), b"text".to_vec())],
        deploy: vec![("systemd/bailiwick.service".into(), b"unit".to_vec())],
    }
}

/// Mode, owner, time and content of each entry, by path.
fn entries(archive: &[u8]) -> Vec<(String, u32, u64, u64, Vec<u8>)> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let header = entry.header();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        (path, header.mode().unwrap(), header.uid().unwrap(), header.mtime().unwrap(), content)
    });
    entries.collect()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

fn content<'a>(entries: &'a [(String, u32, u64, u64, Vec<u8>)], path: &str) -> &'a [u8] {
    let found = entries.iter().find(|entry| entry.0 == path);
    &found.unwrap_or_else(|| panic!("{path} is not in {:?}", entries.iter().map(|e| &e.0).collect::<Vec<_>>())).4
}

/// The members of an `ar` archive.
fn members(mut archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    archive = archive.strip_prefix(b"!<arch>\n").unwrap();
    let mut found = Vec::new();
    while !archive.is_empty() {
        let header = std::str::from_utf8(&archive[..60]).unwrap();
        assert!(header.ends_with("`\n"), "{header:?}");
        let size: usize = header[48..58].trim().parse().unwrap();
        found.push((header[..16].trim().to_owned(), archive[60..60 + size].to_vec()));
        archive = &archive[60 + size.next_multiple_of(2)..];
    }
    found
}

#[test]
fn the_debian_package_has_what_the_policy_wants() {
    let package = members(&deb::package(&release()).unwrap());
    let names: Vec<_> = package.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["debian-binary", "control.tar.gz", "data.tar.gz"]);
    let (control, data) = (entries(&gunzip(&package[1].1)), entries(&gunzip(&package[2].1)));
    let fields = String::from_utf8(content(&control, "control").to_vec()).unwrap();
    assert!(fields.contains("Version: 1.2.3-1\nArchitecture: amd64\n"), "{fields}");
    assert!(fields.contains("Depends: libc6 (>= 2.34), "), "{fields}");
    assert_eq!(content(&control, "conffiles"), b"/etc/bailiwick/bailiwick.env\n");
    let sums = String::from_utf8(content(&control, "md5sums").to_vec()).unwrap();
    for (path, mode, owner, time, content) in &data {
        assert_eq!((*owner, *time), (0, 951_782_400), "{path}");
        let is_folder = path.ends_with('/');
        let expected = if is_folder || path == "usr/bin/bailiwick" { 0o755 } else { 0o644 };
        assert_eq!(*mode, expected, "{path}");
        let is_listed = sums.contains(&format!("  {}\n", path));
        assert_eq!(is_listed, !is_folder && !path.starts_with("etc/"), "{path}");
        assert!(path.ends_with(".gz") || !path.contains("/man/") || is_folder, "{path}");
        assert!(!is_folder || content.is_empty());
    }
    for path in [
        "usr/bin/bailiwick",
        "usr/lib/systemd/system/bailiwick.service",
        "usr/lib/sysusers.d/bailiwick.conf",
        "usr/share/bash-completion/completions/bailiwick",
        "usr/share/doc/bailiwick/changelog.Debian.gz",
        "usr/share/doc/bailiwick/copyright",
        "usr/share/man/man1/bailiwick-serve.1.gz",
    ] {
        content(&data, path);
    }
    let changes = gunzip(content(&data, "usr/share/doc/bailiwick/changelog.Debian.gz"));
    assert!(String::from_utf8(changes).unwrap().ends_with(">  Tue, 29 Feb 2000 00:00:00 +0000\n"));
}

#[test]
fn the_image_is_complete_and_for_a_user_without_rights() {
    let release = release();
    let image = entries(&image::archive(&release, b"static").unwrap());
    let json = |path: &str| serde_json::from_slice::<Value>(content(&image, path)).unwrap();
    let blob = |digest: &Value| format!("blobs/sha256/{}", digest.as_str().unwrap().trim_start_matches("sha256:"));
    let manifest = json(&blob(&json("index.json")["manifests"][0]["digest"]));
    let config = json(&blob(&manifest["config"]["digest"]));
    let layer = gunzip(content(&image, &blob(&manifest["layers"][0]["digest"])));
    assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{}", hex(&Sha256::digest(&layer))));
    assert_eq!(config["config"]["User"], "7470:7470");
    assert_eq!(config["config"]["Healthcheck"]["Test"][2], "health");
    for (path, _, _, _, content) in &image {
        if let Some(name) = path.strip_prefix("blobs/sha256/").filter(|name| !name.is_empty()) {
            assert_eq!(name, hex(&Sha256::digest(content)));
        }
    }
    let legacy = json("manifest.json");
    assert_eq!(legacy[0]["RepoTags"][0], "bailiwick:1.2.3");
    for path in [&legacy[0]["Config"], &legacy[0]["Layers"][0]] {
        content(&image, path.as_str().unwrap());
    }
    let root = entries(&layer);
    let data = root.iter().find(|entry| entry.0 == "data/").unwrap();
    assert_eq!((data.1, data.2), (0o700, 7470));
    assert_eq!(content(&root, "usr/bin/bailiwick"), b"static");
}

#[test]
fn the_same_release_gives_the_same_bytes_and_checksums_of_all() {
    let folder = std::env::temp_dir().join(format!("bailiwick-dist-test-{}", std::process::id()));
    let first = release().write(&folder).unwrap();
    let second = release().write(&folder).unwrap();
    assert_eq!(first, second);
    let mut names: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    fs::remove_dir_all(&folder).unwrap();
    let listed: Vec<_> = first.lines().map(|line| line.split("  ").nth(1).unwrap()).collect();
    assert_eq!(names, [vec!["SHA256SUMS"], listed].concat());
    assert_eq!(names.len(), 6, "{names:?}");
}
