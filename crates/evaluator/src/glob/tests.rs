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

/// The definition, in its shortest form.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        (['*', rest @ ..], _) => naive(rest, text) || !text.is_empty() && naive(pattern, &text[1..]),
        (['%', rest @ ..], _) => naive(rest, text) || !text.is_empty() && text[0] != ':' && naive(pattern, &text[1..]),
        ([c, rest @ ..], [t, others @ ..]) => (*c == '?' || *c == '_' && *t != ':' || c == t) && naive(rest, others),
        _ => false,
    }
}

/// The same in bearable time: all places that the pattern so far can have reached.
fn by_table(pattern: &[char], text: &[char]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for c in pattern {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            let fits = at > 0
                && (c == &text[at - 1] || matches!(c, '?' | '*') || text[at - 1] != ':' && matches!(c, '_' | '%'));
            next[at] = match c {
                '*' | '%' => reached[at] || fits && next[at - 1],
                _ => fits && reached[at - 1],
            };
        }
        reached = next;
    }
    reached[text.len()]
}

fn check(pattern: &str, text: &str) -> bool {
    let chars = |s: &str| s.chars().collect::<Vec<_>>();
    let expected = naive(&chars(pattern), &chars(text));
    let tokens = tokens(pattern);
    assert_eq!(matches(&tokens, &[], text.as_bytes(), &mut 0), expected, "{pattern} {text}");
    assert_eq!(linear::matches(&tokens, &[], text.as_bytes(), &mut 0), expected, "linear {pattern} {text}");
    assert_eq!(by_table(&chars(pattern), &chars(text)), expected, "by table {pattern} {text}");
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

/// Numbers below a bound, always the same ones.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// A text that repeats itself much, and a pattern that was made of it: stretches taken out for runs, characters for
/// question marks, and now and then something that does not fit.
fn long(dice: &mut Dice) -> (String, String) {
    let (mut pattern, mut text) = (String::new(), String::new());
    for _ in 0..1 + dice.below(8) {
        let unit: String = (0..1 + dice.below(4)).map(|_| ['a', 'a', 'b', 'é', ':'][dice.below(5)]).collect();
        text += &unit.repeat(1 + dice.below(120 / unit.len()));
    }
    let text: Vec<char> = text.chars().take(400).collect();
    let mut at = 0;
    while at < text.len() {
        let longest = [3, 20, 150][dice.below(3)];
        let length = (1 + dice.below(longest)).min(text.len() - at);
        let part = &text[at..at + length];
        match dice.below(6) {
            0 => pattern.push('*'),
            1 if !part.contains(&':') => pattern.push('%'),
            1 => pattern.push('*'),
            2 => pattern.extend(part.iter().map(|_| '?')),
            3 => pattern.extend(part.iter().map(|c| if *c == ':' { '?' } else { '_' })),
            4 => pattern.extend(part.iter().map(|c| if dice.below(9) == 0 { '?' } else { *c })),
            _ => pattern.extend(part),
        }
        at += length;
    }
    if dice.below(4) > 0 {
        let wrong = dice.below(pattern.chars().count());
        let change = ['a', 'b', ':', '%', '_', '*'][dice.below(6)];
        pattern = pattern.chars().enumerate().map(|(at, c)| if at == wrong { change } else { c }).collect();
    }
    (pattern, text.into_iter().collect())
}

#[test]
fn agrees_with_the_definition_on_long_texts() {
    let dice = &mut Dice(1);
    let mut outcomes = [0; 2];
    for _ in 0..1_500 {
        let (pattern, text) = long(dice);
        let chars = |s: &str| s.chars().collect::<Vec<_>>();
        let expected = by_table(&chars(&pattern), &chars(&text));
        outcomes[usize::from(expected)] += 1;
        let tokens = tokens(&pattern);
        assert_eq!(linear::matches(&tokens, &[], text.as_bytes(), &mut 0), expected, "{pattern} {text}");
        if possible(&pattern) {
            assert_eq!(matches(&tokens, &[], text.as_bytes(), &mut 0), expected, "{pattern} {text}");
        }
    }
    assert!(outcomes.iter().all(|count| *count > 200), "{outcomes:?}");
}

#[test]
fn hostile_patterns_take_near_linear_time() {
    for (pattern, text) in [
        ("*a".repeat(200) + "b", "a".repeat(2000)),
        ("*".to_owned() + &"a".repeat(1000) + "b", "a".repeat(2000) + "c"),
        ("*".to_owned() + &"a".repeat(1000) + "b*", "a".repeat(2000) + "c"),
        ("*".to_owned() + &("a".repeat(1000) + "*").repeat(4) + "b*", "a".repeat(8000)),
        ("*a*a*a*a*a*a*a*a*a*b*".to_owned(), "a".repeat(2048)),
        ("*a?a?a?a?a?b*".to_owned(), "a".repeat(8192)),
        ("*?a*?a*?b".to_owned(), "a".repeat(8192)),
        ("*:a%a%a%a%ab".to_owned(), ":aaaaaaa".repeat(250)),
        ("*:a%a%a%a%b:*".to_owned(), ":aaaaaaa".repeat(250)),
        ("%a%a%a%a%a%a%ac%b*:*".to_owned(), "a".repeat(8192)),
    ] {
        let tokens = tokens(&pattern);
        let mut steps = 0;
        matches(&tokens, &[], text.as_bytes(), &mut steps);
        let bound = 12 * (pattern.len() + text.len()) as u64 + 256;
        assert!(steps <= bound, "{steps} steps, bound {bound}: {}", &pattern[..pattern.len().min(30)]);
    }
}

#[test]
fn sixty_four_pieces_at_once() {
    // The worst that there is: question marks as long as half of the text.
    let pattern = "*".to_owned() + &"a?".repeat(2048) + "b*";
    let mut steps = 0;
    assert!(!matches(&tokens(&pattern), &[], "a".repeat(8192).as_bytes(), &mut steps));
    assert!(steps <= 8192 * (4097 / 64 + 1) + 12 * (4100 + 8192), "{steps}");
}

#[test]
fn values_of_variables_match_literally() {
    let variable = |colons| {
        let key = Arc::new(ContextKey::new("aws:username"));
        Token::Variable(Box::new(Variable { key, default: None, colons }))
    };
    let tokens = [Token::Text("a".into()), variable(true), Token::Run { colons: true }, variable(true)];
    assert!(matches(&tokens, &["*", "?"], b"a*xyz?", &mut 0));
    assert!(!matches(&tokens, &["*", "?"], b"abxyz?", &mut 0));
    assert!(!matches(&tokens, &["*", "?"], b"a*xyz!", &mut 0));
    assert!(linear::matches(&tokens, &["*", "?"], b"a*xyz?", &mut 0));
    assert!(!linear::matches(&tokens, &["*", "?"], b"a*xyz!", &mut 0));
    assert!(!linear::matches(&tokens, &["*"], b"a*", &mut 0), "a missing value matches nothing");
    assert!(!matches(&tokens, &["*"], b"a*", &mut 0), "a missing value matches nothing");
}
