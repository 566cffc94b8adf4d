use super::*;
use crate::token_buckets::MAX_BUCKETS;

const RATE: u32 = 50;

/// Failures with a clock of their own, from 192.0.2.x.
struct Scene {
    failures: Failures,
    now: Timestamp,
}

impl Scene {
    fn new() -> Self {
        Scene { failures: Failures::new(RATE), now: Timestamp::from_second(1_800_000_000).unwrap() }
    }

    fn wait(&mut self, millis: i64) {
        self.now = Timestamp::from_millisecond(self.now.as_millisecond() + millis).unwrap();
    }

    fn admit(&self, from: u8, claim: Claim) -> Admission {
        self.failures.admit(source(from), || claim, self.now)
    }

    /// Makes attempts that fail. Returns how many of them were verified.
    fn fail(&self, from: u8, claim: Claim, times: u32) -> u32 {
        let mut looked_at = 0;
        for _ in 0..times {
            let admission = self.admit(from, claim);
            if !matches!(admission, Admission::Throttled(_)) {
                looked_at += u32::from(admission == Admission::Free);
                self.failures.failed(source(from), claim, self.now);
            }
        }
        looked_at
    }

    fn succeed(&self, from: u8, claim: Claim) {
        assert!(!matches!(self.admit(from, claim), Admission::Throttled(_)));
        self.failures.succeeded(source(from), claim, self.now);
    }
}

fn source(last: u8) -> SourceNetwork {
    SourceNetwork::of([192, 0, 2, last].into())
}

fn is_throttled(admission: Admission) -> bool {
    matches!(admission, Admission::Throttled(_))
}

const ANNA: Claim = Claim::Key(1);
const BEN: Claim = Claim::Key(2);
const GOOD: Claim = Claim::Token(3);
const BAD: Claim = Claim::Token(4);

#[test]
fn a_key_of_a_source_may_fail_a_hundred_times_and_then_ten_times_a_second() {
    let mut scene = Scene::new();
    assert_eq!(scene.fail(1, ANNA, 1_000), 101);
    assert!(is_throttled(scene.admit(1, ANNA)));
    assert_eq!(scene.admit(1, BEN), Admission::Free, "another key of the source");
    assert_eq!(scene.admit(2, ANNA), Admission::Free, "the key from another source");
    scene.wait(1_000);
    assert_eq!(scene.fail(1, ANNA, 1_000), 10);
    scene.wait(60_000);
    assert_eq!(scene.fail(1, ANNA, 1_000), 101);
}

#[test]
fn a_source_may_fail_five_hundred_times_for_any_claim() {
    let mut scene = Scene::new();
    let failed: u32 = (0..1_000).map(|n| scene.fail(1, scene.failures.key(&format!("AKIA{n}")), 1)).sum();
    assert_eq!(failed, 501);
    for claim in [ANNA, GOOD, Claim::Unnamed] {
        assert!(is_throttled(scene.admit(1, claim)), "{claim:?}");
        assert_eq!(scene.admit(2, claim), Admission::Free, "{claim:?}");
    }
    scene.wait(1_000);
    assert_eq!(scene.fail(1, Claim::Unnamed, 1_000), 50);
    assert_eq!(scene.fail(2, BAD, 1_000), 501, "tokens are limited by the source alone");
}

#[test]
fn a_correct_signature_after_typos_waits_a_moment_at_most() {
    let mut scene = Scene::new();
    scene.fail(1, ANNA, 1_000);
    let Admission::Throttled(wait) = scene.admit(1, ANNA) else { panic!("not throttled") };
    assert!(wait <= Duration::from_millis(100), "{wait:?}");
    scene.wait(100);
    scene.succeed(1, ANNA);
    assert_eq!(scene.fail(1, ANNA, 1_000), 101, "a success forgives what was before");
}

#[test]
fn a_key_that_was_valid_from_the_source_is_verified_despite_failures_of_others() {
    let mut scene = Scene::new();
    scene.succeed(1, ANNA);
    scene.succeed(1, GOOD);
    scene.fail(1, Claim::Unnamed, 1_000);
    assert_eq!(scene.admit(1, ANNA), Admission::OnlyIfValid);
    assert_eq!(scene.admit(1, GOOD), Admission::OnlyIfValid);
    for claim in [BEN, BAD, Claim::Unnamed] {
        assert!(is_throttled(scene.admit(1, claim)), "{claim:?}");
    }
    scene.fail(2, Claim::Unnamed, 1_000);
    assert!(is_throttled(scene.admit(2, ANNA)), "from there it was never good");
    scene.wait(13 * 3_600_000);
    scene.fail(1, Claim::Unnamed, 1_000);
    assert!(is_throttled(scene.admit(1, ANNA)), "that was long ago");
}

#[test]
fn many_sources_are_forgotten_and_a_clock_that_moves_back_is_harmless() {
    let mut scene = Scene::new();
    for n in 0..100_000_u32 {
        scene.failures.failed(SourceNetwork::of(std::net::Ipv4Addr::from(n).into()), ANNA, scene.now);
        assert!(scene.failures.buckets.buckets().len() <= MAX_BUCKETS);
    }
    scene.fail(1, ANNA, 1_000);
    scene.wait(-1_000_000);
    assert!(is_throttled(scene.admit(1, ANNA)));
    scene.failures.failed(source(1), ANNA, scene.now);
    scene.wait(20_000);
    assert_eq!(scene.admit(1, ANNA), Admission::Free);
}

#[test]
fn many_false_keys_of_many_sources_reset_no_limit() {
    let scene = Scene::new();
    scene.fail(1, ANNA, 1_000);
    scene.fail(2, Claim::Unnamed, 1_000);
    // Buckets of 100 sources that fail 500 times each, for another key every time: three times as many as there may be.
    for n in 3..103_u8 {
        for key in 0..600 {
            let claim = Claim::Key(u64::from(n) << 32 | key);
            scene.fail(n, claim, 1);
        }
        assert!(scene.failures.buckets.buckets().len() <= MAX_BUCKETS);
        assert!(is_throttled(scene.admit(1, ANNA)), "the key, after {n} sources");
        assert!(is_throttled(scene.admit(2, BEN)), "a source, after {n} sources");
        assert!(is_throttled(scene.admit(n, BEN)), "the source {n} itself");
    }
    assert!(is_throttled(scene.admit(3, BEN)), "the first of the sources");
}

#[test]
fn zero_means_unlimited() {
    let mut scene = Scene::new();
    scene.failures = Failures::new(0);
    assert_eq!(scene.fail(1, ANNA, 10_000), 10_000);
}
