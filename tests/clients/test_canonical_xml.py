"""`tests/vectors/c14n.jsonl`, which Rust tests run, has the canonical forms that lxml makes."""

import json
import random

from lxml import etree
from support.server import ROOT

VECTORS = ROOT / "tests" / "vectors" / "c14n.jsonl"
CASES = 120


def document(source, depth=0):
    """A random element as text. All prefixes that it uses are declared on the root or in it."""
    prefix = source.choice(["", "a:", "b:", "é:"])
    parts = []
    if depth == 0:
        parts += ['xmlns:a="urn:a"', 'xmlns:b="urn:b"', 'xmlns:é="urn:e"']
    else:
        parts += source.sample(['xmlns:a="urn:a"', 'xmlns:a="urn:a2"', 'xmlns:b="urn:b"', 'xmlns:b="urn:x?a=1"', 'xmlns:c="urn:c"'], source.randrange(2))
    parts += source.sample(['xmlns="urn:d"', 'xmlns=""', 'xmlns="urn:a"'], source.randrange(2))
    values = ["1", "a&amp;b", "&lt;&gt;", "x  y", "\n z\t", "&#9;&#10;&#13;", "&quot;'", "ü😀"]
    names = ["k", "K", "a:k", "b:k", "é:k", "xml:lang", "xml:space", "_é-1.x", "id"]
    used = source.sample(names, source.randrange(4))
    # Two prefixes can stand for one namespace, where the same name would be repeated.
    if not {"a:k", "b:k"} <= set(used):
        parts += [f'{each}="{source.choice(values) if each != "id" else f"i{source.randrange(10**9)}"}"' for each in used]
    source.shuffle(parts)
    quote = [part.replace('"', "'") if "'" not in part and source.random() < 0.3 else part for part in parts]
    tag = prefix + source.choice(["e", "f", "ü"])
    texts = ["", "t", " \r\n ", "&amp;&lt;&gt;&quot;", "<![CDATA[<&>\r\n]]>", "<!-- c -->", "x<!-- split -->y", "&#13;&#x41;", "ü😀", "]]&gt;"]
    content = "".join(source.choice([source.choice(texts), document(source, depth + 1) if depth < 4 else ""]) for _ in range(source.randrange(4)))
    attributes = "".join(source.choice([" ", "\n  "]) + part for part in quote)
    return f"<{tag}{attributes}/>" if not content and source.random() < 0.5 else f"<{tag}{attributes} >{content}</{tag}>"


def cases():
    source = random.Random(2030)
    while True:
        text = document(source)
        try:
            root = etree.fromstring(text.encode())
        except etree.XMLSyntaxError:
            continue
        elements = [each for each in root.iter() if isinstance(each.tag, str)]
        at = source.randrange(len(elements))
        prefixes = source.choice([[], [], ["a"], ["a", "c"], ["é", "nothing"]])
        yield {"xml": text, "element": at, "prefixes": prefixes, "canonical": canonical(elements[at], prefixes)}


def canonical(element, prefixes):
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes or None).decode()


def lines():
    made = cases()
    return [json.dumps(next(made), ensure_ascii=False) for _ in range(CASES)]


def test_the_vectors_are_those_of_lxml():
    stored = [json.loads(line) for line in VECTORS.read_text().splitlines()]
    assert len(stored) == CASES
    for case in stored:
        elements = [each for each in etree.fromstring(case["xml"].encode()).iter() if isinstance(each.tag, str)]
        assert canonical(elements[case["element"]], case["prefixes"]) == case["canonical"], case["xml"]


if __name__ == "__main__":
    VECTORS.write_text("\n".join(lines()) + "\n")
