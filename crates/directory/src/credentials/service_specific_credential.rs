//! Service-specific credentials of users: a name and a secret for one service of AWS, which then needs no signature.
//!
//! Services that verify passwords get a user name and a password; services with API keys get an alias and a key that
//! contains the alias.

mod service;

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{Arn, ErrorCode, IamError, IdKind, Result};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned, SecretPlace};
use bailiwick_seal::SecretString;
use bailiwick_storage::{ServiceSpecificCredential, Tx, User};
use jiff::SignedDuration;

use super::status;
use super::target::CredentialTarget;
use crate::address::Target;
use crate::request::required;
use crate::user_or_root::{UserOrCaller, UserOrRoot};
use crate::{Directory, view};
use service::Service;

/// Creates a credential of a user for a service. Only this response and that of a reset show a secret.
///
/// # Errors
/// `NoSuchEntity`, also for a service without such credentials, as in AWS; `LimitExceeded` for a third credential for
/// the service.
impl Handle<op::CreateServiceSpecificCredential> for Directory {
    /// The user, the service, and the age in days.
    type Plan = ((Target<User>, Result<&'static Service>), Option<i32>);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::CreateServiceSpecificCredentialRequest,
    ) -> Result<Planned<Self::Plan>> {
        let name = required(&req.service_name, "serviceName")?;
        let user = Target::<User>::look_up(cx, tx, &req.user_name).await?;
        let service = Service::parse(name);
        let check = user
            .check(cx, "iam:CreateServiceSpecificCredential")
            .key("iam:ServiceSpecificCredentialServiceName", service.as_ref().map_or(name, |service| service.name))
            .key_if("iam:ServiceSpecificCredentialAgeDays", req.credential_age_days.map(|days| days.to_string()));
        Ok(Planned::new(user).check(check).with(service).with(req.credential_age_days))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        plan: Self::Plan,
    ) -> Result<pb::CreateServiceSpecificCredentialResponse> {
        let ((user, service), days) = plan;
        let (user, service) = (user.get()?, service?);
        let lasts = days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
        let created = cx.date();
        let credential = ServiceSpecificCredential {
            account: user.account,
            user: user.id,
            id: cx.new_id(IdKind::ServiceSpecificCredential),
            service: service.name.to_owned(),
            name: free_name(tx, &user, service).await?,
            active: true,
            created,
            expires: lasts.map(|lasts| created.checked_add(lasts)).transpose().map_err(IamError::internal)?,
            sealed_secret: Default::default(),
        };
        let (credential, secret) = with_new_secret(cx, service, credential)?;
        tx.create_service_specific_credential(&credential).await?;
        let shown = full(cx, &user, service, &credential, &secret);
        Ok(pb::CreateServiceSpecificCredentialResponse { service_specific_credential: Some(shown) })
    }
}

/// Lists the credentials of a user, of the caller, or of all users, for one service or for all. Root has none.
///
/// # Errors
/// `NoSuchEntity`, also for a service without such credentials; `ValidationError` for both a user and all users.
impl Handle<op::ListServiceSpecificCredentials> for Directory {
    /// Whose, for which service, and the page. All users: none.
    type Plan = ((Option<UserOrCaller>, Result<Option<&'static Service>>), PageRequest);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::ListServiceSpecificCredentialsRequest,
    ) -> Result<Planned<Self::Plan>> {
        const ACTION: &str = "iam:ListServiceSpecificCredentials";
        let planned = if req.all_users == Some(true) {
            if req.user_name.is_some() {
                let message = "Cannot list credentials for all users if a username is given";
                return Err(IamError::new(ErrorCode::InvalidInput, message).field("UserName", "expected no value"));
            }
            let everyone = Arn::iam(cx.partition(), cx.account(), format_args!("user/*"));
            Planned::new(None).check(Check::new(ACTION, &everyone))
        } else {
            let user = UserOrCaller::look_up(cx, tx, &req.user_name).await?;
            let check = user.check(cx, ACTION);
            Planned::new(Some(user)).check(check)
        };
        let service = req.service_name.as_deref().map(Service::parse).transpose();
        Ok(planned.with(service).with(PageRequest::new(req.marker, req.max_items)))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        plan: Self::Plan,
    ) -> Result<pb::ListServiceSpecificCredentialsResponse> {
        let ((owner, service), page) = plan;
        let pages = page.open(cx, "ListServiceSpecificCredentials")?;
        let owner = match owner.map(UserOrCaller::get).transpose()? {
            Some(UserOrRoot::Root) => {
                return Ok(pb::ListServiceSpecificCredentialsResponse {
                    is_truncated: Some(false),
                    ..pb::ListServiceSpecificCredentialsResponse::default()
                });
            }
            Some(UserOrRoot::User(user)) => Some(user),
            None => None,
        };
        let (id, service) = (owner.as_ref().map(|user| &user.id), service?.map(|service| service.name));
        let found =
            tx.list_service_specific_credentials(cx.account(), id, service, pages.after(), pages.limit()).await?;
        let page = pages.answer(found)?;
        let mut rows = Vec::with_capacity(page.items.len());
        for credential in &page.items {
            let name = match &owner {
                Some(user) => Some(user.name.to_string()),
                None => tx.find_by_id::<User>(cx.account(), &credential.user).await?.map(|user| user.name.to_string()),
            };
            rows.push(metadata(cx, name, credential));
        }
        Ok(pb::ListServiceSpecificCredentialsResponse {
            service_specific_credentials: rows,
            marker: page.marker,
            is_truncated: page.is_truncated,
        })
    }
}

/// Activates or deactivates a credential.
///
/// # Errors
/// `NoSuchEntity`; `InvalidInput` for another status.
impl Handle<op::UpdateServiceSpecificCredential> for Directory {
    /// The credential, and whether it will be active.
    type Plan = (CredentialTarget<ServiceSpecificCredential>, Result<bool>);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::UpdateServiceSpecificCredentialRequest,
    ) -> Result<Planned<Self::Plan>> {
        let active = status::parse(&req.status)?;
        let (user, id) = (&req.user_name, &req.service_specific_credential_id);
        let planned = CredentialTarget::plan(cx, tx, user, id, "iam:UpdateServiceSpecificCredential").await?;
        Ok(planned.with(active))
    }

    async fn handle(
        &self,
        _: &Cx,
        tx: &mut Tx,
        (credential, active): Self::Plan,
    ) -> Result<pb::UpdateServiceSpecificCredentialResponse> {
        let active = active?;
        let (_, credential) = credential.get()?;
        tx.update_service_specific_credential(&ServiceSpecificCredential { active, ..credential });
        Ok(pb::UpdateServiceSpecificCredentialResponse {})
    }
}

/// Replaces the secret of a credential. Its name, status and expiration stay.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::ResetServiceSpecificCredential> for Directory {
    type Plan = CredentialTarget<ServiceSpecificCredential>;

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::ResetServiceSpecificCredentialRequest,
    ) -> Result<Planned<CredentialTarget<ServiceSpecificCredential>>> {
        let (user, id) = (&req.user_name, &req.service_specific_credential_id);
        CredentialTarget::plan(cx, tx, user, id, "iam:ResetServiceSpecificCredential").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        credential: CredentialTarget<ServiceSpecificCredential>,
    ) -> Result<pb::ResetServiceSpecificCredentialResponse> {
        let (user, credential) = credential.get_of_user()?;
        let service = Service::parse(&credential.service)?;
        let (credential, secret) = with_new_secret(cx, service, credential)?;
        tx.update_service_specific_credential(&credential);
        let shown = full(cx, &user, service, &credential, &secret);
        Ok(pb::ResetServiceSpecificCredentialResponse { service_specific_credential: Some(shown) })
    }
}

/// Deletes a credential.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::DeleteServiceSpecificCredential> for Directory {
    type Plan = CredentialTarget<ServiceSpecificCredential>;

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::DeleteServiceSpecificCredentialRequest,
    ) -> Result<Planned<CredentialTarget<ServiceSpecificCredential>>> {
        let (user, id) = (&req.user_name, &req.service_specific_credential_id);
        CredentialTarget::plan(cx, tx, user, id, "iam:DeleteServiceSpecificCredential").await
    }

    async fn handle(
        &self,
        _: &Cx,
        tx: &mut Tx,
        credential: CredentialTarget<ServiceSpecificCredential>,
    ) -> Result<pb::DeleteServiceSpecificCredentialResponse> {
        let (_, credential) = credential.get()?;
        tx.delete_service_specific_credential(&credential);
        Ok(pb::DeleteServiceSpecificCredentialResponse {})
    }
}

/// The first name of the form `bob-at-111122223333`, `bob+1-at-111122223333`, … that no credential for the service has.
async fn free_name(tx: &mut Tx, user: &User, service: &Service) -> Result<String> {
    let mut number = 0;
    loop {
        let suffix = if number == 0 { String::new() } else { format!("+{number}") };
        let name = format!("{}{suffix}-at-{}", user.name, user.account);
        if !tx.has_service_credential_name(user.account, service.name, &name).await? {
            return Ok(name);
        }
        number += 1;
    }
}

/// The credential with a new secret, and the secret.
fn with_new_secret(
    cx: &Cx,
    service: &Service,
    credential: ServiceSpecificCredential,
) -> Result<(ServiceSpecificCredential, SecretString)> {
    let secret = service.secret(&credential.name, cx.random());
    let place = SecretPlace::of_service_credential(credential.account, &credential.user, &credential.id);
    let sealed_secret = place.seal(&cx.deployment().sealer, secret.expose().as_bytes())?.into();
    Ok((ServiceSpecificCredential { sealed_secret, ..credential }, secret))
}

fn status_of(cx: &Cx, credential: &ServiceSpecificCredential) -> Option<String> {
    if credential.expires.is_some_and(|expires| expires <= cx.now()) {
        return Some("Expired".to_owned());
    }
    status::text(credential.active)
}

/// A credential with its secret.
fn full(
    cx: &Cx,
    user: &User,
    service: &Service,
    credential: &ServiceSpecificCredential,
    secret: &SecretString,
) -> pb::ServiceSpecificCredential {
    let mut shown = pb::ServiceSpecificCredential {
        create_date: view::date(credential.created),
        expiration_date: credential.expires.and_then(view::date),
        service_name: Some(credential.service.clone()),
        service_specific_credential_id: Some(credential.id.to_string()),
        user_name: Some(user.name.to_string()),
        status: status_of(cx, credential),
        ..pb::ServiceSpecificCredential::default()
    };
    let (name, secret) = (Some(credential.name.clone()), Some(secret.expose().to_owned()));
    if service.has_api_keys() {
        (shown.service_credential_alias, shown.service_credential_secret) = (name, secret);
    } else {
        (shown.service_user_name, shown.service_password) = (name, secret);
    }
    shown
}

/// A credential as lists show it.
fn metadata(
    cx: &Cx,
    user_name: Option<String>,
    credential: &ServiceSpecificCredential,
) -> pb::ServiceSpecificCredentialMetadata {
    let has_api_keys = Service::parse(&credential.service).is_ok_and(Service::has_api_keys);
    let name = |wanted: bool| wanted.then(|| credential.name.clone());
    pb::ServiceSpecificCredentialMetadata {
        user_name,
        status: status_of(cx, credential),
        service_user_name: name(!has_api_keys),
        service_credential_alias: name(has_api_keys),
        create_date: view::date(credential.created),
        expiration_date: credential.expires.and_then(view::date),
        service_specific_credential_id: Some(credential.id.to_string()),
        service_name: Some(credential.service.clone()),
    }
}

#[cfg(test)]
mod tests;
