//! Adds an authenticator app: a QR code to scan, then two codes of the app.

use askama::Template;
use bailiwick_api::iam::{CreateVirtualMfaDeviceRequest, EnableMfaDeviceRequest};
use bailiwick_api::op;
use bailiwick_api::signin::EnableRootMfaDeviceRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::pages::credentials::Owner;
use crate::person::{Page, Person};
use crate::request::CallError;
use crate::view::{Change, Chrome, Field, Problem};

/// The name that AWS's console gives to the device of root.
const ROOT_DEVICE: &str = "root-account-mfa-device";

/// Answers `/console/mfa`: for the user that the address names, or for the person.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    if let Some(page) = person.prove_first() {
        return page;
    }
    let owner = Owner::of_address(person)?;
    // EnableMFADevice takes the name of a user, which root has not.
    let user_name = match owner.user_name() {
        None if person.session.is_root() => None,
        None => Some(person.own_name().await?),
        name => name,
    };
    let device_name = user_name.as_deref().unwrap_or(ROOT_DEVICE);
    match person.asked() {
        "begin" => begin(person, &owner, device_name).await,
        "enable" => enable(person, &owner, user_name).await,
        "" if !person.is_post() => first(person, &owner, device_name, None),
        _ => Err(person.unknown_change()),
    }
}

fn first(person: &Person<'_>, owner: &Owner, device_name: &str, error: Option<&CallError>) -> Page {
    let name = Field::line("name", "Name of the device", 128).with(device_name).required();
    let name = name.hint("Unique in the account. Letters, digits and +=,.@_- in any order.");
    let about =
        "An app on a phone or computer shows a new code of six digits every 30 seconds. You need it at hand now.";
    let change = person.change("Add an authenticator app", "begin", vec![name]).about(about);
    person.change_page((owner.page().to_owned(), "Back"), error, change)
}

async fn begin(person: &Person<'_>, owner: &Owner, device_name: &str) -> Page {
    let asked =
        CreateVirtualMfaDeviceRequest { virtual_mfa_device_name: person.form().text("name"), ..Default::default() };
    let device = match person.call::<op::CreateVirtualMFADevice>(asked).await {
        Ok(answer) => answer.virtual_mfa_device.unwrap_or_default(),
        Err(error) => return first(person, owner, device_name, Some(&error)),
    };
    let seed = device.base32_string_seed.unwrap_or_default();
    let page = AppPage {
        chrome: person.chrome("Add an authenticator app"),
        back: owner.page().to_owned(),
        picture: format!("data:image/png;base64,{}", STANDARD.encode(device.qr_code_png.unwrap_or_default())),
        seed: String::from_utf8_lossy(&seed).into_owned(),
        problem: None,
        change: codes(person, &device.serial_number.unwrap_or_default()),
    };
    person.page(&page)
}

async fn enable(person: &Person<'_>, owner: &Owner, user_name: Option<String>) -> Page {
    let form = person.form();
    let code = |name| form.text(name).map(|code| code.replace(' ', ""));
    let serial_number = form.text("serial");
    let (authentication_code1, authentication_code2) = (code("code1"), code("code2"));
    let enabled = if user_name.is_none() {
        let asked = EnableRootMfaDeviceRequest { serial_number, authentication_code1, authentication_code2 };
        person.call::<op::EnableRootMFADevice>(asked).await.map(drop)
    } else {
        let asked = EnableMfaDeviceRequest { user_name, serial_number, authentication_code1, authentication_code2 };
        person.call::<op::EnableMFADevice>(asked).await.map(drop)
    };
    match enabled {
        Ok(()) => person.done(owner.page(), "The MFA device is enabled. Its codes are asked for at the next sign-in."),
        Err(error) => {
            let page = AppPage {
                chrome: person.chrome("Add an authenticator app"),
                back: owner.page().to_owned(),
                picture: String::new(),
                seed: String::new(),
                problem: Some(Problem::new(&error)),
                change: codes(person, form.raw("serial")),
            };
            person.page_with(error.status(), &page)
        }
    }
}

fn codes(person: &Person<'_>, serial: &str) -> Change {
    let fields = vec![
        Field::hidden("serial", serial),
        Field::line("code1", "A code of the app", 7).required(),
        Field::line("code2", "The code that follows it", 7).required().hint("Wait until the app shows another one."),
    ];
    let mut change = person.change("Enable", "enable", fields);
    change.is_open = true;
    change
}

#[derive(Template)]
#[template(path = "mfa.html")]
struct AppPage {
    chrome: Chrome,
    back: String,
    /// The QR code, as a `data:` address; empty after a wrong code, since it is shown once.
    picture: String,
    seed: String,
    problem: Option<Problem>,
    change: Change,
}
