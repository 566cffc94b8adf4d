use super::*;
use crate::testing::{MAIN, account, now, world};

const DAY: i64 = 86_400;

/// Keys of algorithms, by age in seconds.
fn keys(ages: &[(&str, i64)]) -> Vec<TokenSigningKey> {
    let key = |(n, (algorithm, age)): (usize, &(&str, i64))| TokenSigningKey {
        id: n.to_string(),
        algorithm: (*algorithm).to_owned(),
        created: Timestamp::from_second(now().as_second() - age).unwrap(),
        sealed: Vec::new().into(),
        jwk: "{}".into(),
    };
    ages.iter().enumerate().map(key).collect()
}

#[test]
fn keys_are_announced_then_sign_then_stay_published() {
    for (name, ages, signs, remain, replaced) in [
        ("the first key signs at once", vec![("ES384", 0)], Some("0"), vec!["0"], false),
        ("for a month", vec![("ES384", 30 * DAY - 1)], Some("0"), vec!["0"], false),
        ("then it is replaced", vec![("ES384", 30 * DAY)], Some("0"), vec!["0"], true),
        ("the new one waits", vec![("ES384", 30 * DAY), ("ES384", 3_599)], Some("0"), vec!["0", "1"], false),
        ("then it signs", vec![("ES384", 30 * DAY), ("ES384", 3_600)], Some("1"), vec!["0", "1"], false),
        ("tokens of the old one live", vec![("ES384", 30 * DAY), ("ES384", 7_799)], Some("1"), vec!["0", "1"], false),
        ("they have expired", vec![("ES384", 30 * DAY), ("ES384", 7_800)], Some("1"), vec!["1"], false),
        ("another algorithm", vec![("RS256", 30 * DAY)], None, vec!["0"], true),
        ("each algorithm by itself", vec![("ES384", 31 * DAY), ("RS256", 9 * DAY)], Some("0"), vec!["0", "1"], true),
        ("no key", vec![], None, vec![], false),
    ] {
        let keys = keys(&ages);
        let signer = signer(&keys, SigningAlgorithm::Es384, now()).map(|key| key.id.as_str());
        assert_eq!(signer, signs, "{name}");
        let remaining = remaining(&keys, now());
        assert_eq!(remaining.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), remain, "{name}");
        assert_eq!(!due(&keys, now()).is_empty(), replaced, "{name}");
    }
}

#[tokio::test]
async fn a_key_is_made_once_and_rotated_while_the_feature_is_enabled() {
    let world = world().await;
    let of = account(MAIN);
    let mut tx = world.begin().await;
    let es384 = SigningAlgorithm::Es384;
    assert!(!rotate_token_keys(&world.deployment, &mut tx, of).await.unwrap(), "no key, nothing to rotate");
    let first = signing_key(&world.deployment, &mut tx, of, es384, now()).await.unwrap();
    let again = signing_key(&world.deployment, &mut tx, of, es384, now()).await.unwrap();
    assert_eq!(first.id(), again.id());
    let stored = tx.account_setting::<TokenSigningKeys>(of).await.unwrap().unwrap();
    assert_eq!(stored.0.len(), 1);
    assert!(!stored.0[0].jwk.contains("\"d\""), "the private part is not published");
    world.clock.advance(31 * DAY);
    assert!(!rotate_token_keys(&world.deployment, &mut tx, of).await.unwrap(), "the feature is not enabled");
    let federation = OutboundFederation { enabled: true, issuer: "issuer".into() };
    tx.put_account_setting(of, &federation).await.unwrap();
    assert!(rotate_token_keys(&world.deployment, &mut tx, of).await.unwrap());
    assert!(!rotate_token_keys(&world.deployment, &mut tx, of).await.unwrap(), "only once");
    let now = world.deployment.clock.now();
    let signer = signing_key(&world.deployment, &mut tx, of, es384, now).await.unwrap();
    assert_eq!(signer.id(), first.id(), "the new key is only announced");
    world.clock.advance(ANNOUNCED);
    let now = world.deployment.clock.now();
    let signer = signing_key(&world.deployment, &mut tx, of, es384, now).await.unwrap();
    assert_ne!(signer.id(), first.id());
    world.clock.advance(MAX_TOKEN_SECONDS + MARGIN);
    assert!(rotate_token_keys(&world.deployment, &mut tx, of).await.unwrap());
    let stored = tx.account_setting::<TokenSigningKeys>(of).await.unwrap().unwrap();
    assert_eq!(stored.0.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), [signer.id()]);
}

#[tokio::test]
async fn calls_at_the_same_time_make_one_key() {
    let world = world().await;
    let of = account(MAIN);
    for algorithm in SigningAlgorithm::ALL {
        let (mut first, mut second) = (world.begin().await, world.begin().await);
        let (one, same) = tokio::join!(
            signing_key(&world.deployment, &mut first, of, algorithm, now()),
            signing_key(&world.deployment, &mut second, of, algorithm, now()),
        );
        let id = one.unwrap().id().to_owned();
        assert_eq!(same.unwrap().id(), id);
        // The second one conflicts, and runs again.
        first.commit().await.unwrap();
        assert!(second.commit().await.is_err());
        let mut again = world.begin().await;
        assert_eq!(signing_key(&world.deployment, &mut again, of, algorithm, now()).await.unwrap().id(), id);
        let stored = again.account_setting::<TokenSigningKeys>(of).await.unwrap().unwrap();
        let stored: Vec<&str> =
            stored.0.iter().filter(|key| key.algorithm == algorithm.as_str()).map(|key| key.id.as_str()).collect();
        assert_eq!(stored, [id.as_str()]);
        // Another account does not get it.
        let other = signing_key(&world.deployment, &mut again, account(crate::testing::SUSPENDED), algorithm, now());
        assert_ne!(other.await.unwrap().id(), id);
    }
}

#[tokio::test]
async fn a_key_of_another_account_cannot_be_opened() {
    let world = world().await;
    let mut tx = world.begin().await;
    let other = account(crate::testing::SUSPENDED);
    let key = signing_key(&world.deployment, &mut tx, account(MAIN), SigningAlgorithm::Es384, now()).await.unwrap();
    let stored = tx.account_setting::<TokenSigningKeys>(account(MAIN)).await.unwrap().unwrap();
    tx.put_account_setting(other, &stored).await.unwrap();
    let copied = signing_key(&world.deployment, &mut tx, other, SigningAlgorithm::Es384, now()).await;
    assert!(copied.is_err(), "{} was copied", key.id());
}
