//! Identity providers outside of the deployment, which trust policies name.

use bailiwick_model::{Arn, Result};
use bailiwick_operation::Cx;
use bailiwick_storage::{SessionRevocation, Tx};
use jiff::Timestamp;

mod arn;
mod oidc;
mod oidc_settings;
mod saml;
mod saml_keys;
mod saml_update;

/// Ends the sessions that came through an earlier provider of this ARN, with one that is created now. Its time of creation
/// alone would not do, since sessions are issued by servers with other clocks.
async fn end_earlier_sessions(cx: &Cx, tx: &mut Tx, arn: &Arn, created: Timestamp) -> Result<()> {
    let revocation = SessionRevocation::before(created, cx.position());
    tx.revoke_sessions(cx.account(), arn.resource(), revocation).await
}
