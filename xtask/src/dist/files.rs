//! A tree of files in a package, and the archives that hold it. The same tree always gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

/// Files by path, without a leading slash.
#[derive(Clone, Default)]
pub(crate) struct Tree(BTreeMap<String, Node>);

#[derive(Clone)]
struct Node {
    content: Option<Vec<u8>>,
    mode: u32,
    owner: u64,
}

impl Tree {
    /// Adds a file that everyone may read.
    pub(crate) fn file(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), Node { content: Some(content.into()), mode: 0o644, owner: 0 });
    }

    /// Adds a program.
    pub(crate) fn program(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), Node { content: Some(content.into()), mode: 0o755, owner: 0 });
    }

    /// Adds a folder, with an owner.
    pub(crate) fn folder(&mut self, path: impl Into<String>, mode: u32, owner: u64) {
        self.0.insert(path.into(), Node { content: None, mode, owner });
    }

    /// Paths and contents of the files.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().filter_map(|(path, node)| Some((path.as_str(), node.content.as_deref()?)))
    }

    /// The tar archive of the tree: sorted, owned by root, with one time. `prefix` begins every path.
    pub(crate) fn tar(&self, prefix: &str, time: u64) -> Result<Vec<u8>> {
        let mut archive = Builder::new(Vec::new());
        let mut made: BTreeSet<String> = BTreeSet::new();
        for (path, node) in &self.0 {
            let whole = format!("{prefix}{path}");
            for (end, _) in whole.match_indices('/') {
                let folder = &whole[..end];
                let is_own = self.0.keys().any(|key| format!("{prefix}{key}") == folder);
                if !folder.is_empty() && folder != "." && !is_own && made.insert(folder.to_owned()) {
                    append(&mut archive, folder, &Node { content: None, mode: 0o755, owner: 0 }, time)?;
                }
            }
            append(&mut archive, &whole, node, time)?;
        }
        archive.into_inner().context("cannot end an archive")
    }
}

fn append(archive: &mut Builder<Vec<u8>>, path: &str, node: &Node, time: u64) -> Result<()> {
    let mut header = Header::new_gnu();
    let content = node.content.as_deref().unwrap_or_default();
    header.set_entry_type(if node.content.is_some() { EntryType::Regular } else { EntryType::Directory });
    header.set_size(content.len() as u64);
    header.set_mode(node.mode);
    header.set_uid(node.owner);
    header.set_gid(node.owner);
    if node.owner == 0 {
        header.set_username("root")?;
        header.set_groupname("root")?;
    }
    header.set_mtime(time);
    let name = if node.content.is_some() { path.to_owned() } else { format!("{path}/") };
    archive.append_data(&mut header, &name, content).with_context(|| format!("cannot archive {path}"))
}

/// Compresses as `gzip -9n`.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}
