use std::task::{Context, Poll, Waker};

use super::*;

const NONE: [usize; 0] = [];
const SMALL: Limits = Limits { source: 1_000, total: 4_000 };

fn memory() -> Arc<Memory> {
    let authenticated = Limits { source: 4_000, total: 16_000 };
    Memory::with(SMALL, authenticated, Seconds::new())
}

fn source(last: u8) -> SourceNetwork {
    SourceNetwork::of([192, 0, 2, last].into())
}

fn connection() -> Arc<Connection> {
    Arc::new(Connection::new(0, 0, Arc::default()))
}

/// A request that waits for its body.
fn waiting(memory: &Memory, from: u8, bytes: usize) -> Hold {
    let (hold, found) = memory.account(source(from), false).hold(&connection(), bytes);
    assert_eq!(found, Ok(()), "{bytes} bytes from {from}");
    wait(&hold);
    hold
}

fn wait(hold: &Hold) {
    let poll = hold.poll_given_up(&mut Context::from_waker(Waker::noop()));
    assert_eq!(poll.is_ready(), hold.is_given_up());
    hold.set_receiving(true);
}

fn given_up(holds: &[Hold]) -> Vec<usize> {
    (0..holds.len()).filter(|n| holds[*n].is_given_up()).collect()
}

#[test]
fn a_source_beyond_its_share_loses_its_own_oldest() {
    let memory = memory();
    let other: Vec<_> = (0..9).map(|_| waiting(&memory, 1, 100)).collect();
    let mut own: Vec<_> = (0..10).map(|_| waiting(&memory, 2, 100)).collect();
    assert_eq!(given_up(&own), NONE);
    own.push(waiting(&memory, 2, 100));
    // Some room is made at once, so that not each further byte has to.
    assert_eq!((given_up(&own), given_up(&other)), (vec![0, 1, 2], vec![]));
    assert_eq!(memory.used(), (2_000, 0), "it is counted until it is dropped");
    own.drain(..3);
    assert_eq!(memory.used(), (1_700, 0));
    drop((own, other));
    assert_eq!(memory.used(), (0, 0));
    assert_eq!(memory.unauthenticated.balance.leaving.load(Ordering::Relaxed), 0);
}

#[test]
fn small_requests_outlive_large_ones() {
    let memory = memory();
    let small: Vec<_> = (0..10).map(|_| waiting(&memory, 1, 10)).collect();
    let mut large: Vec<_> = (0..3).map(|_| waiting(&memory, 1, 300)).collect();
    large[1].take(100).expect("the oldest of the large ones makes room");
    assert_eq!((given_up(&small), given_up(&large)), (vec![], vec![0]));
    assert_eq!(large[0].take(1), Err(NoRoom), "a revoked hold cannot grow");
    large.clear();
    let small_too: Vec<_> = (0..100).map(|_| waiting(&memory, 1, 10)).collect();
    assert_eq!(given_up(&small), (0..10).collect::<Vec<_>>(), "of equal ones the oldest are revoked");
    assert_eq!(given_up(&small_too), [0, 1, 2, 3]);
}

#[test]
fn requests_may_grow_while_room_is_made() {
    const PLENTY: Limits = Limits { source: usize::MAX / 8, total: usize::MAX / 8 };
    let memory = Memory::with(PLENTY, PLENTY, Seconds::new());
    let account = memory.account(source(1), false);
    for _ in 0..20 {
        let holds: Vec<_> = (0..2_000).map(|_| waiting(&memory, 1, 1 << 40)).collect();
        std::thread::scope(|scope| {
            let growing = scope.spawn(|| {
                // Each holds about the average, which it passes again and again.
                for step in [7, 77, 777, 1_777, 111].repeat(20) {
                    for n in 0..holds.len() {
                        // One that is given up cannot grow.
                        let _ = holds[n * step % holds.len()].take(step * 10);
                    }
                }
            });
            while !growing.is_finished() {
                account.shed(account.balance.staying() - 1);
            }
        });
    }
}

#[test]
fn requests_in_progress_are_not_revoked_but_cannot_grow() {
    let memory = memory();
    let account = memory.account(source(1), false);
    let working: Vec<_> = (0..15).map(|_| account.hold(&connection(), 100)).collect();
    assert!(working.iter().all(|(hold, found)| found.is_ok() && !hold.is_given_up()));
    let (refused, found) = account.hold(&connection(), 100);
    assert_eq!((found, memory.used()), (Err(NoRoom), (1_500, 0)));
    let other = waiting(&memory, 2, 900);
    assert!(!other.is_given_up() && !refused.is_given_up());
}

#[test]
fn a_small_request_is_let_in_beside_large_ones_that_do_not_wait() {
    let memory = memory();
    let account = memory.account(source(1), false);
    let small = waiting(&memory, 1, 10);
    // Large bodies in the moment in which they arrive: none of them can be revoked.
    let arriving: Vec<_> = (0..3).map(|_| account.hold(&connection(), 490).0).collect();
    assert_eq!(memory.used(), (1_480, 0));
    assert_eq!(account.hold(&connection(), 100).1, Err(NoRoom), "the share is exceeded by half");
    let (late, found) = account.hold(&connection(), 10);
    assert_eq!(found, Ok(()));
    assert!(!small.is_given_up(), "it would free next to nothing");
    let more: Vec<_> = (0..100).map(|_| account.hold(&connection(), 10)).filter(|(_, found)| found.is_ok()).collect();
    assert_eq!((more.len(), memory.used().0), (51, 2_000), "the part for small requests has its bound too");
    drop((arriving, late));
}

#[test]
fn above_the_total_the_largest_sources_lose() {
    let memory = memory();
    let mut heavy: Vec<Vec<_>> = (1..4).map(|from| (0..10).map(|_| waiting(&memory, from, 100)).collect()).collect();
    let light: Vec<_> = (4..20).map(|from| waiting(&memory, from, 60)).collect();
    assert_eq!(memory.used(), (3_960, 0));
    let last = waiting(&memory, 30, 60);
    assert_eq!(given_up(&light), NONE);
    assert!(!last.is_given_up());
    for own in &mut heavy {
        assert_eq!(given_up(own), [0, 1], "each of the heavy ones is cut to the same");
        own.drain(..2);
    }
    assert_eq!(memory.used(), (3_420, 0));
}

#[test]
fn sources_are_cut_to_the_level_that_makes_the_sum() {
    let check = |sizes: &[usize], target: usize, expected: usize| {
        let found = level(sizes, target);
        assert_eq!(found, expected, "{sizes:?} to {target}");
        let sum: usize = sizes.iter().map(|size| size.min(&found)).sum();
        assert!(
            sum <= target && target - sum.min(target) < sizes.len().max(1) || found == usize::MAX,
            "{sizes:?}: {sum}"
        );
    };
    check(&[], 10, usize::MAX);
    check(&[10], 10, usize::MAX);
    check(&[10], 4, 4);
    check(&[10, 5], 12, 7);
    check(&[10, 5], 8, 4);
    check(&[10, 10, 10], 10, 3);
    check(&[100, 50, 10, 1], 61, 25);
    check(&[100, 50, 10, 1], 120, 59);
    check(&[4; 1000], 3_000, 3);
}

#[test]
fn authenticated_connections_have_a_share_of_their_own() {
    let memory = memory();
    let account = memory.account(source(1), true);
    let (own, found) = account.hold(&connection(), 3_900);
    assert_eq!(found, Ok(()));
    wait(&own);
    let unauthenticated: Vec<_> = (1..9).map(|from| waiting(&memory, from, 600)).collect();
    assert!(!own.is_given_up());
    assert_eq!(given_up(&unauthenticated).len(), 2, "of equal ones only as many as necessary");
    assert_eq!(memory.used(), (4_800, 3_900));
}

#[test]
fn an_unread_answer_closes_the_connection() {
    let memory = memory();
    let close = |prepare: &dyn Fn(&Hold)| {
        let (link, account) = (connection(), memory.account(source(1), false));
        let (hold, _) = account.hold(&link, 600);
        prepare(&hold);
        let _more = account.hold(&connection(), 600);
        (hold.is_given_up(), link.is_closing())
    };
    assert_eq!(close(&|_| {}), (false, false), "it is in progress");
    assert_eq!(close(&|hold| wait(hold)), (true, false), "the waiting task informs the client");
    assert_eq!(close(&|hold| hold.set_receiving(true)), (true, true), "it is a head");
    assert_eq!(close(&|hold| hold.sending(10)), (true, true), "it is an answer");
}

#[test]
fn an_answer_must_be_taken_in_time() {
    let memory = memory();
    let link = connection();
    let (hold, _) = memory.account(source(1), true).hold(&link, 10);
    let later = |seconds| {
        memory.clock.advance(seconds);
        memory.close_overdue();
        link.is_closing()
    };
    assert!(!later(1_000), "nothing is sent");
    hold.sending(100);
    assert!(!later(60));
    hold.sending(100);
    hold.sent(100);
    assert!(!later(60), "a piece was read");
    assert!(later(1));
    hold.sent(100);
    assert_eq!(memory.used(), (0, 10));
}

#[test]
fn the_waiting_task_is_notified() {
    let memory = memory();
    let (hold, _) = memory.account(source(1), false).hold(&connection(), 600);
    let task = std::sync::Arc::new(Told::default());
    let waker = Waker::from(Arc::clone(&task));
    assert_eq!(hold.poll_given_up(&mut Context::from_waker(&waker)), Poll::Pending);
    hold.set_receiving(true);
    let _more = waiting(&memory, 1, 600);
    assert!(task.0.load(Ordering::Relaxed));
    assert_eq!(hold.poll_given_up(&mut Context::from_waker(&waker)), Poll::Ready(()));
}

#[derive(Default)]
struct Told(std::sync::atomic::AtomicBool);

impl std::task::Wake for Told {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn unused_accounts_are_removed() {
    let memory = memory();
    let kept = memory.account(source(1), false);
    for n in 0..10_000_u32 {
        memory.account(SourceNetwork::of(std::net::Ipv4Addr::from(n).into()), false);
    }
    assert!(memory.unauthenticated.accounts.lock().unwrap().len() < 100);
    assert!(Arc::ptr_eq(&kept, &memory.account(source(1), false)));
}

#[test]
fn an_answer_moves_to_the_account_of_authenticated_connections() {
    let memory = memory();
    let link = connection();
    let account = memory.account(source(1), false);
    let (hold, _) = account.hold(&link, 10);
    assert!(hold.is_of(&account));
    let hold = hold.moved_to(&memory.account(source(1), true));
    assert!(!hold.is_of(&account));
    assert_eq!(memory.used(), (0, 10));
    hold.sending(2_000);
    assert!(!link.is_closing(), "it is within the larger share");
    hold.sending(3_000);
    assert!(link.is_closing());
    drop(hold);
    assert_eq!(memory.used().0, 0);
}
