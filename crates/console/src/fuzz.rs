//! Entry points of fuzz targets: properties that hold for every input.

use crate::form::Form;

/// Any bytes are a form, or it has too many members. What its members are does not depend on how they are asked for.
///
/// # Panics
/// If the property does not hold.
pub fn console_form(bytes: &[u8]) {
    let Ok(form) = Form::parse(bytes) else { return };
    for (name, _) in form_urlencoded::parse(bytes) {
        let (raw, text, all) = (form.raw(&name), form.text(&name), form.all(&name));
        assert_eq!(text.as_deref().unwrap_or_default(), raw.trim());
        assert_eq!(form.typed(&name), raw.trim());
        assert_eq!(form.is_set(&name), !raw.is_empty());
        assert!(text.is_none_or(|text| all.first() == Some(&text)));
        if let Some(number) = form.number(&name) {
            assert_eq!(raw.trim().parse(), Ok(number));
        }
    }
    assert_eq!(form.raw("a name that no form has\0"), "");
}
