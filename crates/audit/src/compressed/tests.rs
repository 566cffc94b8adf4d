use flate2::bufread::MultiGzDecoder;
use tempfile::NamedTempFile;

use super::*;

fn text(lines: usize) -> Vec<u8> {
    (0..lines)
        .flat_map(|line| format!("{{\"line\":{line},\"of\":\"{}\"}}\n", "x".repeat(line % 3_000)).into_bytes())
        .collect()
}

fn compressed(text: &[u8]) -> (NamedTempFile, Compressed) {
    let mut file = NamedTempFile::new().unwrap();
    compress(text, &mut file).unwrap();
    let read = Compressed::open(file.reopen().unwrap()).unwrap();
    (file, read)
}

#[test]
fn any_range_of_the_text_is_read() {
    let text = text(2_000);
    let (file, mut read) = compressed(&text);
    assert_eq!(read.len(), text.len() as u64);
    assert!(read.members.len() > 3 && file.as_file().metadata().unwrap().len() < text.len() as u64 / 5);
    for member in &read.members {
        assert_eq!(text[member.text.end as usize - 1], b'\n', "whole lines");
    }
    let mut edges: Vec<u64> =
        read.members.iter().flat_map(|member| [member.text.start, member.text.start + 1]).collect();
    edges.extend([0, 1, read.len() - 1, read.len(), read.len() + 10]);
    for from in &edges {
        for until in edges.iter().filter(|until| *until >= from) {
            let end = text.len().min(*until as usize);
            assert_eq!(read.read(*from..*until).unwrap(), text[end.min(*from as usize)..end], "{from} to {until}");
        }
    }
}

#[test]
fn other_programs_read_all_members() {
    for lines in [1, 2_000] {
        let (text, mut read) = (text(lines), Vec::new());
        let (file, _) = compressed(&text);
        MultiGzDecoder::new(io::BufReader::new(file.reopen().unwrap())).read_to_end(&mut read).unwrap();
        assert!(read == text);
    }
}

/// Damage is an error, not another text and not a large allocation.
#[test]
fn damage_is_an_error() {
    let text = text(60);
    let (file, _) = compressed(&text);
    let packed = std::fs::read(file.path()).unwrap();
    for at in 0..packed.len() {
        for change in [1, 0x80] {
            let mut changed = packed.clone();
            changed[at] ^= change;
            std::fs::write(file.path(), &changed).unwrap();
            let read = Compressed::open(file.reopen().unwrap()).and_then(|mut read| read.read(0..u64::MAX));
            assert!(read.is_err() || read.is_ok_and(|read| read == text), "byte {at}");
        }
    }
    for len in 1..packed.len() {
        std::fs::write(file.path(), &packed[..len]).unwrap();
        assert!(Compressed::open(file.reopen().unwrap()).is_err(), "{len} bytes");
    }
}

/// The lengths that a file gives are not trusted: four gigabytes are not allocated, nor decompressed.
#[test]
fn a_member_that_is_too_long_is_refused() {
    let file = NamedTempFile::new().unwrap();
    let zeros = member(&vec![0; MOST_TEXT + 1]).unwrap();
    let mut long = member(b"x\n").unwrap();
    long[LENGTH].copy_from_slice(&(1_u64 << 32).to_le_bytes());
    for (packed, len) in [(zeros, None), (long, Some(1 << 32))] {
        std::fs::write(file.path(), &packed).unwrap();
        if let Some(len) = len {
            file.as_file().set_len(len).unwrap();
        }
        let message = Compressed::open(file.reopen().unwrap()).err().unwrap().to_string();
        assert!(message.contains("expected at most"), "{message}");
    }
}

#[test]
fn a_line_that_is_too_long_is_in_several_members() {
    let text = [vec![b'x'; 2 * MOST_TEXT], text(3)].concat();
    let (_, mut read) = compressed(&text);
    assert!(read.members.len() > 1 && read.read(0..u64::MAX).unwrap() == text);
}
