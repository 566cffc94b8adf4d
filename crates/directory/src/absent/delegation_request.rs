//! Delegation requests: there are none.

use super::{Place, absent, missing, text};

absent! {
    list ListDelegationRequests |req| Place::Account;
    get GetDelegationRequest AcceptDelegationRequest AssociateDelegationRequest RejectDelegationRequest
        SendDelegationToken UpdateDelegationRequest
        |req| named(&req.delegation_request_id) => |_, req| unknown(&req.delegation_request_id);
    get GetHumanReadableSummary |req| Place::Account => |_, req| unknown(&req.entity_arn);
}

fn named(id: &Option<String>) -> Place<'_> {
    Place::Named("delegation-request", "delegationRequestId", id)
}

fn unknown(id: &Option<String>) -> bailiwick_model::IamError {
    missing(format!("The delegation request {} cannot be found.", text(id)))
}
