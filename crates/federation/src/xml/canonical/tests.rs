use crate::xml::{Document, XmlError};

const MAX: usize = 1024 * 1024;

/// The canonical text of the first element of this name.
fn canonical(text: &str, name: &str, inclusive: &[&str]) -> String {
    let document = Document::parse(text).unwrap();
    let element = document.elements().find(|element| element.data().name == name).unwrap();
    let canonical = element.canonical(None, inclusive, MAX).unwrap();
    // What is canonical is its own canonical form.
    let again = Document::parse(&canonical).unwrap();
    assert_eq!(again.root().canonical(None, inclusive, MAX).unwrap(), canonical);
    canonical
}

/// What libxml2 makes of random documents. `tests/clients/test_canonical_xml.py` makes the file and compares it with lxml.
#[test]
fn the_canonical_form_is_that_of_libxml2() {
    let vectors = include_str!("../../../../../tests/vectors/c14n.jsonl");
    for line in vectors.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let document = Document::parse(case["xml"].as_str().unwrap()).unwrap_or_else(|error| panic!("{error}: {line}"));
        let at = usize::try_from(case["element"].as_u64().unwrap()).unwrap();
        let element = document.elements().nth(at).unwrap();
        let prefixes: Vec<&str> =
            case["prefixes"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        assert_eq!(element.canonical(None, &prefixes, MAX).unwrap(), case["canonical"].as_str().unwrap(), "{line}");
    }
    assert_eq!(vectors.lines().count(), 120);
}

#[test]
fn elements_are_written_in_one_way() {
    for (text, expected) in [
        ("<?xml version='1.0'?><!-- c --><e />\n", "<e></e>"),
        ("<e  b = '2'  a=\"1\"/>", "<e a=\"1\" b=\"2\"></e>"),
        ("<e>a<!-- c -->b<![CDATA[<&>]]>\r\nx&#13;&quot;</e>", "<e>ab&lt;&amp;&gt;\nx&#xD;\"</e>"),
        ("<e a='\n&#9;&#10;&#13;&lt;>\"&amp;&apos;'/>", "<e a=\" &#x9;&#xA;&#xD;&lt;>&quot;&amp;'\"></e>"),
        // Attributes by namespace, then by name; those without a namespace first.
        (
            "<e xmlns:b='urn:1' xmlns:a='urn:2' a:x='1' b:z='2' b:y='3' c='4' xml:lang='en'/>",
            "<e xmlns:a=\"urn:2\" xmlns:b=\"urn:1\" c=\"4\" xml:lang=\"en\" b:y=\"3\" b:z=\"2\" a:x=\"1\"></e>",
        ),
        // Declarations where they are used, once.
        (
            "<e xmlns='urn:d' xmlns:a='urn:a' xmlns:b='urn:b'><a:x><a:y b:k=''/></a:x><b:z/></e>",
            "<e xmlns=\"urn:d\"><a:x xmlns:a=\"urn:a\"><a:y xmlns:b=\"urn:b\" b:k=\"\"></a:y></a:x><b:z \
             xmlns:b=\"urn:b\"></b:z></e>",
        ),
        ("<e xmlns='urn:d'><x xmlns=''><y/></x></e>", "<e xmlns=\"urn:d\"><x xmlns=\"\"><y></y></x></e>"),
        ("<e xmlns:a='urn:a'><a:x xmlns:a='urn:b'/></e>", "<e><a:x xmlns:a=\"urn:b\"></a:x></e>"),
        (
            "<a:e xmlns:a='urn:a'><a:x xmlns:a='urn:a'/><x xmlns:xml='http://www.w3.org/XML/1998/namespace'/></a:e>",
            "<a:e xmlns:a=\"urn:a\"><a:x></a:x><x></x></a:e>",
        ),
    ] {
        assert_eq!(canonical(text, "e", &[]), expected, "{text}");
    }
}

#[test]
fn what_is_around_an_element_does_not_change_it() {
    let text = "<r xmlns='urn:d' xmlns:a='urn:a' xmlns:b='urn:b' xml:lang='en'><a:e><x/></a:e></r>";
    assert_eq!(canonical(text, "e", &[]), "<a:e xmlns:a=\"urn:a\"><x xmlns=\"urn:d\"></x></a:e>");
    let listed = "<a:e xmlns:a=\"urn:a\" xmlns:b=\"urn:b\"><x xmlns=\"urn:d\"></x></a:e>";
    assert_eq!(canonical(text, "e", &["b", "c"]), listed);
    let with_default = "<a:e xmlns=\"urn:d\" xmlns:a=\"urn:a\"><x></x></a:e>";
    assert_eq!(canonical(text, "e", &[""]), with_default);
    // A listed prefix is written again where it changes, whether it is used there or not.
    let text = "<a:e xmlns:a='urn:a' xmlns:b='urn:b'><x xmlns:b='urn:c'><y xmlns:b='urn:c'/></x></a:e>";
    let expected = "<a:e xmlns:a=\"urn:a\" xmlns:b=\"urn:b\"><x xmlns:b=\"urn:c\"><y></y></x></a:e>";
    assert_eq!(canonical(text, "e", &["b"]), expected);
    let text = "<e xmlns='urn:d'><a:x xmlns='' xmlns:a='urn:a'/></e>";
    let expected = "<e xmlns=\"urn:d\"><a:x xmlns=\"\" xmlns:a=\"urn:a\"></a:x></e>";
    assert_eq!(canonical(text, "e", &[""]), expected);
}

#[test]
fn one_element_can_be_left_out() {
    let document = Document::parse("<e>a<x><y/></x>b<x/></e>").unwrap();
    let first = document.root().elements().next();
    assert_eq!(document.root().canonical(first, &[], MAX).unwrap(), "<e>ab<x></x></e>");
}

/// The namespaces around a part are those of the document that it was cut from.
#[test]
fn a_part_has_the_namespaces_that_were_around_it() {
    let outer = Document::parse("<r xmlns='urn:d' xmlns:a='urn:a'><a:m xmlns:b='urn:b'/></r>").unwrap();
    let place = outer.elements().nth(1).unwrap();
    let part = Document::parse_part("<a:x b:k=''><y/></a:x>", place.scope()).unwrap();
    let expected = "<a:x xmlns:a=\"urn:a\" xmlns:b=\"urn:b\" b:k=\"\"><y xmlns=\"urn:d\"></y></a:x>";
    assert_eq!(part.root().canonical(None, &[], MAX).unwrap(), expected);
    assert_eq!(part.root().canonical(None, &["a", "b"], MAX).unwrap(), expected);
}

/// A namespace that is declared once and written on each of many elements.
#[test]
fn the_canonical_text_is_bounded() {
    let text = format!("<e xmlns:a='{}'>{}</e>", "u".repeat(1_000), "<a:x/>".repeat(100));
    let document = Document::parse(&text).unwrap();
    let whole = document.root().canonical(None, &[], MAX).unwrap();
    assert!(whole.len() > 100_000);
    assert_eq!(document.root().canonical(None, &[], whole.len()).as_deref(), Ok(whole.as_str()));
    for max in [0, 1, text.len(), whole.len() - 1] {
        assert_eq!(document.root().canonical(None, &[], max), Err(XmlError::TooLarge), "{max}");
    }
}
