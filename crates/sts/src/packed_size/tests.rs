use bailiwick_api::sts::PolicyDescriptorType;
use bailiwick_model::Partition;

use super::*;

fn policies(inline: Option<&str>, arns: usize) -> SessionPolicies {
    let arn = format!("arn:aws:iam::aws:policy/{}", "p".repeat(100));
    let arns = vec![PolicyDescriptorType { arn: Some(arn) }; arns];
    SessionPolicies::read(inline, &arns, Partition::Aws).unwrap()
}

fn tags(count: usize, key: impl Fn(usize) -> String, value: usize) -> Tags {
    Tags::parse((0..count).map(|i| (key(i), "a".repeat(value)))).unwrap()
}

fn check(policies: &SessionPolicies, tags: &Tags, expected: Result<Option<i32>, &str>) {
    let found = percent(policies, tags).map_err(|error| {
        assert_eq!(error.code(), ErrorCode::PackedPolicyTooLarge);
        error.message().to_owned()
    });
    assert_eq!(found, expected.map_err(str::to_owned));
}

#[test]
fn the_packed_size_of_tags_matches_observed_values() {
    let none = policies(None, 0);
    check(&none, &Tags::new(), Ok(None));
    let nine = tags(9, |i| format!("T{i}"), 250);
    check(&none, &nine, Err("Packed size of session tags consumes 498% of allotted space."));
    let two = tags(2, |i| ["b", "c"][i].into(), 1);
    check(&none, &two, Ok(Some(2)));
    // The last byte that fits, and one more.
    check(&none, &tags(1, |_| "k".repeat(128), 256), Ok(Some(84)));
    let two = |last: usize| Tags::parse([("k".repeat(128), "v".repeat(256)), ("z".into(), "v".repeat(last))]).unwrap();
    check(&none, &two(69), Ok(Some(100)));
    check(&none, &two(70), Err("Packed size of session tags consumes 100% of allotted space."));
}

#[test]
fn the_packed_size_of_policies_is_separate() {
    let action = "x".repeat(SESSION_POLICY_SIZE - 62);
    let longest = format!(r#"{{"Statement":{{"Effect":"Allow","Action":"s3:{action}","Resource":"*"}}}}"#);
    assert_eq!(longest.len(), SESSION_POLICY_SIZE);
    check(&policies(Some(&longest), 0), &Tags::new(), Ok(Some(100)));
    let full = tags(1, |_| "k".repeat(128), 256);
    check(&policies(Some(&longest), 0), &full, Ok(Some(100)));
    let message = "Packed policy consumes 106% of allotted space, please use smaller policy.";
    check(&policies(Some(&longest), 1), &Tags::new(), Err(message));
    check(&policies(None, 10), &full, Ok(Some(84)));
}
