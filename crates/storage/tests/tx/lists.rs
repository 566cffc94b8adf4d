//! Lists: their order, their pages, and the pending writes of a transaction.

use bailiwick_storage::{HolderFilter, Identity, IdentityKind, Usage, User};

use crate::env::{ACCOUNT, TestEnv, group, names, policy, role, user};

#[tokio::test]
async fn lists_are_sorted_by_name_and_paged() {
    let env = TestEnv::new();
    let shuffled = ["delta", "Alpha", "charlie", "Bravo", "echo", "alpha2"];
    for (n, name) in shuffled.iter().enumerate() {
        let path = if n % 2 == 0 { "/even/" } else { "/odd/" };
        let path = bailiwick_model::Path::parse(path).expect("a path");
        env.run(async |tx| tx.create(&User { path, ..user(n as u8, name) }).await).await;
    }
    let tx = env.tx().await;
    let walk = async |prefix: &str, limit: usize| {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = tx.list::<User>(ACCOUNT, prefix, after.as_deref(), limit).await.expect("a list");
            assert!(page.next.is_none() || page.items.len() == limit, "only the last page is short");
            pages.push(names(&page, |user| user.name.to_string()).join(" "));
            match page.next {
                Some(next) => after = Some(next),
                None => break pages,
            }
        }
    };
    assert_eq!(walk("/", 10).await, ["Alpha alpha2 Bravo charlie delta echo"]);
    assert_eq!(walk("", 4).await, ["Alpha alpha2 Bravo charlie", "delta echo"]);
    assert_eq!(walk("/", 3).await, ["Alpha alpha2 Bravo", "charlie delta echo"]);
    assert_eq!(walk("/even/", 2).await, ["charlie delta", "echo"]);
    assert_eq!(walk("/odd", 1).await, ["Alpha", "alpha2", "Bravo"]);
    assert_eq!(walk("/none/", 5).await, [""]);
    assert_eq!(tx.count::<User>(ACCOUNT).await.expect("a count"), 6);
}

#[tokio::test]
async fn a_list_shows_what_the_same_transaction_wrote() {
    let env = TestEnv::new();
    for (n, name) in ["a", "c", "e"].iter().enumerate() {
        env.run(async |tx| tx.create(&user(n as u8, name)).await).await;
    }
    let mut tx = env.tx().await;
    tx.create(&user(7, "b")).await.expect("it is new");
    tx.create(&user(8, "f")).await.expect("it is new");
    tx.delete(&user(1, "c")).await.expect("it holds nothing");
    let page = tx.list::<User>(ACCOUNT, "/", None, 3).await.expect("a list");
    assert_eq!(names(&page, |user| user.name.to_string()), ["a", "b", "e"]);
    let page = tx.list::<User>(ACCOUNT, "/", page.next.as_deref(), 3).await.expect("a list");
    assert_eq!((names(&page, |user| user.name.to_string()), page.next), (vec!["f".to_owned()], None));
    assert_eq!(tx.count::<User>(ACCOUNT).await.expect("a count"), 4);
}

#[tokio::test]
async fn holders_are_listed_in_order_and_once() {
    let env = TestEnv::new();
    let (read, bob, devs, deploy) = (policy(1, "Read"), user(1, "Bob"), group(1, "Zebras"), role(1, "Alpha"));
    env.run(async |tx| {
        tx.create_policy(&read, "{}".into()).await?;
        tx.create(&User { boundary: Some(read.reference()), ..bob.clone() }).await?;
        tx.create(&user(2, "alice")).await?;
        tx.create(&devs).await?;
        tx.create(&deploy).await?;
        for identity in [(&bob).into(), (&user(2, "alice")).into(), (&devs).into(), Identity::from(&deploy)] {
            tx.attach_policy(&identity, &read).await?;
        }
        Ok(())
    })
    .await;
    let tx = env.tx().await;
    let list = async |filter: HolderFilter<'_>, after: Option<&str>, limit| {
        tx.list_holders(ACCOUNT, read.reference(), filter, after, limit).await.expect("a list")
    };
    let first = list(HolderFilter::default(), None, 3).await;
    assert_eq!(names(&first, |holder| holder.name.clone()), ["Zebras", "alice", "Bob"]);
    let rest = list(HolderFilter::default(), first.next.as_deref(), 3).await;
    assert_eq!((names(&rest, |holder| holder.name.clone()), rest.next), (vec!["Alpha".to_owned()], None));
    let bounded = list(HolderFilter { usage: Some(Usage::Boundary), ..HolderFilter::default() }, None, 3).await;
    assert_eq!(names(&bounded, |holder| holder.name.clone()), ["Bob"]);
    let roles = list(HolderFilter { kind: Some(IdentityKind::Role), ..HolderFilter::default() }, None, 3).await;
    assert_eq!(names(&roles, |holder| holder.name.clone()), ["Alpha"]);
    assert_eq!(tx.attachment_count(ACCOUNT, read.reference()).await.expect("a count"), 4);
    assert_eq!(tx.boundary_count(ACCOUNT, read.reference()).await.expect("a count"), 1);
}

#[tokio::test]
async fn holders_of_both_usages_are_merged_in_small_pages() {
    let env = TestEnv::new();
    let read = policy(1, "Read");
    let named: Vec<String> = (0..9).map(|number| format!("user-{number}")).collect();
    env.run(async |tx| {
        tx.create_policy(&read, "{}".into()).await?;
        for (number, name) in named.iter().enumerate() {
            // Attached, a boundary, or both.
            let boundary = (number % 3 != 0).then(|| read.reference());
            let user = User { boundary, ..user(number as u8, name) };
            tx.create(&user).await?;
            if number % 3 != 1 {
                tx.attach_policy(&(&user).into(), &read).await?;
            }
        }
        Ok(())
    })
    .await;
    let tx = env.tx().await;
    for limit in [1, 2, 4, 100] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let filter = HolderFilter::default();
            let page =
                tx.list_holders(ACCOUNT, read.reference(), filter, after.as_deref(), limit).await.expect("a list");
            assert!(page.items.len() <= limit);
            seen.extend(names(&page, |holder| holder.name.clone()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, named, "pages of {limit}");
    }
}
