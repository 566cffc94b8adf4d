//! Time-based one-time codes (RFC 6238): HMAC-SHA1, six digits, steps of 30 seconds.

use std::fmt::Write as _;

use aws_lc_rs::{constant_time, hmac};
use data_encoding::BASE32_NOPAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The length of a seed: 64 characters of base32.
pub const SEED_BYTES: usize = 40;
/// The length of a step.
pub const STEP_SECONDS: i64 = 30;
/// How many steps the clock of a device may differ when it is enabled or synchronized: one hour each way.
pub const SYNC_WINDOW: i64 = 120;
/// How many steps before and after the expected one [`Totp::verify`] accepts.
const WINDOW: i64 = 1;
const DIGITS: usize = 6;

/// Characters that are percent-encoded in a label of a URI.
const LABEL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is known of a device's clock, and of the codes that it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TotpState {
    /// By how many steps the device's clock is ahead of ours; negative if it is behind.
    pub offset: i64,
    /// The step of the newest code that was accepted. No code of this or an earlier step is accepted again.
    pub last_step: i64,
}

/// Verifies the codes of one seed.
pub struct Totp(hmac::Key);

impl Totp {
    /// The codes of a seed.
    pub fn new(seed: &[u8]) -> Self {
        Totp(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed))
    }

    /// The code of a step: six ASCII digits.
    pub fn code(&self, step: i64) -> [u8; DIGITS] {
        let tag = hmac::sign(&self.0, &step.to_be_bytes());
        let bytes = tag.as_ref();
        let at = usize::from(bytes.last().copied().unwrap_or(0) & 0xf);
        let number = bytes[at..at + 4].iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff;
        let mut digits = [b'0'; DIGITS];
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        digits
    }

    /// Verifies a code at a time in seconds since 1970. Returns the state to store, or `None` for a wrong code, one of
    /// another time, or one that was used before. All steps are compared, in constant time.
    pub fn verify(&self, state: TotpState, now: i64, code: &str) -> Option<TotpState> {
        let expected = step_at(now).saturating_add(state.offset);
        let mut found = None;
        for step in expected - WINDOW..=expected + WINDOW {
            let is_equal = self.is(step, code);
            if is_equal && step > state.last_step {
                found = Some(step);
            }
        }
        found.map(|step| TotpState { last_step: step, ..state })
    }

    /// Synchronizes with a device that shows two codes one after the other. Returns the state to store, with the
    /// device's offset, or `None` if these are not two consecutive codes of steps within [`SYNC_WINDOW`]. After
    /// `last_step`, which was used before, both codes must be new.
    pub fn synchronize(&self, last_step: Option<i64>, now: i64, first: &str, second: &str) -> Option<TotpState> {
        let here = step_at(now);
        let mut found: Option<i64> = None;
        let mut was_first = false;
        for step in here - SYNC_WINDOW - 1..=here + SYNC_WINDOW {
            let is_second = self.is(step, second);
            let is_new = last_step.is_none_or(|last| step - 1 > last);
            if was_first & is_second & is_new && found.is_none_or(|found| (step - here).abs() < (found - here).abs()) {
                found = Some(step);
            }
            was_first = self.is(step, first);
        }
        found.map(|step| TotpState { offset: step - here, last_step: step })
    }

    fn is(&self, step: i64, code: &str) -> bool {
        constant_time::verify_slices_are_equal(&self.code(step), code.as_bytes()).is_ok()
    }
}

fn step_at(seconds: i64) -> i64 {
    seconds.div_euclid(STEP_SECONDS)
}

/// A seed as text: base32 without padding.
pub fn seed_text(seed: &[u8]) -> String {
    BASE32_NOPAD.encode(seed)
}

/// The URI that authenticator apps read: `otpauth://totp/DEVICE@ACCOUNT?secret=SEED`.
pub fn otpauth_uri(device: &str, account: &str, seed: &[u8]) -> String {
    let mut uri = String::from("otpauth://totp/");
    let (device, account) = (utf8_percent_encode(device, LABEL), utf8_percent_encode(account, LABEL));
    // Writing to a string cannot fail.
    let _ = write!(uri, "{device}@{account}?secret={}", seed_text(seed));
    uri
}

#[cfg(test)]
mod tests;
