//! The pool that bounds computations with passwords.
//!
//! A computation takes tens of milliseconds of a processor, and other calls must not wait for it. So it gets what no other
//! thread wants. On a machine that is busy for a long time that is next to nothing; there the computation is begun once more
//! with a tenth of a processor, and the one that ends first counts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_seal::SealError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{PasswordOutcome, PasswordPurpose, PasswordWork};
use crate::background::{self, Share};

/// The maximum number of computations of one user that run or wait: they change their own password only.
const PER_USER: usize = 4;
/// The same of an administrator. Tools change several objects at once; Terraform ten.
const PER_ADMINISTRATOR: usize = 16;
/// The same of a source from which people sign in, which may be a whole office.
const PER_SOURCE: usize = 64;
/// The same for one person who signs in, from all sources: a caller that knows a password can have it verified without end.
const PER_PERSON: usize = 4;
/// The maximum number of computations that run or wait in a queue.
const TOTAL: usize = 64;
/// The same in the queue of people who sign in.
const TOTAL_SIGN_IN: usize = 256;

/// How long a computation may take, from its beginning, until it is begun once more: several times what it takes alone.
const PATIENCE: Duration = Duration::from_millis(250);

/// Does [`PasswordWork`] in the background.
#[derive(Debug)]
pub struct PasswordPool {
    /// Of users that give their current password.
    own: Queue,
    /// Of administrators, who set the passwords of others.
    administrative: Queue,
    /// Of people who sign in.
    sign_in: Queue,
    /// The same computations by person.
    persons: Places,
    /// [`PATIENCE`]
    patience: Duration,
}

/// Computations of one kind: as many at once as a quarter of the processors, at least one.
#[derive(Debug)]
struct Queue {
    running: Arc<Semaphore>,
    /// For the thread that gets what no other wants. Beside one that was overtaken, computations begin with a tenth.
    idle: Arc<Semaphore>,
    places: Places,
}

/// What a computation holds until it ends: its places and its permit.
type Held = (Option<Place>, Place, OwnedSemaphorePermit);

/// The places of computations that run or wait.
#[derive(Debug)]
struct Places {
    waiting: Arc<Mutex<Waiting>>,
    per_caller: usize,
    total: usize,
}

/// The number of computations that run or wait, by caller.
#[derive(Debug, Default)]
struct Waiting {
    total: usize,
    by_caller: HashMap<String, usize>,
}

impl Default for PasswordPool {
    fn default() -> Self {
        PasswordPool {
            own: Queue::new(PER_USER, TOTAL),
            administrative: Queue::new(PER_ADMINISTRATOR, TOTAL),
            sign_in: Queue::new(PER_SOURCE, TOTAL_SIGN_IN),
            persons: Places::new(PER_PERSON, TOTAL_SIGN_IN),
            patience: PATIENCE,
        }
    }
}

impl Queue {
    fn new(per_caller: usize, total: usize) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let running = (processors / 4).max(1);
        Queue {
            running: Arc::new(Semaphore::new(running)),
            idle: Arc::new(Semaphore::new(running)),
            places: Places::new(per_caller, total),
        }
    }
}

impl Places {
    fn new(per_caller: usize, total: usize) -> Self {
        Places { waiting: Arc::default(), per_caller, total }
    }
}

impl PasswordPool {
    /// Does the work for a caller, who is named by a text of their own. A computation that has begun ends even if the
    /// future is dropped, and keeps its places until then.
    ///
    /// # Errors
    /// `Throttling` if the caller, the person who signs in or all callers of the queue have too many computations waiting;
    /// `ServiceFailure` if the computation fails.
    pub async fn run(&self, caller: String, work: PasswordWork) -> Result<PasswordOutcome> {
        let (queue, person) = match work.purpose {
            PasswordPurpose::Administration => (&self.administrative, None),
            PasswordPurpose::OwnPassword => (&self.own, None),
            PasswordPurpose::SignIn(person) => (&self.sign_in, Some(person)),
        };
        let of_person = person.map(|person| Place::take(&self.persons, u128::from_be_bytes(person).to_string()));
        let (of_person, of_caller) = (of_person.transpose()?, Place::take(&queue.places, caller)?);
        let permit = Arc::clone(&queue.running).acquire_owned().await.map_err(IamError::internal)?;
        let held = Arc::new(Mutex::new(Some((of_person, of_caller, permit))));
        let outcome = match Arc::clone(&queue.idle).try_acquire_owned() {
            Err(_) => compute(Share::Tenth, work, held, None)?.await,
            Ok(idle) => {
                let mut first = compute(Share::Idle, work.clone(), Arc::clone(&held), Some(idle))?;
                match tokio::time::timeout(self.patience, &mut first).await {
                    Ok(outcome) => outcome,
                    Err(_) => {
                        let second = compute(Share::Tenth, work, held, None)?;
                        tokio::select! {
                            outcome = first => outcome,
                            outcome = second => outcome,
                        }
                    }
                }
            }
        };
        // An error means that the thread has panicked.
        outcome.map_err(IamError::internal)?.map_err(IamError::internal)
    }
}

/// Begins a computation. The first that ends frees what is held, before its answer, so that the caller finds it free.
fn compute(
    share: Share,
    work: PasswordWork,
    held: Arc<Mutex<Option<Held>>>,
    idle: Option<OwnedSemaphorePermit>,
) -> Result<oneshot::Receiver<std::result::Result<PasswordOutcome, SealError>>> {
    let computation = move || {
        let outcome = work.compute();
        // First, because the next computation begins as soon as the permit is free.
        drop(idle);
        drop(lock(&held).take());
        outcome
    };
    background::spawn("password", share, computation).map_err(IamError::internal)
}

/// A caller's place among the computations that run or wait.
struct Place {
    waiting: Arc<Mutex<Waiting>>,
    caller: String,
}

impl Place {
    fn take(Places { waiting, per_caller, total }: &Places, caller: String) -> Result<Self> {
        let mut state = lock(waiting);
        let own = state.by_caller.get(&caller).copied().unwrap_or(0);
        if own >= *per_caller || state.total >= *total {
            let error = IamError::new(ErrorCode::Throttling, "Rate exceeded");
            return Err(error.retry_after(Duration::from_secs(1)));
        }
        state.total += 1;
        state.by_caller.insert(caller.clone(), own + 1);
        Ok(Place { waiting: Arc::clone(waiting), caller })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = lock(&self.waiting);
        state.total = state.total.saturating_sub(1);
        match state.by_caller.get_mut(&self.caller) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(state.by_caller.remove(&self.caller)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use bailiwick_seal::{PasswordHash, SecretString};

    use super::super::PasswordResult;
    use super::*;

    fn work(known: Option<(&str, &PasswordHash)>, new: Option<&str>, not_among: &[&PasswordHash]) -> PasswordWork {
        let secret = |text: &str| SecretString::from(text.to_owned());
        PasswordWork {
            purpose: match known {
                Some(_) => PasswordPurpose::OwnPassword,
                None => PasswordPurpose::Administration,
            },
            basis: vec![7],
            known: known.map(|(text, hash)| (secret(text), hash.clone())),
            new: new.map(|text| (secret(text), [1; 16])),
            not_among: not_among.iter().map(|hash| (*hash).clone()).collect(),
        }
    }

    fn sign_in(person: u8, hash: &PasswordHash) -> PasswordWork {
        PasswordWork { purpose: PasswordPurpose::SignIn([person; 16]), ..work(Some(("old", hash)), None, &[]) }
    }

    fn hash(text: &str) -> PasswordHash {
        PasswordHash::new(&SecretString::from(text.to_owned()), [9; 16]).unwrap()
    }

    #[tokio::test]
    async fn work_ends_at_the_first_reason_to_refuse() {
        let pool = PasswordPool::default();
        let (old, former) = (hash("old"), hash("former"));
        for (work, expected) in [
            (work(None, Some("new"), &[]), "done"),
            (work(Some(("old", &old)), Some("new"), &[&old, &former]), "done"),
            (work(Some(("odd", &old)), Some("old"), &[&old]), "wrong"),
            (work(Some(("old", &old)), Some("former"), &[&old, &former]), "reused"),
            (work(Some(("old", &old)), None, &[]), "right"),
        ] {
            let outcome = pool.run("bob".into(), work).await.unwrap();
            let result = match outcome.result {
                PasswordResult::Wrong => "wrong",
                PasswordResult::Reused => "reused",
                PasswordResult::Done(Some(_)) => "done",
                PasswordResult::Done(None) => "right",
            };
            assert_eq!((result, outcome.basis), (expected, vec![7]));
        }
    }

    #[tokio::test]
    async fn a_computation_that_takes_too_long_is_begun_once_more() {
        let old = hash("old");
        // Without patience, all of them are.
        let pool = PasswordPool { patience: Duration::ZERO, ..PasswordPool::default() };
        for _ in 0..3 {
            let outcome = pool.run("bob".into(), sign_in(1, &old)).await.unwrap();
            assert!(matches!(outcome.result, PasswordResult::Done(None)));
            assert_eq!(lock(&pool.sign_in.places.waiting).total, 0);
        }
        let idle = u32::try_from(pool.own.idle.available_permits()).unwrap();
        let overtaken = Arc::clone(&pool.sign_in.idle).acquire_many_owned(idle);
        // The last one that was overtaken ends, too; and while it does not, others are computed.
        let _overtaken = overtaken.await.unwrap();
        assert!(pool.run("bob".into(), sign_in(1, &old)).await.is_ok());
        assert!(lock(&pool.persons.waiting).by_caller.is_empty());
    }

    #[tokio::test]
    async fn a_computation_whose_caller_gave_up_ends_and_frees_its_places() {
        let (pool, old) = (Arc::new(PasswordPool::default()), hash("old"));
        let all = pool.sign_in.running.available_permits();
        let running = {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run("bob".into(), sign_in(1, &old)).await })
        };
        while pool.sign_in.running.available_permits() == all {
            tokio::task::yield_now().await;
        }
        running.abort();
        while pool.sign_in.running.available_permits() < all || lock(&pool.sign_in.places.waiting).total > 0 {
            tokio::task::yield_now().await;
        }
        assert!(lock(&pool.persons.waiting).by_caller.is_empty());
    }

    #[tokio::test]
    async fn the_purposes_do_not_delay_each_other() {
        let (pool, old) = (PasswordPool::default(), hash("old"));
        let all = u32::try_from(pool.own.running.available_permits()).unwrap();
        let mut busy = Vec::new();
        for queue in [&pool.own, &pool.sign_in] {
            busy.push(Arc::clone(&queue.running).acquire_many_owned(all).await.unwrap());
        }
        let _full: Vec<Place> = [&pool.own, &pool.sign_in]
            .into_iter()
            .flat_map(|queue| {
                (0..queue.places.total).map(|number| Place::take(&queue.places, number.to_string()).unwrap())
            })
            .collect();
        for refused in [work(Some(("old", &old)), Some("new"), &[]), sign_in(1, &old)] {
            let refused = pool.run("bob".into(), refused).await;
            assert_eq!(refused.unwrap_err().code(), ErrorCode::Throttling);
        }
        assert!(pool.run("admin".into(), work(None, Some("new"), &[&old])).await.is_ok());
    }

    #[tokio::test]
    async fn a_person_has_a_few_places_from_all_sources() {
        let (pool, old) = (Arc::new(PasswordPool::default()), hash("old"));
        let all = u32::try_from(pool.sign_in.running.available_permits()).unwrap();
        let busy = Arc::clone(&pool.sign_in.running).acquire_many_owned(all).await.unwrap();
        let (mut waiting, mut source) = (Vec::new(), 0);
        for (person, expected) in [(1, PER_PERSON), (2, 2 * PER_PERSON)] {
            for _ in 0..10 {
                let (pool, work) = (Arc::clone(&pool), sign_in(person, &old));
                source += 1;
                waiting.push(tokio::spawn(async move { pool.run(source.to_string(), work).await }));
            }
            while waiting.iter().filter(|task| task.is_finished()).count() < source - expected {
                tokio::task::yield_now().await;
            }
            assert_eq!(lock(&pool.sign_in.places.waiting).total, expected);
        }
        drop(busy);
        let mut refused = 0;
        for task in waiting {
            match task.await.unwrap() {
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::Throttling);
                    refused += 1;
                }
            }
        }
        assert_eq!(refused, source - 2 * PER_PERSON);
        assert!(lock(&pool.persons.waiting).by_caller.is_empty());
    }

    #[test]
    fn places_are_limited_by_caller_and_in_total() {
        let queue = Places::new(PER_USER, TOTAL);
        let take = |caller: &str| Place::take(&queue, caller.to_owned());
        let places: Vec<Place> = (0..PER_USER).map(|_| take("bob").unwrap()).collect();
        assert_eq!(take("bob").err().unwrap().code(), ErrorCode::Throttling);
        let others: Vec<Place> = (0..TOTAL - PER_USER).map(|number| take(&number.to_string()).unwrap()).collect();
        assert_eq!(take("eva").err().unwrap().code(), ErrorCode::Throttling);
        drop((places, others));
        assert!(lock(&queue.waiting).by_caller.is_empty());
        assert!(take("bob").is_ok());
    }
}
