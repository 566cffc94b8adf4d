//! A radix tree: finds the keys that are prefixes of a text, in time that depends on the text only.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use crate::bytes;

/// A radix tree over byte strings. Each key carries numbers.
#[derive(Default)]
pub(crate) struct Trie {
    // The children of a node are adjacent, in the order of their first bytes, which `first` repeats.
    nodes: Box<[Node]>,
    first: Box<[u8]>,
    labels: Box<[u8]>,
    items: Box<[u32]>,
}

struct Node {
    label: u32,
    label_len: u32,
    child: u32,
    children: u32,
    item: u32,
    items: u32,
}

impl Trie {
    /// Builds the tree; a key may come several times.
    pub(crate) fn build(mut entries: Vec<(&[u8], u32)>) -> Self {
        if entries.is_empty() {
            return Self::default();
        }
        entries.sort_unstable();
        let mut out = Builder::default();
        // Ranges of entries that share `depth` bytes and make one node each, level by level.
        let mut queue = VecDeque::from([(0, entries.len(), 0)]);
        out.nodes.push(Node { label: 0, label_len: 0, child: 0, children: 0, item: 0, items: 0 });
        out.first.push(0);
        let mut at = 0;
        while let Some((low, high, depth)) = queue.pop_front() {
            let common = shared(entries[low].0, entries[high - 1].0, depth);
            let end = depth + common;
            // The root has no label, so that it can have several children.
            let end = if at == 0 { 0 } else { end };
            let label = &entries[low].0[depth..end];
            let node = Node {
                label: out.labels.len() as u32,
                label_len: label.len() as u32,
                child: out.nodes.len() as u32,
                children: 0,
                item: out.items.len() as u32,
                items: 0,
            };
            out.labels.extend_from_slice(label);
            let mut next = low;
            while next < high && entries[next].0.len() == end {
                out.items.push(entries[next].1);
                next += 1;
            }
            out.nodes[at] = Node { items: (next - low) as u32, ..node };
            while next < high {
                let byte = entries[next].0[end];
                let group = entries[next..high].partition_point(|(key, _)| key[end] == byte);
                out.nodes.push(Node { label: 0, label_len: 0, child: 0, children: 0, item: 0, items: 0 });
                out.first.push(byte);
                out.nodes[at].children += 1;
                queue.push_back((next, next + group, end));
                next += group;
            }
            at += 1;
        }
        Self { nodes: out.nodes.into(), first: out.first.into(), labels: out.labels.into(), items: out.items.into() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Visits the numbers of every key that `text` begins with.
    pub(crate) fn walk(
        &self,
        text: &[u8],
        steps: &mut u64,
        mut visit: impl FnMut(&[u32], &mut u64) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(mut node) = self.nodes.first() else { return ControlFlow::Continue(()) };
        let mut rest = text;
        loop {
            *steps += 1 + u64::from(node.label_len) / 16;
            let label = &self.labels[node.label as usize..(node.label + node.label_len) as usize];
            let Some(tail) = bytes::strip_prefix(rest, label) else { return ControlFlow::Continue(()) };
            rest = tail;
            if node.items > 0 {
                visit(&self.items[node.item as usize..(node.item + node.items) as usize], steps)?;
            }
            let Some(&byte) = rest.first() else { return ControlFlow::Continue(()) };
            let low = node.child as usize;
            let children = &self.first[low..low + node.children as usize];
            let found = if children.len() > 16 {
                children.binary_search(&byte).ok()
            } else {
                children.iter().position(|b| *b == byte)
            };
            let Some(found) = found else { return ControlFlow::Continue(()) };
            node = &self.nodes[low + found];
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.nodes) + self.first.len() + self.labels.len() + size_of_val(&*self.items)
    }
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    first: Vec<u8>,
    labels: Vec<u8>,
    items: Vec<u32>,
}

/// The number of bytes that two keys share after the first `from`.
fn shared(a: &[u8], b: &[u8], from: usize) -> usize {
    a[from..].iter().zip(&b[from..]).take_while(|(x, y)| x == y).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(keys: &[&str], text: &str) -> Vec<u32> {
        let trie = Trie::build(keys.iter().zip(0..).map(|(key, n)| (key.as_bytes(), n)).collect());
        let mut out = Vec::new();
        let all = trie.walk(text.as_bytes(), &mut 0, |items, _| {
            out.extend_from_slice(items);
            ControlFlow::Continue(())
        });
        assert!(all.is_continue());
        out.sort_unstable();
        out
    }

    #[test]
    fn every_prefix_is_found_and_nothing_else() {
        let keys =
            ["", "a", "ab", "abc", "abd", "b", "ab", "xyz", "xy", "é", "arn:aws:s3:::", "arn:aws:s3:::b-1", "abcdefgh"];
        for text in [
            "",
            "a",
            "ab",
            "abc",
            "abcd",
            "abcdefgh",
            "abcdefghi",
            "b",
            "ba",
            "x",
            "xyzz",
            "é",
            "ê",
            "arn:aws:s3:::b-1/k",
            "arn:aws:s3",
        ] {
            let expected: Vec<u32> =
                keys.iter().zip(0..).filter(|(key, _)| text.starts_with(**key)).map(|(_, n)| n).collect();
            assert_eq!(found(&keys, text), expected, "{text}");
        }
        assert!(found(&[], "a").is_empty());
    }

    #[test]
    fn many_children_are_found() {
        let keys: Vec<String> = (0..3000).map(|n| format!("bucket-{n}/")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        for n in [0, 9, 10, 999, 1000, 2999] {
            assert_eq!(found(&keys, &format!("bucket-{n}/key")), [n]);
        }
        assert!(found(&keys, "bucket-3000/key").is_empty());
    }
}
