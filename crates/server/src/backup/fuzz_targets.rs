//! The fuzz target of backups. `fuzz/fuzz_targets` includes this file and its neighbours; the test here passes every file in
//! `fuzz/corpus` to it.

use super::read::BackupFile;

/// Any bytes are a backup, or are refused. What is read of it is not longer than the bytes, and nothing follows an error.
pub(crate) fn backup_file(bytes: &[u8]) {
    let Ok(mut backup) = BackupFile::of(bytes) else { return };
    let mut read = backup.state.len();
    while let Some(row) = backup.next() {
        let Ok(row) = row else {
            assert!(backup.next().is_none());
            return;
        };
        read += row.key.len() + row.stored.len();
    }
    assert!(read <= bytes.len() && backup.next().is_none());
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_of_backups_passes() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/backup_file");
        let mut whole = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            whole += usize::from(super::BackupFile::of(&*bytes).is_ok());
            super::backup_file(&bytes);
        }
        assert!(whole > 0, "no input is a backup");
    }
}
