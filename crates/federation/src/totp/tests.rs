use super::*;

const SEED: &[u8] = b"12345678901234567890";
/// The start of a step.
const NOW: i64 = 1_767_225_600;

fn text(totp: &Totp, step: i64) -> String {
    String::from_utf8(totp.code(step).to_vec()).unwrap()
}

/// RFC 6238, appendix B, the rows of SHA-1: the last six of their eight digits.
#[test]
fn codes_are_those_of_the_rfc() {
    let totp = Totp::new(SEED);
    for (seconds, code) in [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ] {
        assert_eq!(text(&totp, step_at(seconds)), code, "{seconds}");
    }
}

#[test]
fn a_code_is_valid_for_one_step_before_and_after() {
    let totp = Totp::new(SEED);
    let state = TotpState { offset: 0, last_step: 0 };
    let step = step_at(NOW);
    for (distance, expected) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        for second in [0, 29] {
            let found = totp.verify(state, NOW + second, &text(&totp, step + distance));
            assert_eq!(found, expected.then_some(TotpState { offset: 0, last_step: step + distance }), "{distance}");
        }
    }
    for wrong in ["", "1", "12345", "1234567", "abcdef", "１２３４５６", " 28708"] {
        assert_eq!(totp.verify(state, NOW, wrong), None, "{wrong}");
    }
}

#[test]
fn a_code_works_once() {
    let totp = Totp::new(SEED);
    let step = step_at(NOW);
    let (before, code, next) = (text(&totp, step - 1), text(&totp, step), text(&totp, step + 1));
    let used = totp.verify(TotpState { offset: 0, last_step: step - 2 }, NOW, &code).unwrap();
    assert_eq!(totp.verify(used, NOW, &code), None, "replayed");
    assert_eq!(totp.verify(used, NOW, &before), None, "older than one that was used");
    assert_eq!(totp.verify(used, NOW, &next), Some(TotpState { offset: 0, last_step: step + 1 }));
}

#[test]
fn synchronizing_finds_the_offset() {
    let totp = Totp::new(SEED);
    let step = step_at(NOW);
    for offset in [-SYNC_WINDOW, -20, -1, 0, 1, 20, SYNC_WINDOW] {
        let (first, second) = (text(&totp, step + offset - 1), text(&totp, step + offset));
        let state = totp.synchronize(None, NOW, &first, &second);
        assert_eq!(state, Some(TotpState { offset, last_step: step + offset }));
        // From then on the device's codes are valid, and none that was used.
        let state = state.unwrap();
        assert!(totp.verify(state, NOW + 30, &text(&totp, step + offset + 1)).is_some());
        assert_eq!(totp.verify(state, NOW, &second), None);
    }
    for (first, second) in
        [(-SYNC_WINDOW - 2, -SYNC_WINDOW - 1), (SYNC_WINDOW, SYNC_WINDOW + 1), (0, 0), (0, 2), (1, 0)]
    {
        let codes = (text(&totp, step + first), text(&totp, step + second));
        assert_eq!(totp.synchronize(None, NOW, &codes.0, &codes.1), None, "{first} {second}");
    }
}

#[test]
fn synchronizing_accepts_no_code_that_was_used() {
    let totp = Totp::new(SEED);
    let step = step_at(NOW);
    let (first, second) = (text(&totp, step - 1), text(&totp, step));
    for (last, expected) in [(step - 2, true), (step - 1, false), (step, false)] {
        assert_eq!(totp.synchronize(Some(last), NOW, &first, &second).is_some(), expected, "{last}");
    }
}

#[test]
fn the_uri_names_device_and_account() {
    assert_eq!(
        otpauth_uri("Bob's phone", "111122223333", b"12345"),
        "otpauth://totp/Bob%27s%20phone@111122223333?secret=GEZDGNBV"
    );
    assert_eq!(seed_text(&[0; SEED_BYTES]), "A".repeat(64));
}
