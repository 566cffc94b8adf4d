//! Random edits of rows without the master key: the store is refused, or a check, as `bailiwick doctor` makes it,
//! finds a fault, and no edited row is read.
//!
//! `BAILIWICK_EDIT_ROUNDS` sets the number of edits.

mod common;

use std::collections::BTreeMap;
use std::io::Read;

use bailiwick_seal::{MasterKey, WrappedKeyring};
use bailiwick_storage::{At, Authenticator, Batch, Scan, Store, StoreError, check, keys};
use bailiwick_storage_redb::{OpenError, Options, RedbFile, RedbStore};
use bytes::Bytes;
use common::disk::{Disk, Rng};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

const STORE: &[u8] = include_bytes!("fixtures/layout-2/bailiwick.redb.gz");
const MASTER: &[u8] = include_bytes!("fixtures/layout-2/master.key");
const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");

/// Rows as they are in the file.
type Stored = BTreeMap<Vec<u8>, Vec<u8>>;
/// What becomes of rows; none for a removed one.
type Edits = Vec<(Vec<u8>, Option<Vec<u8>>)>;

fn start(disk: &Disk) -> Result<RedbStore, OpenError> {
    let file = RedbFile::on(disk.clone(), &Options { cache_bytes: 1 << 20, ..Options::default() })?;
    let corrupt = |why: String| OpenError::Corrupt(why);
    let wrapped = file.keyring()?.ok_or_else(|| corrupt("it has no keys".to_owned()))?;
    let master = MasterKey::parse(MASTER).expect("a key");
    let keyring = WrappedKeyring::from_bytes(wrapped.to_vec()).unwrap_with(&master);
    let keyring = keyring.map_err(|error| corrupt(error.to_string()))?;
    file.start(Authenticator::new(keyring.row_key().expect("a key").expect("a key of rows")))
}

fn database(disk: &Disk) -> Database {
    Database::builder().create_with_backend(disk.clone()).expect("a file of redb")
}

fn stored(disk: &Disk) -> Stored {
    let database = database(disk);
    let txn = database.begin_read().expect("a transaction");
    let rows = txn.open_table(ROWS).expect("the table");
    let rows = rows.iter().expect("the rows").map(|row| row.expect("a row"));
    rows.map(|(key, row)| (key.value().to_vec(), row.value().to_vec())).collect()
}

/// A store, its rows in the file, and what some of them were before their last change.
struct World {
    image: Vec<u8>,
    rows: Stored,
    before: Stored,
    values: BTreeMap<Bytes, Bytes>,
}

async fn values(store: &RedbStore) -> BTreeMap<Bytes, Bytes> {
    let view = store.read(At::Latest).await.expect("a view");
    let rows = view.scan(Scan { prefix: b"", after: None, limit: usize::MAX }).await.expect("all rows");
    rows.into_iter().map(|row| (row.key, row.value)).collect()
}

impl World {
    async fn new() -> Self {
        let mut image = Vec::new();
        flate2::read::GzDecoder::new(STORE).read_to_end(&mut image).expect("a compressed file");
        let disk = Disk::from_image(image);
        start(&disk).expect("an upgrade").close().await;
        let disk = Disk::from_image(disk.live());
        let before = stored(&disk);
        let store = start(&disk).expect("a store");
        let values = values(&store).await;
        // Every row is written again, so that each has an earlier form, which is authentic as well.
        for (key, value) in values.iter().filter(|(key, _)| **key != keys::keyring()) {
            let put = vec![(key.clone(), value.clone())];
            store.commit(Batch { put, ..Batch::default() }).await.expect("a commit");
        }
        store.close().await;
        drop(store);
        let image = disk.live();
        let rows = stored(&Disk::from_image(image.clone()));
        World { image, rows, before, values }
    }

    /// One edit: its kind, and what becomes of which rows. None if it changes nothing.
    fn edit(&self, rng: &mut Rng) -> Option<(&'static str, Edits)> {
        let mut pick = || {
            let at = rng.below(self.rows.len() as u64) as usize;
            self.rows.iter().nth(at).map(|(key, row)| (key.clone(), row.clone()))
        };
        let ((key, row), (other_key, other_row)) = (pick()?, pick()?);
        let at = rng.below(row.len().max(1) as u64) as usize;
        Some(match rng.below(8) {
            0 | 1 if !row.is_empty() => {
                let mut row = row;
                row[at] ^= 1 << rng.below(8);
                ("a flipped bit", vec![(key, Some(row))])
            }
            2 if !row.is_empty() => ("a shorter row", vec![(key, Some(row[..at].to_vec()))]),
            3 => ("a longer row", vec![(key, Some([&row[..], &[rng.below(256) as u8]].concat()))]),
            4 => ("a removed row", vec![(key, None)]),
            5 if row != other_row => ("swapped rows", vec![(key, Some(other_row)), (other_key, Some(row))]),
            6 => {
                let mut invented = key;
                let last = invented.last_mut()?;
                *last = last.wrapping_add(1 + rng.below(250) as u8);
                ("a copy under another key", (!self.rows.contains_key(&invented)).then(|| vec![(invented, Some(row))])?)
            }
            7 => {
                let earlier = self.before.get(&key).filter(|earlier| **earlier != row)?.clone();
                ("an earlier form of the row", vec![(key, Some(earlier))])
            }
            _ => return None,
        })
    }

    /// Makes an edit and asserts that it is found.
    async fn check(&self, kind: &str, edits: &Edits, round: u64) {
        let disk = Disk::from_image(self.image.clone());
        let database = database(&disk);
        let txn = database.begin_write().expect("a transaction");
        {
            let mut rows = txn.open_table(ROWS).expect("the table");
            for (key, row) in edits {
                match row {
                    Some(row) => drop(rows.insert(&**key, &**row).expect("a write")),
                    None => drop(rows.remove(&**key).expect("a write")),
                }
            }
        }
        txn.commit().expect("a commit");
        drop(database);
        let about = || format!("edit {round}: {kind} of {}", keys::describe(&edits[0].0));
        let Ok(store) = start(&Disk::from_image(disk.live())) else { return };
        let view = store.read(At::Latest).await.expect("a view");
        let findings = check(&*view).await;
        assert!(!findings.is_ok_and(|findings| findings.is_sound()), "{} was not found", about());
        for (key, _) in edits {
            match view.get(key).await {
                Ok(Some(found)) => {
                    assert_eq!(Some(&found.value), self.values.get(&**key), "{}: an edited row is read", about());
                }
                Ok(None) | Err(StoreError::Damaged { .. }) => {}
                Err(error) => panic!("{}: {error}", about()),
            }
        }
        drop(view);
        store.close().await;
    }
}

#[tokio::test]
async fn every_edit_of_rows_is_found() {
    let rounds = std::env::var("BAILIWICK_EDIT_ROUNDS").map_or(150, |rounds| rounds.parse().expect("a number"));
    let world = World::new().await;
    let store = start(&Disk::from_image(world.image.clone())).expect("a store");
    let sound = check(&*store.read(At::Latest).await.expect("a view")).await.expect("a store that reads");
    assert!(sound.is_sound() && sound.rows > 20, "{sound:?}");
    store.close().await;
    let (mut rng, mut kinds, mut done) = (Rng(1), BTreeMap::<_, u64>::new(), 0);
    while done < rounds {
        let Some((kind, edits)) = world.edit(&mut rng) else { continue };
        done += 1;
        *kinds.entry(kind).or_default() += 1;
        world.check(kind, &edits, done).await;
    }
    println!("{kinds:?}");
    assert_eq!(kinds.len(), 7, "{kinds:?}");
}
