use super::Pattern;

fn check(pattern: &'static str, good: &[&str], bad: &[&str]) {
    let pattern = Pattern::new(pattern);
    assert!(pattern.is_valid(), "{pattern:?}");
    for value in good {
        assert!(pattern.matches(value), "{pattern:?} should match {value:?}");
    }
    for value in bad {
        assert!(!pattern.matches(value), "{pattern:?} should not match {value:?}");
    }
}

#[test]
fn names() {
    check(r"[\w+=,.@-]+", &["a", "A_9", "x+=,.@-y"], &["", "a b", "a/b", "é", "a\n", "*"]);
    check(r"[\w]*", &["", "AKIA"], &["AKIA ", "ΑΚΙΑ"]);
}

#[test]
fn paths() {
    let path = r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)";
    check(path, &["/", "/a/", "/a/b/", "///"], &["", "//", "a/", "/a", "/a b/", "/é/", "/a/\n"]);
    check(r"((/[A-Za-z0-9\.,\+@=_-]+)*)/", &["/", "/a/", "/a.,+@=_-/b/"], &["", "/a", "//", "/a b/"]);
    check(r"\u002F[\u0021-\u007F]*", &["/", "/x"], &["", "x", "/ "]);
}

#[test]
fn tags() {
    let value = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*";
    check(value, &["", "a b", "größe", "値 1", "a\u{2003}b", "½", "_.:/=+-@"], &["a*b", "a\tb", "a\u{301}", "🙂"]);
}

#[test]
fn documents() {
    let policy = r"[\u0009\u000A\u000D\u0020-\u00FF]+";
    check(policy, &["{\"a\": 1}\r\n\t", "é"], &["", "\u{0}", "Ā", "\u{b}"]);
    let arn = r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+";
    check(arn, &["arn:aws:iam::1:role/x", "値", "🙂"], &["", "\u{7f}", "\u{fffe}", "\u{1}"]);
}

#[test]
fn aliases_have_no_two_hyphens_in_a_row() {
    let alias = r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$";
    check(alias, &["abc", "a-b", "a-b-c", "123"], &["", "ab", "-ab", "ab-", "a--b", "A-b", "a_b", "abc\n"]);
}

#[test]
fn others() {
    check(r"\d{12}", &["123456789012"], &["12345678901", "1234567890123", "１２３４５６７８９０１２"]);
    check(r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?", &["v1", "v10.x"], &["v0", "1", "v1 "]);
    check(r"[:\w]+", &["a:B"], &["", "a-b"]);
    check(r"[ -~]+", &["a ~"], &["é", "\t"]);
    check(r"[^\s@]+@[^\s@]+\.[^\s@]+", &["a@b.c"], &["a b@c.d", "a@b", "@b.c", "a\u{b}@b.c"]);
    check(r"^o-[0-9a-z]{10,32}\/r-[0-9a-z]{4,32}[0-9a-z-\/]*", &["o-0123456789/r-abcd/ou-x"], &["o-0123456789"]);
    check(r"[\w+=,.@\:\/-]*", &["a:b/c"], &["a b"]);
}
