//! X.509 signing certificates of users and of root.

use bailiwick_api::{iam as pb, op};
use bailiwick_federation::Certificate;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, Handle, PageRequest, Planned};
use bailiwick_storage::{SigningCertificate, Tx};
use jiff::Timestamp;

use super::status;
use super::target::CredentialTarget;
use crate::request::required;
use crate::user_or_root::{UserOrCaller, UserOrRoot};
use crate::{Directory, view};

/// Stores a certificate for a user, or for the caller. It is active. If they have it already, nothing changes, and the
/// response shows it as active even if it is not, as in AWS.
///
/// # Errors
/// `NoSuchEntity`; `MalformedCertificate` if the body is not exactly one certificate in PEM form that has not expired;
/// `DuplicateCertificate` if another user of the account, or root, has it; `LimitExceeded` for a third one.
impl Handle<op::UploadSigningCertificate> for Directory {
    type Plan = (UserOrCaller, String);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::UploadSigningCertificateRequest,
    ) -> Result<Planned<Self::Plan>> {
        let body = required(&req.certificate_body, "certificateBody")?.to_owned();
        Ok(UserOrCaller::plan(cx, tx, &req.user_name, "iam:UploadSigningCertificate").await?.with(body))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (user, body): Self::Plan,
    ) -> Result<pb::UploadSigningCertificateResponse> {
        let user = user.get()?;
        let parsed = parse(&body, cx.date())?;
        let certificate = SigningCertificate {
            account: cx.account(),
            owner: user.key_owner(),
            id: data_encoding::BASE32.encode(&parsed.sha1()),
            active: true,
            uploaded: cx.date(),
            body,
            digest: parsed.digest(),
        };
        let same = tx.find_signing_certificate(certificate.account, &certificate.owner, &certificate.id).await?;
        if let Some(same) = same.filter(|same| same.digest == certificate.digest) {
            let certificate = SigningCertificate { active: true, ..same };
            return Ok(pb::UploadSigningCertificateResponse { certificate: Some(shown(&user, certificate)) });
        }
        tx.create_signing_certificate(&certificate).await?;
        Ok(pb::UploadSigningCertificateResponse { certificate: Some(shown(&user, certificate)) })
    }
}

/// Lists the certificates of a user, or of the caller, by id.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::ListSigningCertificates> for Directory {
    type Plan = (UserOrCaller, PageRequest);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::ListSigningCertificatesRequest) -> Result<Planned<Self::Plan>> {
        let planned = UserOrCaller::plan(cx, tx, &req.user_name, "iam:ListSigningCertificates").await?;
        Ok(planned.with(PageRequest::new(req.marker, req.max_items)))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (user, page): Self::Plan,
    ) -> Result<pb::ListSigningCertificatesResponse> {
        let pages = page.open(cx, "ListSigningCertificates")?;
        let user = user.get()?;
        let owner = user.key_owner();
        let found = tx.list_signing_certificates(cx.account(), &owner, pages.after(), pages.limit()).await?;
        let page = pages.answer(found)?;
        Ok(pb::ListSigningCertificatesResponse {
            certificates: page.items.into_iter().map(|certificate| shown(&user, certificate)).collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// Activates or deactivates a certificate.
///
/// # Errors
/// `NoSuchEntity`; `InvalidInput` for another status.
impl Handle<op::UpdateSigningCertificate> for Directory {
    /// The certificate, and whether it will be active.
    type Plan = (CredentialTarget<SigningCertificate>, Result<bool>);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::UpdateSigningCertificateRequest,
    ) -> Result<Planned<Self::Plan>> {
        let active = status::parse(&req.status)?;
        let action = "iam:UpdateSigningCertificate";
        Ok(CredentialTarget::plan(cx, tx, &req.user_name, &req.certificate_id, action).await?.with(active))
    }

    async fn handle(
        &self,
        _: &Cx,
        tx: &mut Tx,
        (target, active): Self::Plan,
    ) -> Result<pb::UpdateSigningCertificateResponse> {
        let active = active?;
        let (_, certificate) = target.get()?;
        tx.update_signing_certificate(&SigningCertificate { active, ..certificate });
        Ok(pb::UpdateSigningCertificateResponse {})
    }
}

/// Deletes a certificate.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::DeleteSigningCertificate> for Directory {
    type Plan = CredentialTarget<SigningCertificate>;

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::DeleteSigningCertificateRequest,
    ) -> Result<Planned<Self::Plan>> {
        CredentialTarget::plan(cx, tx, &req.user_name, &req.certificate_id, "iam:DeleteSigningCertificate").await
    }

    async fn handle(
        &self,
        _: &Cx,
        tx: &mut Tx,
        target: CredentialTarget<SigningCertificate>,
    ) -> Result<pb::DeleteSigningCertificateResponse> {
        let (_, certificate) = target.get()?;
        tx.delete_signing_certificate(&certificate);
        Ok(pb::DeleteSigningCertificateResponse {})
    }
}

/// The one certificate of a request, which has not expired.
fn parse(body: &str, now: Timestamp) -> Result<Certificate> {
    let parsed = Certificate::parse_pem(body);
    let [certificate] = parsed.unwrap_or_default().try_into().map_err(|_| malformed(body))?;
    if u64::try_from(now.as_second()).is_ok_and(|now| now > certificate.not_after()) {
        return Err(malformed(body));
    }
    Ok(certificate)
}

/// `MalformedCertificate`. As in AWS the message repeats the body, unless a private key was sent by mistake.
fn malformed(body: &str) -> IamError {
    let shown = if body.contains("PRIVATE KEY") { "(not shown: it contains a private key)" } else { body };
    IamError::new(ErrorCode::MalformedCertificate, format!("Certificate {shown} is malformed."))
        .field("CertificateBody", "expected one certificate in PEM form that has not expired, and nothing else")
}

/// A certificate, as responses show it.
fn shown(user: &UserOrRoot, certificate: SigningCertificate) -> pb::SigningCertificate {
    pb::SigningCertificate {
        user_name: user.name(),
        certificate_id: Some(certificate.id),
        certificate_body: Some(certificate.body),
        status: status::text(certificate.active),
        upload_date: view::date(certificate.uploaded),
    }
}

#[cfg(test)]
mod tests;
