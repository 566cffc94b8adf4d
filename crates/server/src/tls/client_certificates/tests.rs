use bailiwick_model::UniqueId;

use super::users::MappedUsers;

const ID: &str = "AIDAQ3EGUL5JBWXYZ2345";
const OTHER: &str = "AIDAQ3EGUL5JBWXYZ2346";

#[test]
fn a_file_of_users_maps_uris_to_unique_ids() {
    let text = format!("# robots\n\n  spiffe://example.com/ci   {ID}\r\nurn:example:a=b\t{OTHER}\n");
    let users = MappedUsers::parse(&text).unwrap();
    assert_eq!(users.len(), 2);
    assert_eq!(users.get("spiffe://example.com/ci"), UniqueId::parse(ID).ok().as_ref());
    assert_eq!(users.get("urn:example:a=b"), UniqueId::parse(OTHER).ok().as_ref());
    for other in ["spiffe://example.com/CI", "spiffe://example.com/ci/", "spiffe://example.com/c", "urn:example:a", ""]
    {
        assert!(users.get(other).is_none(), "{other}");
    }
}

#[test]
fn a_wrong_line_is_named_with_the_reason() {
    for (text, words) in [
        ("\nspiffe://example.com/ci".to_owned(), "line 2: expected a URI and the unique id"),
        (format!("spiffe://example.com/ci {ID} {ID}"), "line 1: expected a URI and the unique id"),
        (format!("ci {ID}"), "`ci` is not a URI"),
        (format!("1x:ci {ID}"), "is not a URI"),
        (format!("spiffe: {ID}"), "is not a URI"),
        (format!("spiffe://example.com/* {ID}"), "is not a URI"),
        (format!("spiffe://\u{e9}xample.com/ci {ID}"), "is not a URI"),
        (format!("urn:{} {ID}", "a".repeat(2_048)), "is not a URI"),
        ("urn:a arn:aws:iam::111122223333:user/ci".to_owned(), "is not the unique id of a user"),
        ("urn:a ci".to_owned(), "is not the unique id of a user"),
        (format!("urn:a {}", ID.replace("AIDA", "AROA")), "is not the unique id of a user"),
        (format!("urn:a {ID}\nurn:a {OTHER}"), "line 2: `urn:a` is there twice"),
    ] {
        let error = MappedUsers::parse(&text).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}
