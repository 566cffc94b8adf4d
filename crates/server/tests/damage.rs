//! Random damage to the file of a store. The store is refused, or the damaged rows are reported and all others are
//! unchanged. Nothing panics, no row goes missing unreported, and no altered row is used.
//!
//! `BAILIWICK_DAMAGE_ROUNDS` sets the number of rounds.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use bailiwick_model::Partition;
use bailiwick_seal::{MasterKey, WrappedKeyring};
use bailiwick_snapshot::{Snapshot, Snapshots};
use bailiwick_storage::{
    At, Authenticator, Batch, Findings, Inspected, Scan, Store, StoreError, check,
    keys::{self, Kind},
};
use bailiwick_storage_redb::{Options, RedbFile, RedbStore};
use bytes::Bytes;

const STORE: &[u8] = include_bytes!("../../storage-redb/tests/fixtures/layout-1/bailiwick.redb.gz");
const MASTER: &[u8] = include_bytes!("../../storage-redb/tests/fixtures/layout-1/master.key");
const PAGE: usize = 4096;

type Rows = BTreeMap<Bytes, Bytes>;

/// Pseudo-random numbers that are the same in every run.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// A kind of damage.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Bit,
    Bytes,
    ZeroPage,
    NoisyPage,
    /// A page written over another one.
    MisplacedPage,
    Truncated,
    Header,
}

impl Damage {
    const ALL: [Damage; 9] = [
        Damage::Bit,
        Damage::Bit,
        Damage::Bit,
        Damage::Bytes,
        Damage::ZeroPage,
        Damage::NoisyPage,
        Damage::MisplacedPage,
        Damage::Truncated,
        Damage::Header,
    ];

    fn apply(self, image: &mut Vec<u8>, rng: &mut Rng) {
        // Empty pages are not damaged.
        let used: Vec<usize> =
            (1..image.len() / PAGE).filter(|at| image[at * PAGE..][..PAGE].iter().any(|byte| *byte != 0)).collect();
        let page = used[rng.below(used.len())] * PAGE;
        match self {
            Damage::Bit => image[page + rng.below(PAGE)] ^= 1 << rng.below(8),
            Damage::Bytes => {
                let at = page + rng.below(PAGE - 16);
                (0..16).for_each(|n| image[at + n] = rng.below(256) as u8);
            }
            Damage::ZeroPage => image[page..][..PAGE].fill(0),
            Damage::NoisyPage => image[page..][..PAGE].iter_mut().for_each(|byte| *byte = rng.below(256) as u8),
            Damage::MisplacedPage => {
                let other = used[rng.below(used.len())] * PAGE;
                image.copy_within(other..other + PAGE, page);
            }
            Damage::Truncated => image.truncate(rng.below(image.len())),
            Damage::Header => image[rng.below(320)] ^= 1 << rng.below(8),
        }
    }
}

fn write(folder: &Path, image: &[u8]) {
    let file = folder.join("bailiwick.redb");
    fs::write(&file, image).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("chmod");
}

fn open(folder: &Path) -> Result<RedbStore, String> {
    let file = RedbFile::open(folder, &Options { cache_bytes: 1 << 20, ..Options::default() });
    let file = file.map_err(|error| error.to_string())?;
    let wrapped = file.keyring().map_err(|error| error.to_string())?.ok_or("it has no keys")?;
    let master = MasterKey::parse(MASTER).expect("a key");
    let keyring =
        WrappedKeyring::from_bytes(wrapped.to_vec()).unwrap_with(&master).map_err(|error| error.to_string())?;
    let authenticator = |keyring: &bailiwick_seal::Keyring| keyring.row_key().expect("a key").map(Authenticator::new);
    let started = match authenticator(&keyring) {
        Some(known) => file.start(known),
        None => {
            let new = keyring.complete(7).expect("keys");
            let wrapped = WrappedKeyring::wrap(&new, &master).expect("a wrapped keyring");
            file.upgrade(authenticator(&new).expect("a key of rows"), wrapped.as_bytes())
        }
    };
    started.map_err(|error| error.to_string())
}

/// Waits until a dropped follower has released the store.
async fn closed(store: Arc<dyn Store>) {
    while Arc::strong_count(&store) > 1 {
        tokio::task::yield_now().await;
    }
}

async fn rows(store: &RedbStore) -> Rows {
    let view = store.read(At::Latest).await.expect("a view");
    let rows = view.scan(Scan { prefix: b"", after: None, limit: usize::MAX }).await.expect("all rows");
    rows.into_iter().map(|row| (row.key, row.value)).collect()
}

/// The users and roles of a snapshot, by key.
fn people(snapshot: &Snapshot, rows: &Rows) -> BTreeMap<Bytes, Option<String>> {
    let identities = rows.keys().filter_map(|key| match keys::parse(key)? {
        (_, Kind::User | Kind::Role, id) => Some((key.clone(), keys::take_id(id)?.0)),
        _ => None,
    });
    identities
        .map(|(key, id)| {
            let entity = snapshot.entity(&id);
            let shown = entity.map(|entity| {
                let role = entity.role().map(|role| (role.max_session_seconds, format!("{:?}", role.trust)));
                format!("{} {} {} {:?} {role:?}", entity.account, entity.name, entity.path(), entity.tags())
            });
            (key, shown)
        })
        .collect()
}

#[derive(Debug, Default)]
struct Outcomes {
    refused_file: u32,
    refused_view: u32,
    reported: u32,
    unharmed: u32,
}

struct World {
    folder: PathBuf,
    image: Vec<u8>,
    rows: Rows,
    people: BTreeMap<Bytes, Option<String>>,
}

impl World {
    /// One round: damage, open, read everything, write, reopen, read everything again.
    async fn round(&self, damage: Damage, seed: u64, outcomes: &mut Outcomes) {
        let mut image = self.image.clone();
        damage.apply(&mut image, &mut Rng(seed));
        write(&self.folder, &image);
        let about = format!("{damage:?} {seed}");
        let Ok(store) = open(&self.folder) else {
            outcomes.refused_file += 1;
            return;
        };
        let store: Arc<dyn Store> = Arc::new(store);
        let Ok(snapshots) = Snapshots::start(store.clone(), Partition::Aws).await else {
            outcomes.refused_view += 1;
            return;
        };
        let reported = snapshots.damage().described();
        let seen = people(&snapshots.current().expect("a view"), &self.rows);
        for (key, there) in &seen {
            let was = &self.people[key];
            assert!(
                there == was || (there.is_none() && reported.contains(&keys::describe(key))),
                "{about}: {there:?} {was:?}"
            );
        }
        let sound = self.look(&*store, &about).await && reported.is_empty();
        // Writing to a damaged file may fail or cause further damage, but none that goes unreported.
        for n in 0..3u8 {
            let put = vec![(Bytes::from(vec![b'x', n]), Bytes::from(vec![n; 900]))];
            let _ = store.commit(Batch { put, ..Batch::default() }).await;
        }
        drop(snapshots);
        closed(store).await;
        if let Ok(store) = open(&self.folder) {
            self.look(&store, &format!("{about}, after writing")).await;
        }
        match sound {
            true => outcomes.unharmed += 1,
            false => outcomes.reported += 1,
        }
    }

    /// Reads every row by key and in order. Every difference must be an error, or be found by a check.
    async fn look(&self, store: &dyn Store, about: &str) -> bool {
        let view = store.read(At::Latest).await.expect("a view");
        let findings = check(&*view).await;
        let sound = findings.as_ref().is_ok_and(Findings::is_sound);
        for (key, value) in &self.rows {
            match view.get(key).await {
                Ok(Some(found)) => assert_eq!(found.value, value, "{about}: an altered value is read"),
                Ok(None) => assert!(!sound, "{about}: {} is missing and was not reported", keys::describe(key)),
                Err(StoreError::Damaged { key: damaged }) => assert_eq!(damaged, key),
                Err(_) => assert!(!sound, "{about}"),
            }
        }
        let listed = view.inspect(Scan { prefix: b"", after: None, limit: usize::MAX }).await.unwrap_or_default();
        for Inspected { key, value, .. } in listed {
            if let (Some(value), Some(was)) = (value, self.rows.get(&key)) {
                assert_eq!(value, was, "{about}: an altered value is listed");
            }
        }
        sound
    }
}

/// Copies the rows of the old store into a new one.
async fn make(folder: &Path) -> Rows {
    let old = folder.with_file_name("old");
    fs::DirBuilder::new().mode(0o700).create(&old).expect("a folder");
    let mut image = Vec::new();
    flate2::read::GzDecoder::new(STORE).read_to_end(&mut image).expect("a compressed file");
    write(&old, &image);
    let rows = rows(&open(&old).expect("an upgrade")).await;
    let master = MasterKey::parse(MASTER).expect("a key");
    let wrapped = WrappedKeyring::from_bytes(rows[&keys::keyring()].to_vec());
    let keyring = wrapped.unwrap_with(&master).map_err(|error| error.to_string()).expect("its master key");
    let key = keyring.row_key().expect("a key").expect("it was upgraded");
    let store = RedbStore::open(folder, &Options::default(), Authenticator::new(key)).expect("a store");
    let all: Vec<_> = rows.clone().into_iter().collect();
    for put in all.chunks(40) {
        store.commit(Batch { put: put.to_vec(), ..Batch::default() }).await.expect("a commit");
    }
    rows
}

#[tokio::test]
async fn all_damage_is_found() {
    let rounds = std::env::var("BAILIWICK_DAMAGE_ROUNDS").map_or(250, |rounds| rounds.parse().expect("a number"));
    let above = tempfile::tempdir().expect("a folder");
    let folder = above.path().join("data");
    let rows = make(&folder).await;
    let image = fs::read(folder.join("bailiwick.redb")).expect("a file");
    let store: Arc<dyn Store> = Arc::new(open(&folder).expect("a store"));
    let snapshots = Snapshots::start(store.clone(), Partition::Aws).await.expect("a view");
    let people = people(&snapshots.current().expect("a view"), &rows);
    assert!(people.values().all(Option::is_some) && people.len() >= 6);
    drop(snapshots);
    closed(store).await;
    let world = World { folder, image, rows, people };
    let mut outcomes = Outcomes::default();
    for seed in 0..rounds {
        let damage = Damage::ALL[seed as usize % Damage::ALL.len()];
        world.round(damage, seed, &mut outcomes).await;
    }
    println!("{rounds} rounds: {outcomes:?}");
    assert!(outcomes.refused_file > 0 && outcomes.refused_view > 0 && outcomes.reported > 0 && outcomes.unharmed > 0);
}
