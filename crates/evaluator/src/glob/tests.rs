use super::*;

/// `*` and `?` match anything, `%` and `_` anything but colons.
fn tokens(pattern: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    for c in pattern.chars() {
        let token = match c {
            '*' => Token::Run { colons: true },
            '%' => Token::Run { colons: false },
            '?' => Token::One { colons: true },
            '_' => Token::One { colons: false },
            c => match out.pop() {
                Some(Token::Text(text)) => Token::Text(format!("{text}{c}").into()),
                last => {
                    out.extend(last);
                    Token::Text(c.to_string().into())
                }
            },
        };
        out.push(token);
    }
    out
}

/// The definition, as short as it can be told.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        (['*', rest @ ..], _) => naive(rest, text) || !text.is_empty() && naive(pattern, &text[1..]),
        (['%', rest @ ..], _) => naive(rest, text) || !text.is_empty() && text[0] != ':' && naive(pattern, &text[1..]),
        ([c, rest @ ..], [t, others @ ..]) => (*c == '?' || *c == '_' && *t != ':' || c == t) && naive(rest, others),
        _ => false,
    }
}

fn check(pattern: &str, text: &str) -> bool {
    let chars = |s: &str| s.chars().collect::<Vec<_>>();
    let expected = naive(&chars(pattern), &chars(text));
    let tokens = tokens(pattern);
    assert_eq!(matches(&tokens, &[], text.as_bytes(), &mut 0), expected, "{pattern} {text}");
    assert_eq!(exhaustive(&tokens, &[], text.as_bytes(), &mut 0), expected, "exhaustive {pattern} {text}");
    expected
}

#[test]
fn stars_and_question_marks() {
    for (pattern, text, expected) in [
        ("", "", true),
        ("*", "", true),
        ("?", "", false),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "a-b-b-", false),
        ("*?", "é", true),
        ("??", "é", false),
        ("*??", "€", false),
        ("*???", "éé", false),
        ("%:b", "a:b", true),
        ("%b", "a:b", false),
        ("*:b%c", "x:b1:b2c", true),
        ("_", ":", false),
    ] {
        assert_eq!(check(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn agrees_with_the_definition_on_everything_short() {
    // Runs of both kinds, in the order in which ARN patterns can hold them and in every other where a colon-bounded
    // run is not followed by a colon.
    let pattern_alphabet = ['a', ':', '*', '%', '?', '_'];
    let text_alphabet = ['a', ':', 'é'];
    let mut patterns = vec![String::new()];
    for _ in 0..5 {
        let longer: Vec<String> =
            patterns.iter().flat_map(|p| pattern_alphabet.iter().map(move |c| format!("{p}{c}"))).collect();
        patterns.extend(longer);
        patterns.sort();
        patterns.dedup();
    }
    let mut texts = vec![String::new()];
    for _ in 0..4 {
        let longer: Vec<String> =
            texts.iter().flat_map(|p| text_alphabet.iter().map(move |c| format!("{p}{c}"))).collect();
        texts.extend(longer);
        texts.sort();
        texts.dedup();
    }
    for pattern in patterns.iter().filter(|p| possible(p)) {
        for text in &texts {
            check(pattern, text);
        }
    }
}

/// Whether an ARN pattern can be cut into such tokens: in its first parts everything that stops at colons, and runs
/// that don't only before a colon.
fn possible(pattern: &str) -> bool {
    let chars: Vec<char> = pattern.chars().collect();
    let last_bounded = chars.iter().rposition(|c| matches!(c, '%' | '_'));
    let runs = chars.windows(2).all(|w| !(matches!(w[0], '*' | '%') && matches!(w[1], '*' | '%')));
    let free = chars.iter().enumerate().all(|(i, c)| match c {
        '*' => last_bounded.is_none_or(|last| i > last) || chars.get(i + 1) == Some(&':'),
        '?' => last_bounded.is_none_or(|last| i > last),
        '%' => chars.get(i + 1).is_some_and(|next| *next != ':'),
        _ => true,
    });
    runs && free
}

#[test]
fn hostile_patterns_stay_within_their_bound() {
    for (pattern, text) in [
        ("*a".repeat(200) + "b", "a".repeat(2000)),
        ("*".to_owned() + &"a".repeat(1000) + "b", "a".repeat(2000) + "c"),
        ("*a*a*a*a*a*a*a*a*a*b*".to_owned(), "a".repeat(2048)),
        ("*:a%a%a%a%ab".to_owned(), ":aaaaaaa".repeat(250)),
        ("*:a%a%a%a%b:*".to_owned(), ":aaaaaaa".repeat(250)),
    ] {
        let tokens = tokens(&pattern);
        let mut steps = 0;
        matches(&tokens, &[], text.as_bytes(), &mut steps);
        let bound = (tokens.len() as u64 + 9) * (text.len() as u64 + 64);
        assert!(steps <= bound, "{steps} steps, bound {bound}: {pattern}");
    }
}

#[test]
fn values_stand_for_themselves() {
    let variable = |colons| {
        let key = Arc::new(ContextKey::new("aws:username"));
        Token::Variable(Box::new(Variable { key, default: None, colons }))
    };
    let tokens = [Token::Text("a".into()), variable(true), Token::Run { colons: true }, variable(true)];
    assert!(matches(&tokens, &["*", "?"], b"a*xyz?", &mut 0));
    assert!(!matches(&tokens, &["*", "?"], b"abxyz?", &mut 0));
    assert!(!matches(&tokens, &["*", "?"], b"a*xyz!", &mut 0));
    assert!(exhaustive(&tokens, &["*", "?"], b"a*xyz?", &mut 0));
    assert!(!matches(&tokens, &["*"], b"a*", &mut 0), "a missing value matches nothing");
}
