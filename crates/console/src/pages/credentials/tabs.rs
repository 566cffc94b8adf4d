//! The credentials of a user, as the tabs of their page show them.

use bailiwick_api::iam::{AccessKeyLastUsed, GetAccessKeyLastUsedRequest, ListAccessKeysRequest};
use bailiwick_api::op;

use crate::pages::credentials::Owner;
use crate::pages::rows;
use crate::person::Person;
use crate::request::Called;
use crate::view::{Cell, Field, Section, url};

impl Owner {
    /// The password, access keys and MFA devices, with the forms that change them.
    pub(crate) async fn sections(&self, person: &Person<'_>) -> [Section; 3] {
        let name = self.user_name().unwrap_or_default();
        let fields = vec![
            Field::password("password", "New password", "new-password").required(),
            Field::tick("reset", "The user must choose another one at the next sign-in").with("1"),
        ];
        let set = person.change("Set the password", "set-password", fields).about("The user's sign-in sessions end.");
        let delete = person.change("Delete the password", "delete-password", Vec::new());
        let delete = delete.about("The user cannot sign in any more. Access keys stay.").destroys(&name);
        let table = person.table("Password", &["Password"], "").rows(Ok(vec![vec![self.password(person).await]]));
        let password = Section::new("Password", table).with(set).with(delete);
        let password = password.link(url("sessions", &[("user", &name)]), "Sign-in sessions");
        [password, self.keys(person).await, self.devices(person).await]
    }

    /// When the password and each access key were used last. `password`: when the password was.
    pub(crate) async fn last_used(&self, person: &Person<'_>, password: Option<&prost_types::Timestamp>) -> Section {
        let columns = ["Credential", "Last used", "Service", "Region"];
        let table = person.table("Last used", &columns, "");
        let used = vec![
            Cell::text("Password".to_owned()),
            Cell::Time(person.moment(password)),
            Cell::text(None),
            Cell::text(None),
        ];
        let called = self.keys_last_used(person).await.map(|keys| std::iter::once(used).chain(keys).collect());
        Section::new("Last used", rows(table, called))
    }

    async fn keys_last_used(&self, person: &Person<'_>) -> Called<Vec<Vec<Cell>>> {
        let asked = ListAccessKeysRequest { user_name: self.user_name(), ..Default::default() };
        let mut rows = Vec::new();
        for key in person.call::<op::ListAccessKeys>(asked).await?.access_key_metadata {
            let asked = GetAccessKeyLastUsedRequest { access_key_id: key.access_key_id.clone() };
            let used = person.call::<op::GetAccessKeyLastUsed>(asked).await?.access_key_last_used;
            let AccessKeyLastUsed { last_used_date, service_name, region } = used.unwrap_or_default();
            // AWS writes `N/A` for a key that was never used.
            let text = |text: Option<String>| Cell::text(text.filter(|text| text != "N/A"));
            rows.push(vec![
                Cell::Code(key.access_key_id.unwrap_or_default()),
                Cell::Time(person.moment(last_used_date.as_ref())),
                text(service_name),
                text(region),
            ]);
        }
        Ok(rows)
    }
}
