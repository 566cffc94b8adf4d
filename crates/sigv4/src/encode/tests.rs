use super::*;

fn query(text: &str) -> Option<String> {
    let mut out = Vec::new();
    push_query_component(&mut out, text.as_bytes()).ok()?;
    Some(String::from_utf8(out).unwrap())
}

fn path_once(text: &str) -> Option<String> {
    let mut out = Vec::new();
    push_path_once(&mut out, text.as_bytes()).ok()?;
    Some(String::from_utf8(out).unwrap())
}

#[test]
fn query_components_have_one_normal_form() {
    for (input, expected) in [
        ("plain-._~", "plain-._~"),
        ("a b", "a%20b"),
        ("a+b", "a%20b"),
        ("a%2Bb", "a%2Bb"),
        ("a%2bb", "a%2Bb"),
        ("%7e%41", "~A"),
        ("/:=", "%2F%3A%3D"),
        ("ü", "%C3%BC"),
        ("%C3%bc", "%C3%BC"),
        ("%25", "%25"),
    ] {
        assert_eq!(query(input).as_deref(), Some(expected), "{input}");
        let decoded = decode_query_component(input.as_bytes()).unwrap();
        let mut again = Vec::new();
        push_component(&mut again, &decoded);
        assert_eq!(again, expected.as_bytes(), "{input}");
    }
    for input in ["%", "a%", "%4", "%4g", "%zz", "100%"] {
        assert_eq!(query(input), None, "{input}");
        assert_eq!(decode_query_component(input.as_bytes()), Err(BadEscape), "{input}");
    }
}

#[test]
fn object_keys_keep_an_escaped_slash_apart() {
    assert_eq!(path_once("/a/b").as_deref(), Some("/a/b"));
    assert_eq!(path_once("/a%2fb").as_deref(), Some("/a%2Fb"));
    assert_eq!(path_once("/%7Euser/a b/+").as_deref(), Some("/~user/a%20b/%2B"));
    assert_eq!(path_once("/%"), None);
}

#[test]
fn other_paths_are_escaped_as_they_stand() {
    let mut out = Vec::new();
    push_path_again(&mut out, b"/a%20b/*/x.Y/Z");
    assert_eq!(out, b"/a%2520b/%2A/x.Y/Z");
}

#[test]
fn hashes_are_64_lower_case_digits() {
    let hash: [u8; 32] = core::array::from_fn(|i| i as u8 * 7);
    let mut text = Vec::new();
    push_hex(&mut text, &hash);
    assert_eq!(parse_hash(&text), Some(hash));
    assert_eq!(parse_hash(&text.to_ascii_uppercase()), None);
    assert_eq!(parse_hash(&text[1..]), None);
    assert_eq!(parse_hash(&text[2..]), None);
    text[5] = b'g';
    assert_eq!(parse_hash(&text), None);
}
