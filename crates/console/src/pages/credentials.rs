//! The password, access keys and MFA devices of a user, or of the person who is signed in.

use bailiwick_api::iam::{
    AccessKeyMetadata, CreateAccessKeyRequest, CreateLoginProfileRequest, DeactivateMfaDeviceRequest,
    DeleteAccessKeyRequest, DeleteLoginProfileRequest, GetLoginProfileRequest, ListAccessKeysRequest,
    ListMfaDevicesRequest, MfaDevice, UpdateAccessKeyRequest, UpdateLoginProfileRequest,
};
use bailiwick_api::op;
use bailiwick_model::{ErrorCode, IamError};

use crate::pages::{object, rows};
use crate::person::{Page, Person};
use crate::request::Called;
use crate::view::{Cell, Field, SecretPage, Section, url};

mod tabs;

/// Why a person who signed in with temporary credentials has none of their own.
pub(crate) const NO_USER: &str = "you signed in with temporary credentials: a session of a role or of a federated user has no \
                                  password, access keys and MFA devices of its own";

/// Whose credentials.
pub(crate) struct Owner {
    /// The user; none for the person who is signed in, who may be root.
    user_name: Option<String>,
    /// The page that shows the credentials.
    page: String,
}

impl Owner {
    /// The user of that name.
    pub(crate) fn user(name: &str) -> Self {
        Owner { user_name: Some(name.to_owned()), page: object::address("users/user", ("name", name), "credentials") }
    }

    /// The person who is signed in.
    pub(crate) fn person() -> Self {
        Owner { user_name: None, page: "/console/profile".to_owned() }
    }

    /// The user that the address names, or the person.
    ///
    /// # Errors
    /// `ValidationError` if the address names no user and the person acts as a role: a user of the same name in the
    /// account of the role is another one.
    pub(crate) fn of_address(person: &Person<'_>) -> Called<Self> {
        match person.query().text("user") {
            Some(name) => Ok(Self::user(&name)),
            None if person.session.is_temporary => Err(person.failure(IamError::validation(NO_USER))),
            None if person.role.is_none() => Ok(Self::person()),
            None => {
                let message = "your own credentials are not the role's: return from the role first";
                Err(person.failure(IamError::validation(message)))
            }
        }
    }

    /// The user's name in a request; none for the person.
    pub(crate) fn user_name(&self) -> Option<String> {
        self.user_name.clone()
    }

    /// The address of the page that shows the credentials.
    pub(crate) fn page(&self) -> &str {
        &self.page
    }

    /// The address of another page about these credentials.
    fn link(&self, path: &str) -> String {
        self.user_name.as_ref().map_or_else(|| url(path, &[]), |name| url(path, &[("user", name)]))
    }

    /// The state of the password.
    pub(crate) async fn password(&self, person: &Person<'_>) -> Cell {
        let asked = GetLoginProfileRequest { user_name: self.user_name() };
        match person.call::<op::GetLoginProfile>(asked).await {
            Ok(answer)
                if answer.login_profile.as_ref().is_some_and(|own| own.password_reset_required == Some(true)) =>
            {
                Cell::badge("warn", "must be changed at the next sign-in")
            }
            Ok(_) => Cell::badge("good", "set"),
            Err(error) if error.error.code() == ErrorCode::NoSuchEntity => Cell::text("none".to_owned()),
            Err(error) => Cell::text(error.error.message().to_owned()),
        }
    }

    /// The access keys.
    pub(crate) async fn keys(&self, person: &Person<'_>) -> Section {
        let asked = ListAccessKeysRequest { user_name: self.user_name(), ..Default::default() };
        let row = |key: AccessKeyMetadata| {
            let status = key.status.unwrap_or_default();
            let id = key.access_key_id.unwrap_or_default();
            let (kind, label, other) = match status.as_str() {
                "Active" => ("good", "Deactivate", "Inactive"),
                _ => ("", "Activate", "Active"),
            };
            vec![
                Cell::Code(id.clone()),
                Cell::badge(kind, status),
                Cell::Time(person.moment(key.create_date.as_ref())),
                Cell::button(label, &id, &[("do", "set-key-status"), ("key", &id), ("status", other)]),
            ]
        };
        let listed = person.call::<op::ListAccessKeys>(asked).await;
        let table = person.table("Access keys", &["Key", "Status", "Created", "Change"], "No access key.");
        let table = rows(table, listed.map(|listed| listed.access_key_metadata.into_iter().map(row).collect()));
        let create = person.change("Create an access key", "create-key", Vec::new());
        let which = Field::line("key", "Type the id of the key to delete", 128).required();
        let delete = person.change("Delete an access key", "delete-key", vec![which]);
        let warning = "Programs that use the key are refused at once. Deactivate it first to see what misses it.";
        Section::new("Access keys", table)
            .with(create.about("For programs. The secret is shown once. There are at most two keys."))
            .with(delete.about(warning).dangerous())
    }

    /// The MFA devices.
    pub(crate) async fn devices(&self, person: &Person<'_>) -> Section {
        let asked = ListMfaDevicesRequest { user_name: self.user_name(), ..Default::default() };
        let row = |device: MfaDevice| {
            let enabled = person.moment(device.enable_date.as_ref());
            let serial = device.serial_number.unwrap_or_default();
            vec![
                Cell::Code(serial.clone()),
                Cell::Time(enabled),
                Cell::button("Deactivate", &serial, &[("do", "remove-device"), ("serial", &serial)]),
            ]
        };
        let listed = person.call::<op::ListMFADevices>(asked).await;
        let table = person.table("MFA devices", &["Serial number", "Enabled", "Change"], "No MFA device.");
        let table = rows(table, listed.map(|listed| listed.mfa_devices.into_iter().map(row).collect()));
        let section = Section::new("MFA devices", table);
        let section = section.link(self.link("mfa"), "Add an authenticator app");
        section.link(self.link("passkey"), "Add a passkey")
    }

    /// Changes the credentials as the form asks, once the person has proved who they are.
    ///
    /// # Errors
    /// Those of the operations, and of a form that asks for a change which is not known.
    pub(crate) async fn change(&self, person: &Person<'_>) -> Called<Page> {
        if let Some(page) = person.prove_first() {
            return Ok(page);
        }
        let form = person.form();
        let user_name = self.user_name();
        let message = match person.asked() {
            "create-key" => return self.create_key(person).await,
            "set-key-status" => {
                let (access_key_id, status) = (form.text("key"), form.text("status"));
                person.call::<op::UpdateAccessKey>(UpdateAccessKeyRequest { user_name, access_key_id, status }).await?;
                format!("The access key {} is {} now.", form.typed("key"), form.typed("status").to_lowercase())
            }
            "delete-key" => {
                let access_key_id = form.text("key");
                person.call::<op::DeleteAccessKey>(DeleteAccessKeyRequest { user_name, access_key_id }).await?;
                format!("The access key {} was deleted.", form.typed("key"))
            }
            "set-password" => {
                self.set_password(person).await?;
                "The password was set. The user's sign-in sessions have ended.".to_owned()
            }
            "delete-password" => {
                person.check_typed(user_name.as_deref().unwrap_or_default())?;
                person.call::<op::DeleteLoginProfile>(DeleteLoginProfileRequest { user_name }).await?;
                "The password was deleted.".to_owned()
            }
            "remove-device" => {
                let serial_number = form.text("serial");
                let asked = DeactivateMfaDeviceRequest { user_name, serial_number };
                person.call::<op::DeactivateMFADevice>(asked).await?;
                format!("The MFA device {} was deactivated.", form.typed("serial"))
            }
            _ => return Err(person.unknown_change()),
        };
        Ok(person.done(&self.page, message))
    }

    async fn set_password(&self, person: &Person<'_>) -> Called<()> {
        let form = person.form();
        let user_name = self.user_name();
        let password = Some(form.raw("password").to_owned());
        let password_reset_required = Some(form.is_set("reset"));
        match person.call::<op::GetLoginProfile>(GetLoginProfileRequest { user_name: user_name.clone() }).await {
            Err(error) if error.error.code() == ErrorCode::NoSuchEntity => {
                let asked =
                    CreateLoginProfileRequest { user_name, password, password_reset_required, ..Default::default() };
                person.call::<op::CreateLoginProfile>(asked).await.map(drop)
            }
            // A person may be allowed to set it who may not read it.
            _ => {
                let asked =
                    UpdateLoginProfileRequest { user_name, password, password_reset_required, ..Default::default() };
                person.call::<op::UpdateLoginProfile>(asked).await.map(drop)
            }
        }
    }

    async fn create_key(&self, person: &Person<'_>) -> Called<Page> {
        let asked = CreateAccessKeyRequest { user_name: self.user_name() };
        let key = person.call::<op::CreateAccessKey>(asked).await?.access_key.unwrap_or_default();
        let (id, secret) = (key.access_key_id.unwrap_or_default(), key.secret_access_key.unwrap_or_default());
        let file = format!("Access key ID,Secret access key\n{id},{secret}\n");
        Ok(person.page(&SecretPage {
            chrome: person.chrome("New access key"),
            back: (self.page.clone(), "Done: the secret access key is saved".to_owned()),
            about: "The secret access key is shown this once. Copy it or save it now.".to_owned(),
            values: vec![("Access key id", id.clone()), ("Secret access key", secret)],
            file: (format!("{id}.csv"), file),
        }))
    }
}
