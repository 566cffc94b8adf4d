use super::*;

/// Reads a text that is zeros, but for the given bytes, and notes the largest part that was asked for.
fn end_of_zeros(bytes: u64, other: &[(u64, u8)]) -> (End, u64) {
    let mut largest = 0;
    let end = end_of(bytes, |range| {
        largest = largest.max(range.end - range.start);
        let mut part = vec![0; (range.end - range.start) as usize];
        for (at, byte) in other.iter().filter(|(at, _)| range.contains(at)) {
            part[(at - range.start) as usize] = *byte;
        }
        Ok(part)
    });
    (end.unwrap(), largest)
}

#[test]
fn the_last_whole_line_is_found() {
    let long = "x".repeat(TAIL as usize * 2 + 5);
    for before in ["", "\n", "a\n", "a\nb\n", &format!("{long}\n")] {
        for line in [None, Some(""), Some("last"), Some(&long)] {
            for rest in ["", "half", &long] {
                let text = format!("{before}{}{rest}", line.map_or(String::new(), |line| format!("{line}\n")));
                let end = end_of(text.len() as u64, |range| {
                    Ok(text.as_bytes()[range.start as usize..range.end as usize].to_vec())
                });
                let (end, whole) = (end.unwrap(), text.rfind('\n').map_or(0, |at| at + 1));
                let expected = text[..whole].strip_suffix('\n').and_then(|lines| lines.rsplit('\n').next());
                assert_eq!((end.whole, end.bytes), (whole as u64, text.len() as u64));
                assert!(end.line.as_deref() == expected.map(str::as_bytes), "{} bytes", text.len());
            }
        }
    }
}

/// Files that are not ours, or that a crash filled with zeros, may have any length.
#[test]
fn a_long_text_is_read_in_parts() {
    let (end, largest) = end_of_zeros(300 << 20, &[]);
    assert_eq!((end.whole, end.bytes, end.line), (0, 300 << 20, None));
    assert!(largest <= TAIL);
    let (end, largest) = end_of_zeros(300 << 20, &[((200 << 20), b'\n')]);
    assert_eq!((end.whole, end.line), ((200 << 20) + 1, Some(Vec::new())), "longer than any line");
    assert!(largest <= TAIL);
}
