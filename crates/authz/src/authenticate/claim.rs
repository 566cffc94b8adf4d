//! The claim of a question or a received request about its caller, and the permissions that the asking service needs
//! for it.

use bailiwick_model::{AccessKeyId, AccountId, Arn};
use bailiwick_operation::{Check, Cx};
use bailiwick_snapshot::Snapshot;

/// The context key that has the account of the question's caller.
const PRINCIPAL_ACCOUNT: &str = "bailiwick:PrincipalAccount";
/// The context key that has the service that the question is for.
const SERVICE_PREFIX: &str = "bailiwick:ServicePrefix";

/// The unproven claim of a question about its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) account: Option<AccountId>,
    /// The resource of `bailiwick:AuthorizeAs` and its owner, if the caller is named without proof.
    pub(crate) unproven: Option<(String, AccountId)>,
}

impl Claim {
    /// A claim that names no principal.
    pub(crate) fn without_principal() -> Self {
        Self::of_account(None)
    }

    /// A claim that has proof, about a principal of an account.
    pub(crate) fn of_account(account: Option<AccountId>) -> Self {
        Claim { account, unproven: None }
    }

    /// A claim about the principal of an ARN, without proof.
    pub(crate) fn of_arn(arn: &Arn, account: AccountId) -> Self {
        Claim { account: Some(account), unproven: Some((arn.as_str().to_owned(), account)) }
    }

    /// The checks of the asking service: the action on the service that it asks for, in its own account.
    pub(crate) fn checks(&self, cx: &Cx, action: &'static str, service: &str) -> Vec<Check> {
        self.checks_in(cx, action, service, cx.account())
    }

    /// The same in a given account, which must allow it too.
    pub(crate) fn checks_in(&self, cx: &Cx, action: &'static str, service: &str, owner: AccountId) -> Vec<Check> {
        let service = service.to_ascii_lowercase();
        let on = Arn::of(cx.partition(), "bailiwick", owner, format_args!("service/{service}"));
        let keys = |check: Check| {
            let account = self.account.map(|account| account.to_string());
            check.key(SERVICE_PREFIX, service.as_str()).key_if(PRINCIPAL_ACCOUNT, account)
        };
        let mut checks = vec![keys(Check::new(action, &on))];
        if let Some((resource, owner)) = &self.unproven {
            let mut check = Check::without_resource("bailiwick:AuthorizeAs", *owner);
            check.resource.clone_from(resource);
            checks.push(keys(check));
        }
        checks
    }
}

/// The account that an access key claims: that of the record of a long-term key, that in the id of a temporary key.
pub(crate) fn account_of_key(snapshot: &Snapshot, id: &str, is_temporary: bool) -> Option<AccountId> {
    if is_temporary {
        return AccessKeyId::parse(id).ok()?.account();
    }
    snapshot.access_key(id).map(|key| key.account)
}
