//! The keys in etcd, which all begin with the prefix of the address.
//!
//! `head` has the newest revision and the state of the store; each transaction replaces it, and is only applied if nothing
//! else did. `row/` and a key have a row as it is stored. `log/` and the last revision of a transaction have the transaction's
//! change sets; if they are too large for it, they were written to `part/`, the revision and the server before. `server/`, the id
//! of a server and a number are there while a process of it runs. `start` is there while a server starts the store for the first
//! time, and `fill` while it writes the rows of a copy.

use bailiwick_storage::{Revision, ServerId};
use bytes::Bytes;

/// The layout of keys and values that this version reads and writes.
pub(crate) const LAYOUT: u32 = 1;

/// Makes keys.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    prefix: String,
}

impl Layout {
    /// All keys begin with `prefix` and a slash.
    pub(crate) fn new(prefix: &str) -> Self {
        Layout { prefix: format!("{prefix}/") }
    }

    pub(crate) fn head(&self) -> Bytes {
        self.key("head", &[])
    }

    pub(crate) fn start(&self) -> Bytes {
        self.key("start", &[])
    }

    pub(crate) fn fill(&self) -> Bytes {
        self.key("fill", &[])
    }

    pub(crate) fn row(&self, key: &[u8]) -> Bytes {
        self.key("row/", key)
    }

    /// The key of a row from its key in etcd.
    pub(crate) fn key_of(&self, row: &Bytes) -> Bytes {
        row.slice((self.prefix.len() + "row/".len()).min(row.len())..)
    }

    /// The end of all rows.
    pub(crate) fn rows_end(&self) -> Bytes {
        self.key("row0", &[])
    }

    pub(crate) fn log(&self, revision: Revision) -> Bytes {
        self.key("log/", &revision.number().to_be_bytes())
    }

    /// The end of the change log.
    pub(crate) fn log_end(&self) -> Bytes {
        self.key("log0", &[])
    }

    /// What follows `part/` in the key of a part.
    pub(crate) fn part_name(revision: Revision, server: ServerId) -> Bytes {
        [&revision.number().to_be_bytes()[..], &server.0].concat().into()
    }

    pub(crate) fn part(&self, name: &[u8]) -> Bytes {
        self.key("part/", name)
    }

    /// The key of a process of a server, which began at a revision of the key space.
    pub(crate) fn process(&self, server: ServerId, begun: i64) -> Bytes {
        self.key("server/", &[&server.0[..], b"/", &begun.to_be_bytes()].concat())
    }

    /// The end of the processes of a server.
    pub(crate) fn processes_end(&self, server: ServerId) -> Bytes {
        self.key("server/", &[&server.0[..], b"0"].concat())
    }

    /// The range of the processes of all servers.
    pub(crate) fn servers(&self) -> (Bytes, Bytes) {
        (self.key("server/", &[]), self.key("server0", &[]))
    }

    /// The end of all parts.
    pub(crate) fn part_end(&self) -> Bytes {
        self.key("part0", &[])
    }

    fn key(&self, name: &str, rest: &[u8]) -> Bytes {
        [self.prefix.as_bytes(), name.as_bytes(), rest].concat().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_keys_do_not_overlap() {
        let layout = Layout::new("iam");
        let keys = [
            layout.fill(),
            layout.head(),
            layout.log(Revision::ZERO),
            layout.log(Revision::new(u64::MAX)),
            layout.log_end(),
            layout.part(&Layout::part_name(Revision::new(u64::MAX), ServerId([0xff; 16]))),
            layout.row(b""),
            layout.row(&[0xff; 8]),
            layout.rows_end(),
            layout.process(ServerId([0; 16]), 0),
            layout.process(ServerId([0xff; 16]), i64::MAX),
            layout.processes_end(ServerId([0xff; 16])),
            layout.servers().1,
            layout.start(),
        ];
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        assert!(keys.iter().all(|key| key.starts_with(b"iam/")));
        assert_eq!(&layout.key_of(&layout.row(b"key"))[..], b"key");
    }
}
