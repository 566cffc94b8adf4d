use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::aws::Keys;

/// A clock that follows the paused time of the runtime.
struct Paused(Instant, Mutex<SignedDuration>);

impl Clock for Paused {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.0.elapsed()).unwrap() + *self.1.lock().unwrap();
        Timestamp::from_second(1_800_000_000).unwrap() + passed
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Server {
    Up,
    Away,
    Refuses,
    /// Answers after this many seconds.
    Slow(u64),
}

/// A server that is up or not, and the times of the attempts in seconds.
struct World {
    server: Arc<Mutex<Server>>,
    attempts: Arc<Mutex<Vec<u64>>>,
    clock: Arc<Paused>,
    sessions: Sessions,
}

struct Fake {
    server: Arc<Mutex<Server>>,
    attempts: Arc<Mutex<Vec<u64>>>,
    clock: Arc<Paused>,
    lifetime: i64,
}

impl Obtain for Fake {
    async fn obtain(&mut self) -> Result<Session, Failure> {
        let number = {
            let mut attempts = self.attempts.lock().unwrap();
            attempts.push(self.clock.0.elapsed().as_secs());
            attempts.len()
        };
        let server = *self.server.lock().unwrap();
        match server {
            Server::Away => return Err(Failure::new("no answer").temporary(true)),
            Server::Refuses => return Err(Failure::new("AccessDenied: no")),
            Server::Slow(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            Server::Up => {}
        }
        let obtained = self.clock.now();
        Ok(Session {
            keys: Keys {
                access_key_id: format!("ASIA{number}"),
                secret_access_key: "s".to_owned().into(),
                session_token: Some("t".to_owned().into()),
                expiration: None,
            },
            obtained,
            expiration: obtained + SignedDuration::from_secs(self.lifetime),
            account: "111122223333".to_owned(),
            arn: "arn:aws:iam::111122223333:role/r".to_owned(),
            name: "r".to_owned(),
        })
    }
}

fn world(server: Server, lifetime: i64) -> (World, Renewal<Fake>) {
    let clock = Arc::new(Paused(Instant::now(), Mutex::default()));
    let (server, attempts) = (Arc::new(Mutex::new(server)), Arc::<Mutex<Vec<u64>>>::default());
    let fake =
        Fake { server: Arc::clone(&server), attempts: Arc::clone(&attempts), clock: Arc::clone(&clock), lifetime };
    let (renewal, sessions) = Renewal::new(fake, Arc::clone(&clock) as Arc<dyn Clock>);
    (World { server, attempts, clock, sessions }, renewal)
}

impl World {
    async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    /// The number of the session that a request gets, or why it gets none.
    async fn asked(&self) -> Result<String, String> {
        let found = self.sessions.current().await;
        found.map(|session| session.keys.access_key_id.clone()).map_err(|why| why.to_string())
    }

    fn attempts(&self) -> Vec<u64> {
        self.attempts.lock().unwrap().clone()
    }

    fn set(&self, server: Server) {
        *self.server.lock().unwrap() = server;
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_are_renewed_before_their_end() {
    let (world, mut renewal) = world(Server::Up, 3_600);
    renewal.begin().await.unwrap();
    tokio::spawn(renewal.run());
    for (after, expected) in [(0, "ASIA1"), (2_399, "ASIA1"), (2, "ASIA2"), (2_398, "ASIA2"), (2, "ASIA3")] {
        world.pass(after).await;
        assert_eq!(world.asked().await.as_deref(), Ok(expected));
    }
    assert_eq!(world.attempts(), [0, 2_400, 4_800], "whatever is asked");
}

#[tokio::test(start_paused = true)]
async fn valid_credentials_are_served_while_the_server_is_away() {
    let (world, mut renewal) = world(Server::Up, 900);
    renewal.begin().await.unwrap();
    tokio::spawn(renewal.run());
    world.set(Server::Away);
    for _ in 0..89 {
        world.pass(10).await;
        assert_eq!(world.asked().await.as_deref(), Ok("ASIA1"));
    }
    // Attempts begin at half of the session's time, and become rare.
    assert_eq!(world.attempts(), [0, 450, 451, 453, 457, 465, 481, 513, 573, 633, 693, 753, 813, 873]);
    world.pass(11).await;
    assert_eq!(world.asked().await, Err("no answer".to_owned()), "never expired credentials");
    // A request hurries the next attempt, though by no more than one a second.
    world.set(Server::Up);
    world.pass(1).await;
    assert_eq!(world.asked().await.as_deref(), Ok("ASIA15"));
}

#[tokio::test(start_paused = true)]
async fn requests_cause_no_more_than_one_attempt_a_second() {
    let (world, mut renewal) = world(Server::Away, 900);
    renewal.begin().await.unwrap();
    tokio::spawn(renewal.run());
    for _ in 0..200 {
        let all = [(); 20].map(|()| world.asked());
        for answer in futures_util::future::join_all(all).await {
            assert_eq!(answer, Err("no answer".to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (attempts, seconds) = (world.attempts().len() as u64, world.clock.0.elapsed().as_secs());
    assert!(attempts > seconds / 2 && attempts <= seconds + 1, "{attempts} in {seconds} s");
}

#[tokio::test(start_paused = true)]
async fn many_requests_share_one_attempt() {
    let (world, renewal) = world(Server::Slow(3), 900);
    tokio::spawn(renewal.run());
    let all = [(); 50].map(|()| world.asked());
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer, Err("the credentials are being obtained: try again".to_owned()));
    }
    assert!(world.clock.0.elapsed() < Duration::from_secs(1), "a request does not wait longer than SDKs do");
    world.pass(3).await;
    assert_eq!(world.asked().await.as_deref(), Ok("ASIA1"));
    assert_eq!(world.attempts(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_the_start_and_an_absent_server_does_not() {
    let (_, mut renewal) = world(Server::Refuses, 900);
    assert_eq!(renewal.begin().await.unwrap_err().to_string(), "AccessDenied: no");
    let (world, mut renewal) = world(Server::Away, 900);
    renewal.begin().await.unwrap();
    tokio::spawn(renewal.run());
    assert_eq!(world.asked().await, Err("no answer".to_owned()));
    world.set(Server::Up);
    world.pass(2).await;
    assert_eq!(world.asked().await.as_deref(), Ok("ASIA2"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_later_is_reported_once_the_session_ends() {
    let (world, mut renewal) = world(Server::Up, 900);
    renewal.begin().await.unwrap();
    tokio::spawn(renewal.run());
    world.set(Server::Refuses);
    world.pass(899).await;
    assert_eq!(world.asked().await.as_deref(), Ok("ASIA1"));
    world.pass(2).await;
    assert_eq!(world.asked().await, Err("AccessDenied: no".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_can_be_asked_for() {
    let (world, mut renewal) = world(Server::Up, 3_600);
    renewal.begin().await.unwrap();
    tokio::spawn(renewal.run());
    for expected in ["ASIA2", "ASIA3"] {
        world.sessions.renew();
        world.pass(1).await;
        assert_eq!(world.asked().await.as_deref(), Ok(expected));
    }
    // One that fails is tried again.
    world.set(Server::Away);
    world.sessions.renew();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.attempts(), [0, 0, 1, 2]);
    world.set(Server::Up);
    world.pass(1).await;
    assert_eq!(world.asked().await.as_deref(), Ok("ASIA5"));
    assert_eq!(world.attempts(), [0, 0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_has_new_credentials_at_once() {
    let (world, mut renewal) = world(Server::Up, 3_600);
    renewal.begin().await.unwrap();
    tokio::spawn(renewal.run());
    world.pass(5).await;
    // The clock jumps, the runtime's timers do not.
    *world.clock.1.lock().unwrap() += SignedDuration::from_hours(8);
    assert_eq!(world.asked().await.as_deref(), Ok("ASIA2"));
    assert_eq!(world.attempts(), [0, 5]);
}

#[tokio::test(start_paused = true)]
async fn sessions_without_time_do_not_cause_a_loop() {
    let (world, mut renewal) = world(Server::Up, -10);
    renewal.begin().await.unwrap();
    tokio::spawn(renewal.run());
    world.pass(20).await;
    assert!(world.attempts().len() <= 21, "{:?}", world.attempts());
    assert!(world.asked().await.is_err());
}
