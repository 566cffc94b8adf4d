//! Server certificates of an account. Their private keys are stored sealed and never shown.

use bailiwick_api::{iam as pb, op};
use bailiwick_federation::{Certificate, PrivateKey};
use bailiwick_model::{
    AccountId, Arn, ErrorCode, IamError, IdKind, KeyCase, Partition, Path, Result, ServerCertificateName, Tags,
};
use bailiwick_operation::{Check, Cx, Handle, PathPage, Planned, SecretPlace};
use bailiwick_storage::{FoldedName as _, ServerCertificate, Tx};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::address::{Addressed, Target};
use crate::identities::tags::{NO_TAG_KEYS, NO_TAG_MAP, Tagged};
use crate::request::{check_list, path_or_root, required, tags};
use crate::{Directory, view};

/// The ARN of a certificate with this path and name.
fn arn_of(partition: Partition, account: AccountId, path: &Path, name: &ServerCertificateName) -> Arn {
    Arn::iam(partition, account, format_args!("server-certificate{path}{name}"))
}

fn own_arn(cx: &Cx, certificate: &ServerCertificate) -> Arn {
    arn_of(cx.partition(), certificate.account, &certificate.path, &certificate.name)
}

/// How a denial names a certificate.
fn shown(name: &ServerCertificateName) -> String {
    format!("server certificate {name}")
}

impl Addressed for ServerCertificate {
    type Address = ServerCertificateName;

    fn parse(_: &Cx, member: &Option<String>) -> Result<ServerCertificateName> {
        Ok(ServerCertificateName::parse(required(member, "serverCertificateName")?)?)
    }

    async fn find(cx: &Cx, tx: &mut Tx, name: &ServerCertificateName) -> Result<Option<Self>> {
        tx.find(cx.account(), name).await
    }

    fn check(cx: &Cx, name: &ServerCertificateName, stored: Option<&Self>, action: &'static str) -> Check {
        let check = match stored {
            Some(stored) => Check::new(action, &own_arn(cx, stored)).aws_resource_tags(&stored.tags),
            None => Check::new(action, &arn_of(cx.partition(), cx.account(), &Path::root(), name)),
        };
        check.displayed_as(shown(name))
    }

    fn no_such(name: &ServerCertificateName) -> IamError {
        let message = format!("The Server Certificate with name {name} cannot be found.");
        IamError::new(ErrorCode::NoSuchEntity, message)
    }
}

impl Tagged for ServerCertificate {
    const NO_TAGS: &str = NO_TAG_MAP;
    const NO_KEYS: Option<&str> = Some(NO_TAG_KEYS);

    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn get_for_change(_: &Cx, target: Target<Self>) -> Result<Self> {
        target.get()
    }
    async fn retag(&self, tx: &mut Tx, tags: Tags) -> Result<()> {
        tx.update_server_certificate(self, &ServerCertificate { tags, ..self.clone() }).await
    }
}

/// A certificate to store. Its texts are parsed by `handle`, for authorized callers only.
pub struct Upload {
    certificate: ServerCertificate,
    private_key: Zeroizing<String>,
}

/// Stores a certificate with its private key and its chain, without white space around them, as AWS shows them.
///
/// # Errors
/// `MalformedCertificate`, also if it is not valid now or the chain does not fit; `KeyPairMismatch`; `InvalidInput` (tags);
/// `EntityAlreadyExists`, `LimitExceeded`.
impl Handle<op::UploadServerCertificate> for Directory {
    type Plan = Upload;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::UploadServerCertificateRequest) -> Result<Planned<Upload>> {
        let certificate = ServerCertificate {
            account: cx.account(),
            id: cx.new_id(IdKind::ServerCertificate),
            name: ServerCertificateName::parse(required(&req.server_certificate_name, "serverCertificateName")?)?,
            path: path_or_root(&req.path)?,
            uploaded: cx.date(),
            expires: cx.date(),
            tags: tags(KeyCase::Sensitive, &req.tags)?,
            body: required(&req.certificate_body, "certificateBody")?.trim().to_owned(),
            chain: req.certificate_chain.map(|chain| chain.trim().to_owned()),
            sealed_key: Default::default(),
        };
        let private_key = Zeroizing::new(required(&req.private_key, "privateKey")?.to_owned());
        let arn = own_arn(cx, &certificate);
        let upload = Check::new("iam:UploadServerCertificate", &arn).request_tags(&certificate.tags);
        let tag = Check::new("iam:TagServerCertificate", &arn).request_tags(&certificate.tags);
        let has_tags = !certificate.tags.is_empty();
        Ok(Planned::new(Upload { certificate, private_key }).check(upload).check_if(has_tags, tag))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, upload: Upload) -> Result<pb::UploadServerCertificateResponse> {
        let Upload { certificate, private_key } = upload;
        let expires = verified(&certificate.body, certificate.chain.as_deref(), &private_key, cx.now())?;
        let place = SecretPlace::of_certificate_key(certificate.account, &certificate.id);
        let sealed_key = place.seal(&cx.deployment().sealer, private_key.as_bytes())?.into();
        let certificate = ServerCertificate { expires, sealed_key, ..certificate };
        tx.create_server_certificate(&certificate).await?;
        Ok(pb::UploadServerCertificateResponse {
            server_certificate_metadata: Some(metadata(cx, &certificate)),
            tags: view::tags(&certificate.tags),
        })
    }
}

/// Checks that the three texts belong together and that the certificate is valid now. Returns when it expires.
fn verified(body: &str, chain: Option<&str>, key: &str, now: Timestamp) -> Result<Timestamp> {
    const NOT_PEM: &str = "Unable to parse certificate. Please ensure the certificate is in PEM format.";
    let bodies =
        Certificate::parse_pem(body).map_err(|error| malformed(NOT_PEM, "CertificateBody", error.to_string()))?;
    let [certificate]: [Certificate; 1] = bodies.try_into().map_err(|_| {
        malformed(NOT_PEM, "CertificateBody", "expected one certificate; others belong in CertificateChain".into())
    })?;
    let key = PrivateKey::parse_pem(key)
        .map_err(|error| malformed("Invalid Private Key.", "PrivateKey", error.to_string()))?;
    if !certificate.belongs_to(&key) {
        let message =
            "The private key did not match the public key provided. Please verify the key material and try again.";
        return Err(IamError::new(ErrorCode::KeyPairMismatch, message).field("PrivateKey", "of another certificate"));
    }
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    if !(certificate.not_before()..=certificate.not_after()).contains(&seconds) {
        let message = if seconds < certificate.not_before() {
            "Certificate is not yet valid. The 'Not Before' date restriction on the certificate has not passed."
        } else {
            "Certificate is no longer valid. The 'Not After' date restriction on the certificate has passed."
        };
        return Err(malformed(message, "CertificateBody", "expected a certificate that is valid now".into()));
    }
    if let Some(chain) = chain {
        let chain = Certificate::parse_pem(chain)
            .map_err(|error| malformed(&error.to_string(), "CertificateChain", error.to_string()).silent_in_query())?;
        if let Some(index) = certificate.break_in(&chain) {
            let message = format!(
                "Unable to validate certificate chain. The certificate chain must start with the immediate signing \
                 certificate, followed by any intermediaries in order. The index within the chain of the invalid \
                 certificate is: {index}"
            );
            return Err(malformed(&message, "CertificateChain", "expected the issuer of each certificate".into()));
        }
    }
    let expires = i64::try_from(certificate.not_after()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    expires.ok_or_else(|| malformed(NOT_PEM, "CertificateBody", "the expiration is out of range".into()))
}

/// `MalformedCertificate`. The texts are not repeated, since one is a private key.
fn malformed(message: &str, member: &str, reason: String) -> IamError {
    IamError::new(ErrorCode::MalformedCertificate, message).field(member, reason)
}

/// Shows a certificate with its chain, and without its private key.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::GetServerCertificate> for Directory {
    type Plan = Target<ServerCertificate>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetServerCertificateRequest) -> Result<Planned<Self::Plan>> {
        Target::plan(cx, tx, &req.server_certificate_name, "iam:GetServerCertificate").await
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, target: Self::Plan) -> Result<pb::GetServerCertificateResponse> {
        let certificate = target.get()?;
        let shown = pb::ServerCertificate {
            server_certificate_metadata: Some(metadata(cx, &certificate)),
            tags: view::tags(&certificate.tags),
            certificate_body: Some(certificate.body),
            certificate_chain: certificate.chain,
        };
        Ok(pb::GetServerCertificateResponse { server_certificate: Some(shown) })
    }
}

/// Lists the certificates of the account by name, without their texts and tags.
impl Handle<op::ListServerCertificates> for Directory {
    type Plan = PathPage;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ListServerCertificatesRequest) -> Result<Planned<PathPage>> {
        let page = PathPage::new(req.path_prefix, req.marker, req.max_items);
        let check = check_list(cx, "iam:ListServerCertificates", "server-certificate", &page.prefix);
        Ok(Planned::new(page).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: PathPage) -> Result<pb::ListServerCertificatesResponse> {
        let pages = plan.page.open(cx, "ListServerCertificates")?;
        let found = tx.list::<ServerCertificate>(cx.account(), &plan.prefix, pages.after(), pages.limit()).await?;
        let page = pages.answer(found)?;
        Ok(pb::ListServerCertificatesResponse {
            server_certificate_metadata_list: page.items.iter().map(|item| metadata(cx, item)).collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// Gives a certificate another name, another path, or both. Its id stays, and its ARN changes.
///
/// The caller needs the permission on both the old and the new ARN.
///
/// # Errors
/// `NoSuchEntity`; `EntityAlreadyExists` if another certificate has the name.
impl Handle<op::UpdateServerCertificate> for Directory {
    /// The certificate before and after.
    type Plan = Result<(ServerCertificate, ServerCertificate)>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateServerCertificateRequest) -> Result<Planned<Self::Plan>> {
        const ACTION: &str = "iam:UpdateServerCertificate";
        let target = Target::<ServerCertificate>::look_up(cx, tx, &req.server_certificate_name).await?;
        let check = target.check(cx, ACTION);
        let update = target.get().and_then(|old| Ok((renamed(&old, &req)?, old))).map(|(new, old)| (old, new));
        let moved = |(old, new): &&(ServerCertificate, ServerCertificate)| own_arn(cx, new) != own_arn(cx, old);
        let second = update.as_ref().ok().filter(moved).map(|(_, new)| {
            Check::new(ACTION, &own_arn(cx, new)).aws_resource_tags(&new.tags).displayed_as(shown(&new.name))
        });
        Ok(Planned::new(update).check(check).checks(second))
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, update: Self::Plan) -> Result<pb::UpdateServerCertificateResponse> {
        let (old, new) = update?;
        tx.update_server_certificate(&old, &new).await?;
        Ok(pb::UpdateServerCertificateResponse {})
    }
}

fn renamed(old: &ServerCertificate, req: &pb::UpdateServerCertificateRequest) -> Result<ServerCertificate> {
    let name = match &req.new_server_certificate_name {
        Some(name) => ServerCertificateName::parse(name)?,
        None => old.name.clone(),
    };
    // As with users, the certificate itself has its name in every case.
    if name.folded() == old.name.folded() && name.to_string() != old.name.to_string() {
        let message = format!("The Server Certificate with name {name} already exists.");
        return Err(IamError::new(ErrorCode::EntityAlreadyExists, message));
    }
    let path = match &req.new_path {
        Some(path) => Path::parse(path)?,
        None => old.path.clone(),
    };
    Ok(ServerCertificate { name, path, ..old.clone() })
}

/// Deletes a certificate and its private key.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::DeleteServerCertificate> for Directory {
    type Plan = Target<ServerCertificate>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteServerCertificateRequest) -> Result<Planned<Self::Plan>> {
        Target::plan(cx, tx, &req.server_certificate_name, "iam:DeleteServerCertificate").await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, target: Self::Plan) -> Result<pb::DeleteServerCertificateResponse> {
        tx.delete_server_certificate(&target.get()?).await?;
        Ok(pb::DeleteServerCertificateResponse {})
    }
}

fn metadata(cx: &Cx, certificate: &ServerCertificate) -> pb::ServerCertificateMetadata {
    pb::ServerCertificateMetadata {
        path: Some(certificate.path.to_string()),
        server_certificate_name: Some(certificate.name.to_string()),
        server_certificate_id: Some(certificate.id.to_string()),
        arn: Some(own_arn(cx, certificate).to_string()),
        upload_date: view::date(certificate.uploaded),
        expiration: view::date(certificate.expires),
    }
}

#[cfg(test)]
mod tests;
