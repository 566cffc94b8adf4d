//! Forms that change something.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::form::Form;
use crate::view::{Chrome, Problem};

/// A field of a form. Its value is what the person typed before, if the page answers the same form.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) is_required: bool,
    pub(crate) input: Input,
}

/// How a field is filled in.
pub(crate) enum Input {
    /// One line.
    Line { value: String, max: u32 },
    /// A password. What was typed before is not repeated; `purpose` is the value of `autocomplete`.
    Password { purpose: &'static str },
    /// A text of several lines.
    Lines { value: String, rows: u32 },
    /// One of some values, each with its label.
    One { options: Vec<(String, String)>, chosen: String },
    /// Any of some values, each with its label.
    Any { options: Vec<(String, String)>, chosen: Vec<String>, empty: &'static str },
    /// A box to tick.
    Tick { is_set: bool },
    /// Not shown.
    Hidden { value: String },
}

impl Field {
    /// One line of at most `max` characters.
    pub(crate) fn line(name: &'static str, label: &'static str, max: u32) -> Self {
        Self::new(name, label, Input::Line { value: String::new(), max })
    }

    /// A password.
    pub(crate) fn password(name: &'static str, label: &'static str, purpose: &'static str) -> Self {
        Self::new(name, label, Input::Password { purpose })
    }

    /// A few lines.
    pub(crate) fn lines(name: &'static str, label: &'static str) -> Self {
        Self::new(name, label, Input::Lines { value: String::new(), rows: 4 })
    }

    /// A policy document.
    pub(crate) fn document(name: &'static str, label: &'static str) -> Self {
        Self::new(name, label, Input::Lines { value: String::new(), rows: 14 })
    }

    /// One of some values.
    pub(crate) fn one(name: &'static str, label: &'static str, options: Vec<(String, String)>) -> Self {
        Self::new(name, label, Input::One { options, chosen: String::new() })
    }

    /// Any of some values; `empty` is shown if there is none to choose.
    pub(crate) fn any(
        name: &'static str,
        label: &'static str,
        options: Vec<(String, String)>,
        empty: &'static str,
    ) -> Self {
        Self::new(name, label, Input::Any { options, chosen: Vec::new(), empty })
    }

    /// A box to tick.
    pub(crate) fn tick(name: &'static str, label: &'static str) -> Self {
        Self::new(name, label, Input::Tick { is_set: false })
    }

    /// A value that the form carries along.
    pub(crate) fn hidden(name: &'static str, value: impl Into<String>) -> Self {
        Self::new(name, "", Input::Hidden { value: value.into() })
    }

    /// With a value to begin with.
    #[must_use]
    pub(crate) fn with(mut self, value: impl Into<String>) -> Self {
        let value = value.into();
        match &mut self.input {
            Input::Line { value: own, .. } | Input::Lines { value: own, .. } => *own = value,
            Input::One { chosen, .. } => *chosen = value,
            Input::Any { chosen, .. } => chosen.push(value),
            Input::Tick { is_set } => *is_set = !value.is_empty(),
            Input::Password { .. } | Input::Hidden { .. } => {}
        }
        self
    }

    /// With one sentence about what to fill in.
    #[must_use]
    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    /// The browser does not send the form without it.
    #[must_use]
    pub(crate) fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    fn new(name: &'static str, label: &'static str, input: Input) -> Self {
        Field { name, label, hint: "", is_required: false, input }
    }

    /// Takes over what the person typed.
    pub(crate) fn repeat(&mut self, form: &Form) {
        match &mut self.input {
            Input::Line { value, .. } | Input::Lines { value, .. } => form.raw(self.name).clone_into(value),
            Input::One { chosen, .. } => form.raw(self.name).clone_into(chosen),
            Input::Any { chosen, .. } => *chosen = form.all(self.name),
            Input::Tick { is_set } => *is_set = form.is_set(self.name),
            Input::Password { .. } | Input::Hidden { .. } => {}
        }
    }
}

/// A form that changes something.
#[derive(Template)]
#[template(path = "parts/change.html")]
pub(crate) struct Change {
    /// What the form does, and its button.
    pub(crate) title: &'static str,
    /// The value of the member `do`, by which the page knows the form.
    pub(crate) action: &'static str,
    /// What happens, in a sentence or two.
    pub(crate) about: String,
    pub(crate) fields: Vec<Field>,
    /// The name that must be typed, if the change destroys something.
    pub(crate) confirm: Option<String>,
    /// Whether it looks dangerous.
    pub(crate) is_dangerous: bool,
    /// Whether the fields are shown from the start.
    pub(crate) is_open: bool,
    form_token: String,
}

impl HtmlSafe for Change {}

impl Change {
    /// A form with these fields. They keep what was typed if `form` is this form.
    pub(crate) fn new(
        form_token: &str,
        form: &Form,
        title: &'static str,
        action: &'static str,
        mut fields: Vec<Field>,
    ) -> Self {
        let is_repeated = form.raw("do") == action;
        if is_repeated {
            fields.iter_mut().for_each(|field| field.repeat(form));
        }
        let form_token = form_token.to_owned();
        Change {
            title,
            action,
            about: String::new(),
            fields,
            confirm: None,
            is_dangerous: false,
            is_open: is_repeated,
            form_token,
        }
    }

    /// With a sentence about what happens.
    #[must_use]
    pub(crate) fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// Destroys what has this name, which must be typed.
    #[must_use]
    pub(crate) fn destroys(mut self, name: &str) -> Self {
        self.confirm = Some(name.to_owned());
        self.dangerous()
    }

    /// Destroys something.
    #[must_use]
    pub(crate) fn dangerous(mut self) -> Self {
        self.is_dangerous = true;
        self
    }
}

/// A page with one form.
#[derive(Template)]
#[template(path = "change.html")]
pub(crate) struct ChangePage {
    pub(crate) chrome: Chrome,
    /// The address and label of the page before.
    pub(crate) back: (String, String),
    pub(crate) problem: Option<Problem>,
    pub(crate) change: Change,
}

/// A link to another form for the same.
pub(crate) struct Tab {
    pub(crate) url: String,
    pub(crate) label: &'static str,
    pub(crate) is_current: bool,
}

/// A page that shows secrets, once.
#[derive(Template)]
#[template(path = "secret.html")]
pub(crate) struct SecretPage {
    pub(crate) chrome: Chrome,
    /// The address and label of the page that follows.
    pub(crate) back: (String, String),
    /// What was made, and what to do with it.
    pub(crate) about: String,
    /// Names and texts to copy.
    pub(crate) values: Vec<(&'static str, String)>,
    /// The name and content of the file to save.
    pub(crate) file: (String, String),
}
