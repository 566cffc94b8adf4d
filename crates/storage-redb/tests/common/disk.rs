//! A simulated disk that loses unsynced writes in any order, and fails on request.

use std::{
    io,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
};

use redb::StorageBackend;

/// The size of an atomic write.
const SECTOR: usize = 512;

/// A disk in memory. Clones share the disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The content that reads return.
    live: Vec<u8>,
    /// The content that survives a power cut.
    durable: Vec<u8>,
    /// Unsynced writes, in order, which may survive.
    unsynced: Vec<Op>,
    ops: u64,
    crash: Option<Crash>,
    fault: Option<(u64, Fault)>,
    failures: u64,
    /// How many of the next reads fail.
    failing_reads: u64,
    /// A part of the disk that cannot be read.
    bad: Range<usize>,
    failed_reads: u64,
    /// Which unsynced writes survive, as in [`Disk::crash_at`].
    keeps: u64,
}

/// How an operation that writes fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The disk is full: writes fail, syncs succeed.
    NoSpace,
    /// The file cannot grow; existing parts can be written.
    Growth,
    /// All writes fail.
    Error,
    /// Half of a write succeeds, then the disk is full. Syncs succeed.
    Short,
    /// Only syncs fail; earlier unsynced writes may or may not survive.
    Sync,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Write,
    SetLen,
    Sync,
}

#[derive(Debug)]
struct Crash {
    at: u64,
    seed: u64,
    image: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
enum Op {
    Write(usize, Vec<u8>),
    SetLen(usize),
}

impl Op {
    fn apply(&self, image: &mut Vec<u8>, mut kept: impl FnMut() -> bool) {
        match self {
            Op::SetLen(len) => {
                if kept() {
                    image.resize(*len, 0);
                }
            }
            Op::Write(offset, data) => {
                let mut at = *offset;
                for sector in data.chunks(SECTOR) {
                    if kept() {
                        let end = at + sector.len();
                        if image.len() < end {
                            image.resize(end, 0);
                        }
                        image[at..end].copy_from_slice(sector);
                    }
                    at += sector.len();
                }
            }
        }
    }
}

impl Disk {
    /// Creates a disk with this content, as after a power cut.
    pub(crate) fn from_image(image: Vec<u8>) -> Self {
        let state = State { durable: image.clone(), live: image, ..State::default() };
        Disk { state: Arc::new(Mutex::new(state)) }
    }

    /// Cuts the power at the `at`-th operation from now on. `seed` determines which unsynced writes survive: 0 none, 1
    /// all, otherwise random sectors.
    pub(crate) fn crash_at(&self, at: u64, seed: u64) {
        let mut state = self.state();
        let at = state.ops + at;
        state.crash = Some(Crash { at, seed, image: None });
    }

    /// Returns whether the power was cut. From then on operations succeed without effect.
    pub(crate) fn crashed(&self) -> bool {
        self.state().crash.as_ref().is_some_and(|crash| crash.image.is_some())
    }

    /// Returns the content after the power cut; cuts the power now if necessary.
    pub(crate) fn image(&self) -> Vec<u8> {
        let mut state = self.state();
        let seed = state.crash.as_ref().map_or(0, |crash| crash.seed);
        match state.crash.take().and_then(|crash| crash.image) {
            Some(image) => image,
            None => state.cut(seed),
        }
    }

    /// Fails every operation from the `at`-th on from now, until healed.
    pub(crate) fn fail_from(&self, at: u64, fault: Fault) {
        let mut state = self.state();
        (state.fault, state.keeps) = (Some((state.ops + at, fault)), at % 3);
    }

    /// Ends all failures; returns whether an operation has failed.
    pub(crate) fn heal(&self) -> bool {
        let mut state = self.state();
        let fault = state.fault.take();
        fault.is_some_and(|(at, _)| state.ops >= at)
    }

    /// How many operations have failed.
    pub(crate) fn failures(&self) -> u64 {
        self.state().failures
    }

    /// Fails the next reads.
    pub(crate) fn fail_reads(&self, count: u64) {
        self.state().failing_reads = count;
    }

    /// Fails every read of this part of the disk; of none, if it is empty.
    pub(crate) fn break_part(&self, bad: Range<usize>) {
        self.state().bad = bad;
    }

    /// How many reads have failed.
    pub(crate) fn failed_reads(&self) -> u64 {
        self.state().failed_reads
    }

    /// The content that reads return.
    pub(crate) fn live(&self) -> Vec<u8> {
        self.state().live.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panics")
    }
}

impl State {
    /// Counts an operation; how it fails, if it does.
    fn tick(&mut self, kind: Kind) -> Option<Fault> {
        self.ops += 1;
        if let Some(crash) = &self.crash
            && crash.image.is_none()
            && self.ops >= crash.at
        {
            let image = self.cut(crash.seed);
            if let Some(crash) = &mut self.crash {
                crash.image = Some(image);
            }
        }
        let (_, fault) = self.fault.filter(|(at, _)| self.ops >= *at)?;
        let fails = match fault {
            Fault::NoSpace | Fault::Short => kind != Kind::Sync,
            Fault::Growth => kind == Kind::SetLen,
            Fault::Error => true,
            Fault::Sync => kind == Kind::Sync,
        };
        self.failures += u64::from(fails);
        fails.then_some(fault)
    }

    /// The error that a fault is.
    fn refuse(fault: Fault) -> io::Error {
        match fault {
            Fault::NoSpace | Fault::Short | Fault::Growth => io::Error::from_raw_os_error(28),
            Fault::Error | Fault::Sync => io::Error::from_raw_os_error(5),
        }
    }

    fn cut(&self, seed: u64) -> Vec<u8> {
        let mut image = self.durable.clone();
        let mut rng = Rng(seed);
        for op in &self.unsynced {
            op.apply(&mut image, || match seed {
                0 => false,
                1 => true,
                _ => rng.below(2) == 0,
            });
        }
        image
    }
}

impl bailiwick_storage_redb::Disk for Disk {
    fn open(&self) -> io::Result<Box<dyn StorageBackend>> {
        Ok(Box::new(self.clone()))
    }

    /// Unsynced writes are gone from the cache: none, all, or some of them are on the disk.
    fn drop_cache(&self) {
        let mut state = self.state();
        let image = state.cut(state.keeps);
        state.unsynced.clear();
        (state.durable, state.live) = (image.clone(), image);
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.state();
        let from = offset as usize;
        let fails = state.failing_reads > 0 || (from < state.bad.end && from + out.len() > state.bad.start);
        if fails {
            state.failing_reads = state.failing_reads.saturating_sub(1);
            state.failed_reads += 1;
            return Err(io::Error::from_raw_os_error(5));
        }
        let data = state.live.get(from..from + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(data);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        if let Some(fault) = state.tick(Kind::SetLen) {
            return Err(State::refuse(fault));
        }
        state.live.resize(len as usize, 0);
        state.unsynced.push(Op::SetLen(len as usize));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        if let Some(fault) = state.tick(Kind::Sync) {
            return Err(State::refuse(fault));
        }
        for op in std::mem::take(&mut state.unsynced) {
            op.apply(&mut state.durable, || true);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.tick(Kind::Write);
        let written = match fault {
            None => data,
            Some(Fault::Short) => &data[..data.len() / 2],
            Some(fault) => return Err(State::refuse(fault)),
        };
        let op = Op::Write(offset as usize, written.to_vec());
        op.apply(&mut state.live, || true);
        state.unsynced.push(op);
        fault.map_or(Ok(()), |fault| Err(State::refuse(fault)))
    }
}

/// Deterministic pseudo-random numbers.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}
