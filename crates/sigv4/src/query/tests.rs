use super::*;

fn canonical(query: &str) -> Option<String> {
    let mut out = Vec::new();
    push_canonical(&mut out, query, true).ok()?;
    Some(String::from_utf8(out).unwrap())
}

#[test]
fn canonical_form_is_sorted_and_escaped_once() {
    for (query, expected) in [
        ("", ""),
        ("a", "a="),
        ("b=2&a=1", "a=1&b=2"),
        ("a=2&a=1", "a=1&a=2"),
        // Sorted by name first: `=` is not part of the name.
        ("a-b=1&a=2", "a=2&a-b=1"),
        ("a1=&a=", "a=&a1="),
        ("A=1&a=1&%7E=x", "A=1&a=1&~=x"),
        ("a=b=c", "a=b%3Dc"),
        ("a=x+y&b=%2B", "a=x%20y&b=%2B"),
        ("a=1&&b", "=&a=1&b="),
        ("a=1&X-Amz-Signature=00&b=2", "a=1&b=2"),
        ("a=%C3%BC&b=ü", "a=%C3%BC&b=%C3%BC"),
        ("a=%ff", "a=%FF"),
    ] {
        assert_eq!(canonical(query).as_deref(), Some(expected), "{query}");
    }
    assert_eq!(canonical("a=%"), None);
    assert_eq!(canonical("%x=1"), None);
}

#[test]
fn parameters_that_authenticate_are_found_however_they_are_escaped() {
    let mut found = AuthParameters::find("b=1&X-Amz-Date=1&X%2DAmz-Signature=%61b").ok().unwrap();
    assert_eq!(found.take(DATE).as_deref(), Some(&b"1"[..]));
    assert_eq!(found.take(SIGNATURE).as_deref(), Some(&b"ab"[..]));
    assert_eq!(found.take(CREDENTIAL), None);
    assert!(found.is_empty());
    assert!(AuthParameters::find("X-Amz-Dates=1&Date=2&X-Amz-User-Agent=b").is_ok_and(|found| found.is_empty()));
}

#[test]
fn parameters_that_differ_in_case_only_are_refused() {
    let check = |query: &str, expected: SigV4Error| {
        assert_eq!(AuthParameters::find(query).err(), Some(expected), "{query}");
    };
    check("X-Amz-Date=1&a=b&X-Amz-Date=1", SigV4Error::RepeatedParameter(DATE));
    check("X-Amz-Date=1&X-Amz-%44ate=2", SigV4Error::RepeatedParameter(DATE));
    check("x-amz-signature=1", SigV4Error::MisspelledParameter(SIGNATURE));
    check("X-AMZ-CREDENTIAL", SigV4Error::MisspelledParameter(CREDENTIAL));
    check("X-Amz-Credential=%", SigV4Error::MalformedQuery);
}
