//! The credential rules of an account: when its access keys and passwords end by themselves.

use bailiwick_api::{account as pb, op};
use bailiwick_model::Result;
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::{CredentialRules, Tx};

use crate::{Directory, view};

/// The days of warning unless the rules say otherwise.
const WARNING_DAYS: u32 = 14;

/// Replaces the credential rules. Changed rules begin to count now, so that they disable nothing without a warning.
impl Handle<op::PutCredentialRules> for Directory {
    type Plan = CredentialRules;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::PutCredentialRulesRequest) -> Result<Planned<CredentialRules>> {
        let given = req.rules.unwrap_or_default();
        // Validation has refused numbers that are out of range.
        let number = |member: Option<i32>| member.and_then(|number| u32::try_from(number).ok());
        let rules = CredentialRules {
            access_key_max_age_days: number(given.access_key_max_age_days),
            access_key_unused_days: number(given.access_key_unused_days),
            password_unused_days: number(given.password_unused_days),
            warning_days: number(given.warning_days).unwrap_or(WARNING_DAYS),
            exempt_tag: given.exempt_tag,
            include_root: given.include_root.unwrap_or(false),
            since: cx.date(),
        };
        Ok(Planned::new(rules).check(Check::without_resource("bailiwick:PutCredentialRules", cx.account())))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, mut rules: CredentialRules) -> Result<pb::PutCredentialRulesResponse> {
        if let Some(old) = tx.account_setting::<CredentialRules>(cx.account()).await? {
            let same = CredentialRules { since: old.since, ..rules.clone() };
            if same == old {
                rules = old;
            }
        }
        tx.put_account_setting(cx.account(), &rules).await?;
        Ok(pb::PutCredentialRulesResponse { update_date: view::date(rules.since), rules: Some(shown(rules)) })
    }
}

/// Shows the credential rules; without any, the default of `warning_days` alone.
impl Handle<op::GetCredentialRules> for Directory {
    type Plan = ();

    async fn plan(&self, cx: &Cx, _: &mut Tx, _: pb::GetCredentialRulesRequest) -> Result<Planned<()>> {
        Ok(Planned::new(()).check(Check::without_resource("bailiwick:GetCredentialRules", cx.account())))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::GetCredentialRulesResponse> {
        let rules = tx.account_setting::<CredentialRules>(cx.account()).await?;
        let update_date = rules.as_ref().and_then(|rules| view::date(rules.since));
        let none = || pb::CredentialRules { warning_days: days(WARNING_DAYS), ..Default::default() };
        Ok(pb::GetCredentialRulesResponse { rules: Some(rules.map_or_else(none, shown)), update_date })
    }
}

fn shown(rules: CredentialRules) -> pb::CredentialRules {
    pb::CredentialRules {
        access_key_max_age_days: rules.access_key_max_age_days.and_then(days),
        access_key_unused_days: rules.access_key_unused_days.and_then(days),
        password_unused_days: rules.password_unused_days.and_then(days),
        warning_days: days(rules.warning_days),
        exempt_tag: rules.exempt_tag,
        include_root: Some(rules.include_root),
    }
}

fn days(days: u32) -> Option<i32> {
    i32::try_from(days).ok()
}

#[cfg(test)]
mod tests;
