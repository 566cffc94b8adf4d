//! The cache over a source that counts. Time is paused.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

/// A source whose answer can be changed, and which can be slow.
#[derive(Default)]
struct Source {
    fetches: AtomicUsize,
    kid: Mutex<Option<&'static str>>,
    slow: Option<Duration>,
    /// Answers with something else than keys.
    withdrawn: AtomicBool,
}

const KEY: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

#[async_trait]
impl Fetch for Source {
    async fn keys(&self, _: &str, _: &[String]) -> Result<KeySet, IssuerKeysError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        if let Some(slow) = self.slow {
            tokio::time::sleep(slow).await;
        }
        if self.withdrawn.load(Ordering::SeqCst) {
            return Err(IssuerKeysError::Unacceptable("no keys".into()));
        }
        match *lock(&self.kid) {
            Some(kid) => Ok(KeySet::parse(format!(r#"{{"keys":[{{"kid":"{kid}",{KEY}}}]}}"#).as_bytes()).unwrap()),
            None => Err(IssuerKeysError::Unreachable("down".into())),
        }
    }
}

fn cache(kid: Option<&'static str>, slow: Option<Duration>) -> (Arc<Source>, Arc<CachedIssuerKeys>) {
    let source = Arc::new(Source { kid: Mutex::new(kid), slow, ..Source::default() });
    (Arc::clone(&source), Arc::new(CachedIssuerKeys::over(source)))
}

fn wanted(issuer: &str, key_id: &str) -> WantedKeys {
    WantedKeys {
        account: "111122223333".parse().unwrap(),
        issuer: issuer.into(),
        thumbprints: Vec::new(),
        key_id: Some(key_id.into()),
        source: Some(SourceNetwork::of("192.0.2.1".parse().unwrap())),
    }
}

impl Source {
    fn count(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
    fn set(&self, kid: Option<&'static str>) {
        *lock(&self.kid) = kid;
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_kept_and_refreshed() {
    let (source, cache) = cache(Some("a"), None);
    for _ in 0..100 {
        assert!(cache.get(&wanted("idp", "a")).await.is_ok());
    }
    assert_eq!(source.count(), 1);
    // A key that is not known yet.
    source.set(Some("b"));
    assert!(cache.get(&wanted("idp", "b")).await.unwrap().has_key(Some("b")));
    assert_eq!(source.count(), 2);
    tokio::time::advance(FRESH).await;
    assert!(cache.get(&wanted("idp", "b")).await.is_ok());
    assert_eq!(source.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_cause_a_few_fetches_only() {
    let (source, cache) = cache(Some("a"), None);
    for _ in 0..1000 {
        let keys = cache.get(&wanted("idp", "forged")).await.unwrap();
        assert!(!keys.has_key(Some("forged")));
    }
    assert_eq!(source.count(), 5);
    tokio::time::advance(Duration::from_secs(30)).await;
    for _ in 0..1000 {
        assert!(cache.get(&wanted("idp", "forged")).await.is_ok());
    }
    assert_eq!(source.count(), 6);
}

#[tokio::test(start_paused = true)]
async fn one_client_causes_a_bounded_number_of_fetches() {
    let (source, cache) = cache(Some("a"), None);
    let mut refused = 0;
    for number in 0..300 {
        refused += usize::from(cache.get(&wanted(&format!("idp{number}"), "a")).await.is_err());
    }
    assert_eq!((source.count(), refused), (100, 200));
    let other = WantedKeys { source: Some(SourceNetwork::of("192.0.2.2".parse().unwrap())), ..wanted("idp299", "a") };
    assert!(cache.get(&other).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn callers_share_one_fetch() {
    let (source, cache) = cache(Some("a"), Some(Duration::from_secs(2)));
    let calls = (0..50).map(|_| {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move { cache.get(&wanted("idp", "a")).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert!(call.await.unwrap().is_ok());
    }
    assert_eq!(source.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_goes_on_without_its_caller() {
    let (source, cache) = cache(Some("a"), Some(Duration::from_secs(2)));
    let first = tokio::time::timeout(Duration::from_secs(1), cache.get(&wanted("idp", "a"))).await;
    assert!(first.is_err(), "the caller went away");
    assert!(cache.get(&wanted("idp", "a")).await.is_ok());
    assert_eq!(source.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_issuer_delays_no_other() {
    let (source, cache) = cache(Some("a"), Some(Duration::from_secs(60)));
    let begun = Instant::now();
    let slow = cache.get(&wanted("slow", "a")).await;
    assert!(matches!(slow, Err(IssuerKeysError::Unreachable(_))), "{slow:?}");
    assert_eq!(Instant::now() - begun, WAIT);
    // The issuers of one account wait for each other, those of other accounts do not.
    for number in 0..PER_ACCOUNT {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move { cache.get(&wanted(&format!("slow{number}"), "a")).await });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(source.count(), PER_ACCOUNT);
    let other = WantedKeys { account: "444455556666".parse().unwrap(), ..wanted("idp", "a") };
    let _ = cache.get(&other).await;
    assert_eq!(source.count(), PER_ACCOUNT + 1);
}

#[tokio::test(start_paused = true)]
async fn known_keys_outlive_an_outage_for_a_while() {
    let (source, cache) = cache(Some("a"), None);
    assert!(cache.get(&wanted("idp", "a")).await.is_ok());
    source.set(None);
    tokio::time::advance(FRESH).await;
    assert!(cache.get(&wanted("idp", "a")).await.is_ok());
    assert_eq!(source.count(), 2, "it was tried");
    tokio::time::advance(STALE - Duration::from_secs(1)).await;
    assert!(cache.get(&wanted("idp", "a")).await.is_ok());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(cache.get(&wanted("idp", "a")).await.is_err());
    // A key that the issuer withdrew is gone with the next fetch.
    source.set(Some("b"));
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(!cache.get(&wanted("idp", "a")).await.unwrap().has_key(Some("a")));
}

#[tokio::test(start_paused = true)]
async fn withdrawn_keys_do_not_outlive_their_time() {
    let (source, cache) = cache(Some("a"), None);
    assert!(cache.get(&wanted("idp", "a")).await.is_ok());
    source.withdrawn.store(true, Ordering::SeqCst);
    // As long as they would be used without a fetch.
    assert!(cache.get(&wanted("idp", "other")).await.is_ok());
    assert_eq!(source.count(), 2, "it was tried");
    tokio::time::advance(FRESH).await;
    assert!(cache.get(&wanted("idp", "a")).await.is_err());
    // An outage afterwards does not bring them back.
    source.withdrawn.store(false, Ordering::SeqCst);
    source.set(None);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(cache.get(&wanted("idp", "a")).await.unwrap_err(), IssuerKeysError::Unreachable("down".into()));
    source.set(Some("a"));
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(cache.get(&wanted("idp", "a")).await.is_ok());
    source.set(None);
    tokio::time::advance(FRESH).await;
    assert!(cache.get(&wanted("idp", "a")).await.is_ok(), "an outage alone");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_fails_is_not_asked_all_the_time() {
    let (source, cache) = cache(None, None);
    for _ in 0..100 {
        assert_eq!(cache.get(&wanted("idp", "a")).await.unwrap_err(), IssuerKeysError::Unreachable("down".into()));
    }
    assert_eq!(source.count(), 5);
}

#[tokio::test(start_paused = true)]
async fn providers_do_not_share_keys_across_accounts_and_thumbprints() {
    let (source, cache) = cache(Some("a"), None);
    assert!(cache.get(&wanted("idp", "a")).await.is_ok());
    let pinned = WantedKeys { thumbprints: vec!["aa".into()], ..wanted("idp", "a") };
    assert!(cache.get(&pinned).await.is_ok());
    let other = WantedKeys { account: "444455556666".parse().unwrap(), ..wanted("idp", "a") };
    assert!(cache.get(&other).await.is_ok());
    assert_eq!(source.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded() {
    let (_, cache) = cache(Some("a"), None);
    for number in 0..MAX_ENTRIES + 10 {
        let account = AccountId::from_number(1 + number as u64 / MAX_OF_ACCOUNT as u64).unwrap();
        let _ = cache.get(&WantedKeys { account, ..wanted(&format!("idp{number}"), "a") }).await;
    }
    assert_eq!(lock(&cache.entries).len(), MAX_ENTRIES);
}

#[tokio::test(start_paused = true)]
async fn an_account_does_not_displace_the_keys_of_others() {
    let (source, cache) = cache(Some("a"), None);
    let other = WantedKeys { account: "444455556666".parse().unwrap(), ..wanted("idp", "a") };
    assert!(cache.get(&other).await.is_ok());
    for number in 0..MAX_ENTRIES + 10 {
        let _ = cache.get(&wanted(&format!("idp{number}"), "a")).await;
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    assert_eq!(lock(&cache.entries).len(), 1 + MAX_OF_ACCOUNT);
    let before = source.count();
    assert!(cache.get(&other).await.is_ok());
    assert_eq!(source.count(), before);
}
