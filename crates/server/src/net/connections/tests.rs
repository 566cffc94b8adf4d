use super::*;

const NONE: [usize; 0] = [];
const SHARES: Shares =
    Shares { total: 12, unauthenticated: 8, unauthenticated_per_source: 3, authenticated_per_source: 5 };

fn source(last: u8) -> Option<SourceNetwork> {
    Some(SourceNetwork::of([192, 0, 2, last].into()))
}

/// A registry whose first seconds are over, so that connections have different ages.
fn registry() -> Arc<Connections> {
    Connections::new(SHARES, Seconds::new())
}

fn wait(connections: &Connections, seconds: u32) {
    for _ in 0..seconds {
        connections.clock.advance(1);
        connections.close_overdue();
    }
}

fn open(connections: &Connections, from: u8, count: usize) -> Vec<Arc<Connection>> {
    let opened: Vec<_> = (0..count).map(|_| connections.open(source(from))).collect();
    opened.iter().for_each(|connection| connection.head_ends());
    opened
}

fn authenticate(connections: &Connections, opened: &[Arc<Connection>]) {
    opened.iter().for_each(|connection| connections.authenticated(connection));
}

/// The indexes of the connections that are being closed.
fn closing(opened: &[Arc<Connection>]) -> Vec<usize> {
    (0..opened.len()).filter(|n| opened[*n].is_closing()).collect()
}

#[test]
fn a_source_beyond_its_share_loses_its_own_oldest() {
    let connections = registry();
    let other = open(&connections, 1, 3);
    let mut own = open(&connections, 2, 3);
    wait(&connections, 3);
    own.extend(open(&connections, 2, 2));
    assert_eq!((closing(&own), closing(&other)), (vec![0, 1], vec![]));
    // A closed connection frees its place.
    connections.gone(&own[2]);
    own.extend(open(&connections, 2, 1));
    assert_eq!(closing(&own), [0, 1]);
}

#[test]
fn busy_and_new_connections_are_closed_last() {
    let connections = registry();
    let mut own = open(&connections, 1, 2);
    own[0].begin();
    wait(&connections, 3);
    own.extend(open(&connections, 1, 2));
    assert_eq!(closing(&own), [1], "the oldest is busy");
    own.extend(open(&connections, 1, 1));
    assert_eq!(closing(&own), [0, 1], "all others have just been opened");
    own[2].begin();
    own[2].end(3);
    wait(&connections, 3);
    own.extend(open(&connections, 1, 1));
    assert_eq!(closing(&own), [0, 1, 2], "what has ended leaves it idle");
}

#[test]
fn authenticated_connections_are_counted_apart() {
    let connections = registry();
    let mut own = open(&connections, 1, 3);
    authenticate(&connections, &own);
    own.extend(open(&connections, 1, 3));
    assert_eq!((closing(&own), connections.counts()), (vec![], (3, 3)));
    wait(&connections, 3);
    own.extend(open(&connections, 1, 1));
    assert_eq!(closing(&own), [3], "the oldest of the others");
    authenticate(&connections, &own[4..6]);
    assert_eq!(closing(&own), [3], "the larger share is not used up");
    authenticate(&connections, &own[6..]);
    assert_eq!(closing(&own), [0, 3], "now it is");
}

#[test]
fn above_the_unauthenticated_total_the_oldest_idle_connection_is_closed() {
    let connections = registry();
    let mut all = open(&connections, 1, 3);
    all[0].begin();
    all.extend(open(&connections, 2, 3));
    wait(&connections, 3);
    all.extend(open(&connections, 3, 2));
    assert_eq!(closing(&all), NONE);
    all.extend(open(&connections, 4, 2));
    assert_eq!(closing(&all), [1, 2]);
}

#[test]
fn an_authenticated_client_always_gets_a_connection() {
    let connections = registry();
    // All places are taken, by authenticated and by unauthenticated clients.
    let mut proven = open(&connections, 1, 3);
    authenticate(&connections, &proven);
    proven.extend(open(&connections, 1, 2));
    authenticate(&connections, &proven[3..]);
    let small = open(&connections, 2, 1);
    authenticate(&connections, &small);
    let mut unauthenticated = open(&connections, 3, 3);
    unauthenticated.extend(open(&connections, 4, 3));
    assert_eq!(connections.counts(), (6, 6));
    for number in 0..6 {
        wait(&connections, 3);
        let next = open(&connections, 10 + number, 1);
        assert_eq!(closing(&next), NONE);
        authenticate(&connections, &next);
        assert_eq!(closing(&unauthenticated), (0..=usize::from(number)).collect::<Vec<_>>());
    }
    assert_eq!(connections.counts(), (0, 12));
    // Only authenticated ones are left: the source that has most of them loses an idle one.
    proven[0].begin();
    let next = open(&connections, 30, 1);
    assert_eq!((closing(&next), closing(&proven), closing(&small)), (vec![], vec![1], vec![]));
}

#[test]
fn when_all_are_busy_the_newest_is_closed() {
    let connections = registry();
    let mut all = Vec::new();
    for from in 0..12 {
        all.extend(open(&connections, from, 1));
        authenticate(&connections, &all);
        all[usize::from(from)].begin();
    }
    let next = open(&connections, 20, 1);
    assert_eq!((closing(&all), closing(&next), connections.counts()), (vec![], vec![0], (0, 12)));
}

#[test]
fn a_trusted_proxy_has_no_share_but_counts_in_total() {
    let connections = registry();
    let proxied: Vec<_> = (0..8).map(|_| connections.open(None)).collect();
    assert_eq!(closing(&proxied), NONE);
    wait(&connections, 3);
    let direct = open(&connections, 1, 1);
    assert_eq!((closing(&proxied), closing(&direct)), (vec![0], vec![]));
    // The PROXY header names the client.
    proxied[1..5].iter().for_each(|connection| connections.assign(connection, source(9).unwrap()));
    assert_eq!(closing(&proxied), [0, 1]);
}

#[test]
fn a_full_system_makes_room() {
    let connections = registry();
    assert!(!connections.make_room());
    let own = open(&connections, 1, 2);
    authenticate(&connections, &own[..1]);
    assert!(connections.make_room());
    assert_eq!(closing(&own), [1]);
    assert!(connections.make_room());
    assert_eq!(closing(&own), [0, 1]);
}

#[test]
fn idle_unauthenticated_connections_and_slow_heads_are_closed() {
    let connections = registry();
    let own = open(&connections, 1, 3);
    own[0].head_begins(0);
    authenticate(&connections, &own[2..]);
    own[2].standing.set_authenticated();
    wait(&connections, 10);
    assert_eq!(closing(&own), NONE);
    wait(&connections, 1);
    assert_eq!(closing(&own), [0], "its head has not arrived in ten seconds");
    own[1].begin();
    wait(&connections, 100);
    assert_eq!(closing(&own), [0], "a request is being answered");
    own[1].end(connections.clock.now());
    wait(&connections, 60);
    assert_eq!(closing(&own), [0]);
    wait(&connections, 1);
    assert_eq!(closing(&own), [0, 1]);
    wait(&connections, 1_000);
    assert_eq!(closing(&own), [0, 1], "authenticated connections may be idle");
    own[2].head_begins(connections.clock.now());
    wait(&connections, 11);
    assert_eq!(closing(&own), [0, 1, 2], "but sends heads in time");
}
