//! Counts the bytes of incomplete requests on a connection.
//!
//! The HTTP library returns requests with complete heads. It buffers incomplete ones, in HTTP/2 without a time limit,
//! and does not report them. This module therefore follows the frames by their headers, nine bytes each, which contain
//! the length of the frame.

/// The first bytes of an HTTP/2 client.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEADER: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// The frames of one connection.
#[derive(Debug, Default)]
pub(super) struct Frames {
    state: State,
    /// Bytes of an incomplete block of headers.
    block: usize,
    /// Frames outside of requests since the last [`Frames::take_control`].
    control: u32,
}

#[derive(Debug)]
enum State {
    /// This many bytes of HTTP/2's preface arrived, and no others.
    Preface(usize),
    /// Not HTTP/2.
    Http1,
    /// Within the header of a frame.
    Header([u8; FRAME_HEADER], usize),
    /// Within a frame: its header, and the number of missing bytes.
    Payload { kind: u8, flags: u8, size: usize, missing: usize },
}

impl Default for State {
    fn default() -> Self {
        State::Preface(0)
    }
}

impl Frames {
    /// Processes arrived bytes.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Http1 => return,
                State::Preface(seen) => {
                    let count = bytes.len().min(PREFACE.len() - *seen);
                    if bytes[..count] != PREFACE[*seen..*seen + count] {
                        self.state = State::Http1;
                        return;
                    }
                    bytes = &bytes[count..];
                    *seen += count;
                    if *seen == PREFACE.len() {
                        self.state = State::Header([0; FRAME_HEADER], 0);
                    }
                }
                State::Header(header, filled) => {
                    let count = bytes.len().min(FRAME_HEADER - *filled);
                    header[*filled..*filled + count].copy_from_slice(&bytes[..count]);
                    bytes = &bytes[count..];
                    *filled += count;
                    if *filled == FRAME_HEADER {
                        let [a, b, c, kind, flags, ..] = *header;
                        let size = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                        self.begin(kind, flags, size);
                    }
                }
                State::Payload { kind, flags, missing, .. } => {
                    let count = bytes.len().min(*missing);
                    bytes = &bytes[count..];
                    *missing -= count;
                    if matches!(*kind, HEADERS | CONTINUATION) {
                        self.block += count;
                    }
                    if *missing == 0 {
                        let (kind, flags) = (*kind, *flags);
                        self.end(kind, flags);
                    }
                }
            }
        }
    }

    fn begin(&mut self, kind: u8, flags: u8, size: usize) {
        if matches!(kind, HEADERS | CONTINUATION) {
            self.block += FRAME_HEADER;
        } else if kind != DATA {
            self.control = self.control.saturating_add(1);
        }
        if size == 0 {
            self.end(kind, flags);
        } else {
            self.state = State::Payload { kind, flags, size, missing: size };
        }
    }

    fn end(&mut self, kind: u8, flags: u8) {
        if matches!(kind, HEADERS | CONTINUATION) && flags & END_HEADERS != 0 {
            self.block = 0;
        }
        self.state = State::Header([0; FRAME_HEADER], 0);
    }

    /// Returns whether the version of HTTP is known.
    pub(super) fn is_known(&self) -> bool {
        !matches!(self.state, State::Preface(_))
    }

    /// Returns whether the connection uses HTTP/1.
    pub(super) fn is_http1(&self) -> bool {
        matches!(self.state, State::Http1)
    }

    /// Returns the bytes of HTTP/2 that the library buffers: of a block of headers, or of an incomplete frame.
    pub(super) fn kept(&self) -> usize {
        match self.state {
            State::Payload { kind, size, missing, .. } if !matches!(kind, HEADERS | CONTINUATION) => {
                self.block + size - missing
            }
            _ => self.block,
        }
    }

    /// Returns whether a block of headers is incomplete.
    pub(super) fn is_in_headers(&self) -> bool {
        self.block > 0
    }

    /// Returns the number of frames outside of requests since the last call.
    pub(super) fn take_control(&mut self) -> u32 {
        std::mem::take(&mut self.control)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: u8 = 6;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let [.., a, b, c] = (payload.len() as u32).to_be_bytes();
        [&[a, b, c, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    fn seen(parts: &[&[u8]], piece: usize) -> Frames {
        let mut frames = Frames::default();
        for piece in [PREFACE.as_slice()].iter().chain(parts).copied().collect::<Vec<_>>().concat().chunks(piece) {
            frames.pass(piece);
        }
        frames
    }

    #[test]
    fn the_first_bytes_determine_the_version() {
        let check = |bytes: &[u8], is_known: bool, is_http1: bool| {
            let mut frames = Frames::default();
            frames.pass(bytes);
            assert_eq!((frames.is_known(), frames.is_http1()), (is_known, is_http1), "{bytes:?}");
        };
        check(b"", false, false);
        check(b"P", false, false);
        check(b"PUT / HTTP/1.1\r\n", true, true);
        check(b"GET", true, true);
        check(&PREFACE[..23], false, false);
        check(PREFACE, true, false);
        check(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rx", true, true);
    }

    #[test]
    fn only_incomplete_frames_are_counted() {
        let check = |parts: &[&[u8]], kept: usize, control: u32| {
            for piece in [1, 2, 7, 9, 1_000_000] {
                let mut frames = seen(parts, piece);
                assert_eq!((frames.kept(), frames.take_control()), (kept, control), "{parts:?} in pieces of {piece}");
                assert_eq!(frames.take_control(), 0);
            }
        };
        check(&[], 0, 0);
        check(&[&frame(4, 0, b""), &frame(PING, 0, b"12345678")], 0, 2);
        check(&[&frame(HEADERS, END_HEADERS, b"block")], 0, 0);
        check(&[&frame(HEADERS, 0, b"block")], 14, 0);
        check(&[&frame(HEADERS, 0, b"block"), &frame(CONTINUATION, 0, &[0; 100])], 123, 0);
        check(&[&frame(HEADERS, 0, b"block"), &frame(CONTINUATION, 0, b"")], 23, 0);
        check(&[&frame(HEADERS, 0, b"block"), &frame(CONTINUATION, END_HEADERS, b"more")], 0, 0);
        check(&[&frame(HEADERS, 0, &[0; 50])[..20]], 20, 0);
        check(&[&frame(DATA, 0, &[0; 50])[..20]], 11, 0);
        check(&[&frame(DATA, 0, &[0; 50]), &frame(PING, 0, b"12345678")[..9]], 0, 1);
        check(&[&frame(DATA, 0, &[0; 50]), &frame(PING, 0, b"12345678")[..12]], 3, 1);
    }
}
