//! Sessions of roles for users of SAML providers.

mod attributes;
mod endpoints;
mod keys;
mod provider;

use bailiwick_api::op;
use bailiwick_api::sts::{AssumeRoleWithSamlRequest, AssumeRoleWithSamlResponse};
use bailiwick_federation::SamlAssertion;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, FederatedPrincipal, Federation, Handle, NoCaller, Planned, SessionKind};
use bailiwick_storage::Tx;
use jiff::Timestamp;

use crate::Sts;
use crate::role_session::{self, NewRoleSession, TargetRole};
use crate::session_policy::SessionPolicies;
use attributes::Attributes;
use keys::SubjectKeys;
use provider::ProviderArn;

/// Issues credentials for a session of a role to the bearer of a SAML assertion. The assertion is verified in the plan:
/// before the checks, and again if the call is repeated after a conflict.
///
/// The provider must be in the role's account, and the assertion must name the role with it. The role's trust policy must
/// allow the provider. Tags in the assertion also need `sts:TagSession`; a source identity also needs
/// `sts:SetSourceIdentity`.
///
/// An assertion is used by the session that is issued for it. A call that is denied or refused does not use it: nothing was
/// issued, and the user can choose another role without signing in again.
///
/// # Errors
/// `InvalidIdentityToken`, `IDPRejectedClaim`, `ExpiredTokenException`, `AccessDenied`, `ValidationError`,
/// `MalformedPolicyDocument`, `PackedPolicyTooLarge`.
impl Handle<op::AssumeRoleWithSAML> for Sts {
    type Plan = SamlSession;

    async fn plan(
        &self,
        cx: &Cx<NoCaller>,
        tx: &mut Tx,
        req: AssumeRoleWithSamlRequest,
    ) -> Result<Planned<SamlSession>> {
        let target = TargetRole::parse(cx.partition(), req.role_arn.as_deref())?;
        let provider_arn = ProviderArn::parse(cx.partition(), req.principal_arn.as_deref())?;
        let policies = SessionPolicies::read(req.policy.as_deref(), &req.policy_arns, cx.partition())?;
        let (provider, assertion) =
            provider::verify(cx, tx, &provider_arn, req.saml_assertion.as_deref().unwrap_or("")).await?;
        let attributes = Attributes::read(&assertion)?;
        let is_named = attributes.allow(target.arn.as_str(), provider_arn.as_str());
        if !is_named || target.arn.account_id() != Some(provider.account) {
            return Err(IamError::new(ErrorCode::AccessDenied, "Not authorized to perform sts:AssumeRoleWithSAML"));
        }
        let subject = SubjectKeys::of(&assertion, &provider);
        let seconds = role_session::seconds(req.duration_seconds);
        let session = NewRoleSession {
            kind: SessionKind::Saml,
            target: target.find(tx).await?,
            name: attributes.session_name,
            policies,
            tags: attributes.tags,
            source_identity: attributes.source_identity,
            seconds: attributes.session_seconds.map_or(seconds, |most| most.min(seconds)),
            not_after: assertion.session_ends,
            chained: false,
            provider: Some(provider_arn.as_str().to_owned()),
            provider_keys: subject.lasting(),
            parent_key: None,
            issued_through: Vec::new(),
        };
        let keys = keys::of_attributes(&assertion);
        let checks = session.checks(cx.partition(), "sts:AssumeRoleWithSAML", |check| {
            let check = check
                .key("saml:aud", assertion.recipient.as_str())
                .key("saml:iss", assertion.issuer.as_str())
                .key("saml:doc", subject.document.as_str());
            keys.iter().fold(check, |check, (key, values)| match values {
                [value] => check.key(*key, value.as_str()),
                values => check.keys(*key, values.iter().cloned()),
            })
        });
        let principal = FederatedPrincipal {
            kind: Federation::Saml,
            provider: provider_arn.as_str().to_owned(),
            issuer: subject.name_qualifier.clone(),
            id: format!("{}:{}", subject.name_qualifier, assertion.subject.value),
            name: assertion.subject.value.clone(),
        };
        let plan = SamlSession {
            // The name rather than the id: an assertion stays used when its provider is created again.
            digest: assertion.digest(&subject.document),
            expires: assertion.expires,
            assertion,
            subject,
            session,
            minimum_size: req.minimum_session_token_size,
        };
        Ok(Planned::new(plan).proven(principal).checks(checks))
    }

    async fn handle(
        &self,
        cx: &Cx<NoCaller>,
        tx: &mut Tx,
        SamlSession { assertion, subject, session, digest, expires, minimum_size }: SamlSession,
    ) -> Result<AssumeRoleWithSamlResponse> {
        if !tx.use_saml_assertion(&digest, expires, cx.now()).await? {
            let message = "The SAML assertion was used before: each is accepted once";
            return Err(IamError::new(ErrorCode::InvalidIdentityToken, message));
        }
        let issued = session.issue(cx, tx, minimum_size).await?;
        Ok(AssumeRoleWithSamlResponse {
            credentials: Some(issued.credentials),
            assumed_role_user: Some(issued.user),
            packed_policy_size: issued.packed_policy_size,
            subject: Some(assertion.subject.value),
            subject_type: Some(subject.subject_type),
            issuer: Some(assertion.issuer),
            audience: Some(assertion.recipient),
            name_qualifier: Some(subject.name_qualifier),
            source_identity: issued.source_identity,
            session_token_utilization: issued.packed_policy_size,
            session_token_size: issued.token_size,
            trusted_identity_propagation_context: None,
        })
    }
}

/// The session that an assertion is presented for.
#[derive(Debug)]
pub struct SamlSession {
    assertion: SamlAssertion,
    subject: SubjectKeys,
    session: NewRoleSession,
    digest: [u8; 32],
    expires: Timestamp,
    minimum_size: Option<i32>,
}

#[cfg(test)]
mod tests;
