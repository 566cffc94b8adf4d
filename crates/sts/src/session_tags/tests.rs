use super::*;
use crate::testing::session;

fn tags(pairs: &[(&str, &str)]) -> Vec<Tag> {
    pairs.iter().map(|(key, value)| Tag { key: Some((*key).into()), value: Some((*value).into()) }).collect()
}

fn read(pairs: &[(&str, &str)], transitive: &[&str], caller: Option<&Session>) -> Result<SessionTags> {
    let transitive: Vec<_> = transitive.iter().map(|key| (*key).to_owned()).collect();
    SessionTags::read(&tags(pairs), &transitive, caller)
}

fn shown(tags: &Tags) -> Vec<(&str, &str)> {
    tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect()
}

#[test]
fn only_transitive_tags_are_inherited() {
    let caller = session(&[("team", "reeds"), ("nest", "7")], &["Team"], None);
    let caller = caller.session.as_deref();
    let none = read(&[], &[], caller).unwrap();
    assert_eq!(
        (shown(&none.all), none.transitive.clone(), none.inherited),
        (vec![("team", "reeds")], vec!["team".into()], true)
    );
    assert!(none.requested.is_empty());
    let more = read(&[("Nest", "8"), ("job", "x")], &["JOB"], caller).unwrap();
    assert_eq!(shown(&more.all), [("job", "x"), ("Nest", "8"), ("team", "reeds")]);
    assert_eq!(more.transitive, ["team", "job"]);
    assert_eq!(shown(&more.requested), [("job", "x"), ("Nest", "8")]);
}

#[test]
fn a_session_without_transitive_tags_needs_no_tag_session() {
    let plain = session(&[("team", "reeds")], &[], None);
    for caller in [None, plain.session.as_deref()] {
        let read = read(&[], &[], caller).unwrap();
        assert!(read.all.is_empty() && read.transitive.is_empty() && !read.inherited);
    }
}

#[test]
fn invalid_tags_and_identities_are_refused() {
    let caller = session(&[("team", "reeds")], &["team"], None);
    let caller = caller.session.as_deref();
    let check = |pairs: &[(&str, &str)], transitive: &[&str], code: &str, words: &str| {
        let error = read(pairs, transitive, caller).unwrap_err();
        assert_eq!(error.code().wire(), code, "{error}");
        assert!(error.message().contains(words), "{error}");
    };
    check(&[("TEAM", "reeds")], &[], "InvalidParameterValue", "conflicts with a transitive tag key");
    check(&[("a", "1")], &["b"], "InvalidParameterValue", "must be included in the requested tags");
    check(&[("a", "1"), ("A", "2")], &[], "InvalidParameterValue", "Duplicate tag keys");
    check(&[("aws:x", "1")], &[], "InvalidParameterValue", "reserved");
    check(&[("a*", "1")], &[], "ValidationError", "tag keys");
    let many: Vec<_> = (0..50).map(|i| format!("k{i}")).collect();
    let many: Vec<_> = many.iter().map(|key| (key.as_str(), "")).collect();
    check(&many, &[], "InvalidParameterValue", "maximum");
    assert!(read(&many, &[], None).is_ok());
}

#[test]
fn a_source_identity_cannot_change() {
    let set = session(&[], &[], Some("heron"));
    let unset = session(&[], &[], None);
    for (requested, caller, expected) in [
        (None, None, Ok(None)),
        (Some("heron"), None, Ok(Some("heron"))),
        (Some("heron"), unset.session.as_deref(), Ok(Some("heron"))),
        (None, set.session.as_deref(), Ok(Some("heron"))),
        (Some("heron"), set.session.as_deref(), Ok(Some("heron"))),
        (Some("otter"), set.session.as_deref(), Err("AccessDenied")),
        (Some("Heron"), set.session.as_deref(), Err("AccessDenied")),
    ] {
        let found = source_identity(requested, caller);
        let found = found.as_ref().map(Option::as_deref).map_err(|error| error.code().wire());
        assert_eq!(found, expected, "{requested:?}");
    }
}
