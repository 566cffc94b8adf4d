//! Layout 1, in which the deployment had the number of account `000000000000`.

use bailiwick_model::AccountId;
use bytes::Bytes;

use super::{CounterKind, HEADER, Kind, account_bytes};

const NONE: [u8; 5] = [0; 5];

/// Converts a key of layout 1 to the current layout, in which the deployment has another number.
pub fn from_layout_1(key: &[u8]) -> Bytes {
    let mut key = key.to_vec();
    replace(&mut key, 0);
    let owner = match key.get(HEADER - 1).copied().and_then(Kind::from_number) {
        Some(Kind::PolicyHolder) => Some(HEADER),
        // After the identity.
        Some(Kind::Attachment) => Some(HEADER + 21),
        // After the counter kind, for counters of policies.
        Some(Kind::Counter) => key.get(HEADER).filter(|what| OF_POLICIES.contains(what)).map(|_| HEADER + 1),
        _ => None,
    };
    if let Some(at) = owner {
        replace(&mut key, at);
    }
    key.into()
}

const OF_POLICIES: [u8; 3] =
    [CounterKind::Attachments as u8, CounterKind::Boundaries as u8, CounterKind::Versions as u8];

fn replace(key: &mut [u8], at: usize) {
    if let Some(account) = key.get_mut(at..at + NONE.len())
        && account == NONE
    {
        account.copy_from_slice(&account_bytes(AccountId::NONE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_of_the_deployment_move() {
        let id = "AAAAAAAAAAAAAAAAAAAAA";
        let check = |old: &[&str], new: &[&str]| {
            let bytes = |parts: &[&str]| -> Vec<u8> {
                let part = |part: &&str| match *part {
                    "zero" => vec![0; 5],
                    "none" => vec![0xff; 5],
                    "account" => vec![0x19, 0xdf, 0x66, 0x90, 0xe5],
                    text => text.bytes().collect(),
                };
                parts.iter().flat_map(part).collect()
            };
            assert_eq!(from_layout_1(&bytes(old)), bytes(new), "{old:?}");
        };
        check(&["zero", "\x01"], &["none", "\x01"]);
        check(&["zero", "\x03", "account"], &["none", "\x03", "account"]);
        check(&["zero", "\x40", id], &["none", "\x40", id]);
        check(&["account", "\x10", id], &["account", "\x10", id]);
        check(&["account", "\x50", id, "zero", id], &["account", "\x50", id, "none", id]);
        check(&["account", "\x50", id, "account", id], &["account", "\x50", id, "account", id]);
        check(&["account", "\x43", "zero", id, "\x01\x02bob"], &["account", "\x43", "none", id, "\x01\x02bob"]);
        for what in ["\x30", "\x31", "\x32"] {
            check(&["account", "\x70", what, "zero", id], &["account", "\x70", what, "none", id]);
            check(&["zero", "\x70", what, "zero", id], &["none", "\x70", what, "none", id]);
        }
        check(&["zero", "\x70", "\x02"], &["none", "\x70", "\x02"]);
        check(&["account", "\x70", "\x21", id], &["account", "\x70", "\x21", id]);
        check(&["account", "\x11", "zero"], &["account", "\x11", "zero"]);
        check(&["\0\0"], &["\0\0"]);
    }
}
