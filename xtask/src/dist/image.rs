//! The container image: one layer with a static binary, as an OCI layout that `docker load` reads as well.

use anyhow::Result;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::files::{Tree, gzip};
use super::{Release, hex};

/// The user in the image.
const USER: u64 = 7470;
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Makes the archive of the image. `binary` must be static: the image has no libraries.
pub(crate) fn archive(release: &Release, binary: &[u8]) -> Result<Vec<u8>> {
    let tag = format!("bailiwick:{}", release.version);
    let layer = root(release, binary).tar("", release.time)?;
    let compressed = gzip(&layer)?;
    let created = release.date()?.to_string();
    let config = to_bytes(&config(release, &created, &digest(&layer)))?;
    let manifest = to_bytes(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": { "mediaType": CONFIG, "digest": digest(&config), "size": config.len() },
        "layers": [{ "mediaType": LAYER, "digest": digest(&compressed), "size": compressed.len() }],
        "annotations": annotations(release, &created),
    }))?;
    let index = to_bytes(&json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{
            "mediaType": MANIFEST,
            "digest": digest(&manifest),
            "size": manifest.len(),
            "platform": { "architecture": architecture(&release.host), "os": "linux" },
            "annotations": {
                "org.opencontainers.image.ref.name": release.version,
                "io.containerd.image.name": format!("docker.io/library/{tag}"),
            },
        }],
    }))?;
    // For `docker load` of versions that do not read the layout.
    let legacy = to_bytes(&json!([{ "Config": blob(&config), "RepoTags": [tag], "Layers": [blob(&compressed)] }]))?;
    let mut image = Tree::default();
    image.file("oci-layout", to_bytes(&json!({ "imageLayoutVersion": "1.0.0" }))?);
    image.file("index.json", index);
    image.file("manifest.json", legacy);
    for content in [config, manifest, compressed] {
        image.file(blob(&content), content);
    }
    image.tar("", release.time)
}

/// The files of the image.
fn root(release: &Release, binary: &[u8]) -> Tree {
    let mut root = Tree::default();
    root.program("usr/bin/bailiwick", binary);
    root.file(
        "etc/passwd",
        format!("root:x:0:0:root:/root:/sbin/nologin\nbailiwick:x:{USER}:{USER}::/data:/sbin/nologin\n"),
    );
    root.file("etc/group", format!("root:x:0:\nbailiwick:x:{USER}:\n"));
    // The built-in rule of the C library without this file asks DNS alone.
    root.file("etc/nsswitch.conf", "hosts: files dns\n");
    root.folder("data", 0o700, USER);
    root.folder("tmp", 0o1777, 0);
    root.file("usr/share/doc/bailiwick/LICENSE", release.license.clone());
    root.file("usr/share/doc/bailiwick/sbom.cdx.json", release.bill.clone());
    root
}

fn config(release: &Release, created: &str, layer: &str) -> Value {
    let data = "/data/store";
    json!({
        "created": created,
        "architecture": architecture(&release.host),
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "ExposedPorts": { "7470/tcp": {} },
            "Env": [
                "PATH=/usr/bin",
                format!("BAILIWICK_DATA_DIR={data}"),
                "BAILIWICK_LISTEN=0.0.0.0:7470",
                "BAILIWICK_LOG_FORMAT=json",
            ],
            "Entrypoint": ["/usr/bin/bailiwick"],
            "Cmd": ["serve"],
            "Volumes": { "/data": {} },
            "WorkingDir": "/data",
            "StopSignal": "SIGTERM",
            "Labels": annotations(release, created),
            // An extension by Docker, in nanoseconds.
            "Healthcheck": {
                "Test": ["CMD", "/usr/bin/bailiwick", "health"],
                "Interval": 10_000_000_000_u64,
                "Timeout": 5_000_000_000_u64,
                "StartPeriod": 60_000_000_000_u64,
                "Retries": 3,
            },
        },
        "rootfs": { "type": "layers", "diff_ids": [layer] },
        "history": [{ "created": created, "created_by": "cargo xtask dist", "comment": "bailiwick" }],
    })
}

fn annotations(release: &Release, created: &str) -> Value {
    json!({
        "org.opencontainers.image.title": "Bailiwick",
        "org.opencontainers.image.description": "Self-hosted identity and access management that speaks AWS IAM",
        "org.opencontainers.image.version": release.version,
        "org.opencontainers.image.revision": release.commit.clone().unwrap_or_default(),
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.source": "https://example.com/bailiwick",
    })
}

/// The name of OCI for an architecture.
fn architecture(host: &str) -> &str {
    match host.split('-').next().unwrap_or(host) {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn to_bytes(value: &Value) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(value)?)
}

fn digest(content: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(content)))
}

fn blob(content: &[u8]) -> String {
    format!("blobs/sha256/{}", hex(&Sha256::digest(content)))
}
