use super::*;

fn check(text: &str, expected: &[Piece<'_>]) {
    assert_eq!(Template::parse(text).as_deref(), Ok(expected), "{text}");
}

fn refused(text: &str, expected: TemplateError) {
    assert_eq!(Template::parse(text), Err(expected), "{text}");
}

const fn variable<'a>(key: &'a str, default: Option<&'a str>) -> Piece<'a> {
    Piece::Variable { key, default }
}

#[test]
fn texts_are_split_into_pieces() {
    use Piece::{Escaped, Literal};
    check("", &[]);
    check("plain $ text { }", &[Literal("plain $ text { }")]);
    check("${aws:username}", &[variable("aws:username", None)]);
    check("a/${aws:username}/*", &[Literal("a/"), variable("aws:username", None), Literal("/*")]);
    check("${a:b}${c:d}", &[variable("a:b", None), variable("c:d", None)]);
    check("${*}${?}${$}", &[Escaped('*'), Escaped('?'), Escaped('$')]);
    check("${$}{a}", &[Escaped('$'), Literal("{a}")]);
    check("$${a:b}", &[Literal("$"), variable("a:b", None)]);
    check("${aws:PrincipalTag/team, 'none yet'}", &[variable("aws:PrincipalTag/team", Some("none yet"))]);
    check("${a:b,'x'}", &[variable("a:b", Some("x"))]);
    check("${a:b, ''}", &[variable("a:b", Some(""))]);
    check("${a:b, 'x}y'}z", &[variable("a:b", Some("x}y")), Literal("z")]);
    check("${a:b, 'x, y'}", &[variable("a:b", Some("x, y"))]);
    check("${a:b, '*${c:d}'}", &[variable("a:b", Some("*${c:d}"))]);
    check("ä${saml:é}", &[Literal("ä"), variable("saml:é", None)]);
}

#[test]
fn broken_variables_are_refused_with_their_offset() {
    refused("${", TemplateError::MissingBrace(0));
    refused("ab${aws:username", TemplateError::MissingBrace(2));
    refused("${a:b}${c:d", TemplateError::MissingBrace(6));
    refused("${}", TemplateError::Empty(0));
    refused("${ }", TemplateError::Empty(0));
    refused("${, 'x'}", TemplateError::Empty(0));
    refused("${a:b, x}", TemplateError::MissingQuote(0));
    refused("${a:b, 'x}", TemplateError::MissingQuote(0));
    refused("${a:b, x'}", TemplateError::MissingQuote(0));
    refused("${a:b, '}", TemplateError::MissingQuote(0));
    refused("${a:b,}", TemplateError::MissingQuote(0));
    refused("${a:b, 'x'y'}", TemplateError::MissingQuote(0));
    refused("${ a:b}", TemplateError::Space(0));
    refused("${a b}", TemplateError::Space(0));
    refused("${a:${b}}", TemplateError::Character(0));
    refused("${**}", TemplateError::Character(0));
}
