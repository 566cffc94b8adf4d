//! Values of options that are on or off.

/// Takes the words for on and off that environment files have, in any case.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" | "y" | "t" => Ok(true),
        "0" | "false" | "no" | "off" | "n" | "f" => Ok(false),
        _ => Err("expected 1, true, yes or on; or 0, false, no or off".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::boolean;

    #[test]
    fn words_for_on_and_off() {
        for text in ["1", "true", "YES", "On", "y", "T"] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["0", "False", "no", "OFF", "N", "f"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        for text in ["", "2", "maybe", "yes ", "enabled"] {
            assert!(boolean(text).is_err(), "{text}");
        }
    }
}
