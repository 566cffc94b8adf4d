use super::*;

fn parse(text: &str) -> Result<Document, XmlError> {
    Document::parse(text)
}

#[test]
fn elements_have_namespaces_attributes_and_text() {
    let document = parse(
        "\u{feff}<?xml version='1.0' encoding='UTF-8'?>\n<!-- before -->\
         <a:x xmlns:a='urn:a' xmlns='urn:d' k=' 1&#9;&amp;&#x42;' a:k='2'>one<!-- split -->&lt;two<y z='3'/>\
         <![CDATA[<&]]><a:y/></a:x>\n",
    )
    .unwrap();
    let root = document.root();
    assert!(root.is("urn:a", "x") && !root.is("urn:d", "x"));
    assert_eq!((root.attribute("k"), root.attribute("xmlns")), (Some(" 1\t&B"), None));
    assert_eq!(root.text(), None);
    let children: Vec<_> = root.children("urn:d", "y").collect();
    assert_eq!(children.len(), 1);
    assert_eq!((children[0].attribute("z"), children[0].text()), (Some("3"), Some("")));
    assert_eq!(root.children("urn:a", "y").count(), 1);
    assert_eq!(root.children("", "y").count(), 0);
    assert_eq!(document.elements().count(), 3);
    assert_eq!(children[0].parent(), Some(root));
    let texts = parse("<a>one<!-- split -->&lt;two<![CDATA[<&]]>\r\nx\ry</a>").unwrap();
    assert_eq!(texts.root().text(), Some("one<two<&\nx\ny"));
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for text in [
        "",
        " ",
        "text",
        "<a>",
        "</a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>text",
        "text<a/>",
        "<a b>",
        "<a b=c/>",
        "<a b='<'/>",
        "<a>&#0;</a>",
        "<a>&#x1;</a>",
        "<a>&#xD800;</a>",
        "<a>&</a>",
        "<a>\u{1}</a>",
        "<a b='&#2;'/>",
        "<a><!-- -- --></a>",
        "<p:a/>",
        "<a p:b='c'/>",
        "<a xmlns:p=''><p:b/></a>",
        "<a/><?xml version='1.0'?>",
        " <?xml version='1.0'?><a/>",
        "<a><b></a></b>",
        "<?xml version='1.1'?><a/>",
        "<a:b:c xmlns:a='urn:a'/>",
        "<:a/>",
        "<1/>",
        "<a b:='1'/>",
        "<a x!='1'/>",
        "<a xmlns:='urn:a'/>",
        "<a xmlns:xmlns='urn:a'/>",
        "<a xmlns:xml='urn:a'/>",
        "<a xmlns:b='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
    ] {
        assert_eq!(parse(text).unwrap_err(), XmlError::Malformed, "{text}");
    }
}

#[test]
fn what_needs_more_than_elements_is_refused() {
    for text in [
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<a><!DOCTYPE b></a>",
        "<?xml-stylesheet href='x'?><a/>",
        "<a><?php b ?></a>",
        "<a>&b;</a>",
        "<a b='&c;'/>",
    ] {
        assert_eq!(parse(text).unwrap_err(), XmlError::Forbidden, "{text}");
    }
}

#[test]
fn nothing_is_repeated() {
    for text in [
        "<a b='1' b='2'/>",
        "<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>",
        "<a ID='1'><b ID='1'/></a>",
        "<a Id='1'><b xml:id='1'/></a>",
    ] {
        assert_eq!(parse(text).unwrap_err(), XmlError::Repeated, "{text}");
    }
    parse("<a xmlns:p='urn:x' b='1' p:b='2' ID='1'><b ID='2'/></a>").unwrap();
}

/// A document does not take a copy of its namespace for each of its elements and attributes.
#[test]
fn elements_share_their_namespace() {
    let document = parse("<a xmlns='urn:x' xmlns:p='urn:x'><b p:c=''/><b/></a>").unwrap();
    let of = |at: usize| &document.elements[at].namespace;
    assert!((1..3).all(|at| std::sync::Arc::ptr_eq(of(0), of(at))));
    assert!(std::sync::Arc::ptr_eq(of(0), &document.elements[1].attributes[0].namespace));
}

#[test]
fn there_are_limits() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let wide = |count: usize| format!("<r>{}</r>", "<a/>".repeat(count - 1));
    let attributes = |count: usize| format!("<a{}/>", (0..count).map(|n| format!(" a{n}=''")).collect::<String>());
    let namespaces =
        |count: usize| format!("<a{}/>", (0..count).map(|n| format!(" xmlns:a{n}='u'")).collect::<String>());
    let within = |length: usize| format!("<a xmlns='{}'><b/></a>", "u".repeat(length));
    for (good, bad) in [
        (nested(MAX_DEPTH), nested(MAX_DEPTH + 1)),
        (wide(MAX_ELEMENTS), wide(MAX_ELEMENTS + 1)),
        (attributes(MAX_ATTRIBUTES), attributes(MAX_ATTRIBUTES + 1)),
        (attributes(1), attributes(100_000)),
        (namespaces(MAX_ATTRIBUTES), namespaces(MAX_ATTRIBUTES + 1)),
        (within(MAX_NAMESPACE), within(MAX_NAMESPACE + 1)),
    ] {
        parse(&good).unwrap();
        assert_eq!(parse(&bad).unwrap_err(), XmlError::TooLarge);
    }
    // Refused by the reader itself.
    assert!(parse(&namespaces(100_000)).is_err());
    assert_eq!(parse(&" ".repeat(MAX_BYTES + 1)).unwrap_err(), XmlError::TooLarge);
}
