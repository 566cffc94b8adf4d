//! The link that signs root in once after the first start, before root has a password.
//!
//! A link is sealed and not stored: it contains its end, the account, and the access key that root got with it. It dies with
//! that key, and when root gets a password or an MFA device. Its use is stored until it has expired, so it works once.

use aws_lc_rs::digest::{SHA256, digest};
use bailiwick_api::op;
use bailiwick_api::signin::{SignInWithLinkRequest, SignInWithLinkResponse};
use bailiwick_model::{AccessKeyId, AccountId, AccountState, ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, Handle, NoCaller, Person, Planned, Principal};
use bailiwick_seal::{KeyPurpose, Sealer};
use bailiwick_storage::{KeyOwner, RootPassword, Tx};
use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};

use crate::{SignIn, session};

/// How long a link is valid.
pub const LINK_LIFETIME: SignedDuration = SignedDuration::from_mins(15);

const AAD: [&[u8]; 1] = [b"root sign-in link"];

/// What a link says.
pub struct Link {
    account: AccountId,
    key: AccessKeyId,
    expires: Timestamp,
    digest: [u8; 32],
}

impl Link {
    /// Makes a link for the root user of an account, who has this access key. It is a secret.
    ///
    /// # Errors
    /// `ServiceFailure` if sealing fails.
    pub fn issue(sealer: &Sealer, account: AccountId, key: &AccessKeyId, now: Timestamp) -> Result<String> {
        let expires = now.saturating_add(LINK_LIFETIME).map_err(IamError::internal)?;
        let mut plain = account.digits().to_vec();
        plain.extend(expires.as_microsecond().to_be_bytes());
        plain.extend(key.as_str().as_bytes());
        let sealed = sealer.seal(KeyPurpose::BearerToken, &AAD, &plain).map_err(IamError::internal)?;
        Ok(BASE64URL_NOPAD.encode(&sealed))
    }

    /// Opens a link of this deployment.
    fn open(cx: &Cx<NoCaller>, text: &str) -> Option<Self> {
        let sealed = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let plain = cx.deployment().sealer.open(KeyPurpose::BearerToken, &AAD, &sealed).ok()?;
        let (account, rest) = plain.split_at_checked(12)?;
        let (expires, key) = rest.split_at_checked(8)?;
        let expires = i64::from_be_bytes(expires.try_into().ok()?);
        Some(Link {
            account: AccountId::parse(std::str::from_utf8(account).ok()?).ok()?,
            key: AccessKeyId::parse(std::str::from_utf8(key).ok()?).ok()?,
            expires: Timestamp::from_microsecond(expires).ok()?,
            digest: digest(&SHA256, text.as_bytes()).as_ref().try_into().ok()?,
        })
    }

    /// Whether root is as the first start left them.
    async fn is_valid(&self, cx: &Cx<NoCaller>, tx: &mut Tx) -> Result<bool> {
        if self.expires <= cx.now() {
            return Ok(false);
        }
        let account = tx.find_account(self.account).await?;
        let key = tx.find_access_key(self.account, &self.key).await?;
        let has_key = key.is_some_and(|key| key.owner == KeyOwner::Root && key.active);
        Ok(account.is_some_and(|account| account.state == AccountState::Active)
            && has_key
            && tx.account_setting::<RootPassword>(self.account).await?.is_none()
            && tx.list_mfa_devices_of(self.account, &KeyOwner::Root, None, 1).await?.items.is_empty()
            && tx.list_passkeys(self.account, &KeyOwner::Root).await?.is_empty())
    }
}

/// Signs root in with the link of the first start.
///
/// # Errors
/// `AccessDenied` for anything that is not a valid link, the same for all.
impl Handle<op::SignInWithLink> for SignIn {
    type Plan = Option<Link>;

    async fn plan(&self, cx: &Cx<NoCaller>, tx: &mut Tx, req: SignInWithLinkRequest) -> Result<Planned<Self::Plan>> {
        let link = match Link::open(cx, req.link.as_deref().unwrap_or_default()) {
            Some(link) if link.is_valid(cx, tx).await? => Some(link),
            _ => None,
        };
        let principal = link.as_ref().map(|link| Principal::Root { account: link.account });
        let is_proven = link.is_some();
        Ok(Planned::new(link).person(Person { principal, is_proven }))
    }

    async fn handle(&self, cx: &Cx<NoCaller>, tx: &mut Tx, link: Self::Plan) -> Result<SignInWithLinkResponse> {
        let Some(link) = link else { return Err(refused()) };
        if !tx.use_passkey_challenge(&link.digest, link.expires, cx.now()).await? {
            return Err(refused());
        }
        let session = session::start_of_root(cx, tx, link.account).await?;
        Ok(SignInWithLinkResponse { session: Some(session) })
    }
}

fn refused() -> IamError {
    let message = "the link was used, has expired or is not of this server: sign in with the password of root, which root's \
                   access key sets with PutRootPassword";
    IamError::new(ErrorCode::AccessDenied, message)
}
