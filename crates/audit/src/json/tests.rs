use std::sync::Arc;

use bailiwick_api::{iam, sts};
use bailiwick_model::{AccessKeyId, AccessKeyKind, AccountId, IdKind, Path, SessionName, UniqueId, UserName};
use bailiwick_operation::{
    Caller, CheckRecord, ContextRecord, Credential, DecisionRecord, Delegation, FederatedPrincipal, Federation,
    FederationIssuer, Principal, Session, SessionKind, SessionRecord, UnsignedCaller,
};
use jiff::Timestamp;
use prost::Message as _;
use prost_types::Timestamp as Date;
use serde_json::{Value, json};

use super::*;
use crate::RecordedCall;
use crate::tests::{decided, event, only, request, root};
use crate::{Event, EventKind, Unroutable};

fn shown(event: &Event<'_>) -> Value {
    let mut text = String::new();
    line(&mut text, &only(event), 7, "abc");
    serde_json::from_str(&text).unwrap()
}

fn operation(name: &str) -> EventKind<'static> {
    EventKind::Operation(find_operation(name).unwrap())
}

#[test]
fn a_record_is_a_cloudtrail_line_with_its_chain() {
    let (request, root) = (request("cli \"quoted\" \\ \u{2028}"), root());
    let tags = vec![iam::Tag { key: Some("a".into()), value: Some("line\nbreak".into()) }, iam::Tag::default()];
    let asked = iam::CreateUserRequest { user_name: Some("Bob".into()), tags, ..Default::default() }.encode_to_vec();
    let user = iam::User {
        user_name: Some("Bob".into()),
        create_date: Some(Date { seconds: 1_767_323_045, nanos: 5 }),
        ..Default::default()
    };
    let answered = iam::CreateUserResponse { user: Some(user) }.encode_to_vec();
    let shown = shown(&Event {
        caller: Some(&root),
        parameters: &asked,
        response: &answered,
        resource: Some("arn:aws:iam::111122223333:user/Bob"),
        ..event(&request)
    });
    assert_eq!(
        shown,
        json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "Root", "principalId": "111122223333", "arn": "arn:aws:iam::111122223333:root",
                "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLEEXAMPLE00",
            },
            "eventTime": "1970-01-01T00:00:00.000000Z",
            "eventSource": "iam.amazonaws.com",
            "eventName": "CreateUser",
            "sourceIPAddress": "192.0.2.1",
            "userAgent": "cli \"quoted\" \\ \u{2028}",
            "requestParameters": {"userName": "Bob", "tags": [{"key": "a", "value": "line\nbreak"}, {}]},
            "responseElements": {"user": {"userName": "Bob", "createDate": "2026-01-02T03:04:05Z"}},
            "requestID": "00000000-0000-4000-8000-000000000007",
            "eventID": "00000000-0000-4000-8000-000000000000",
            "readOnly": false,
            "resources": [{"ARN": "arn:aws:iam::111122223333:user/Bob"}],
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": "111122223333",
            "eventCategory": "Management",
            "tlsDetails": {},
            "sequence": 7,
            "previousSha256": "abc",
        })
    );
}

#[test]
fn a_federated_user_has_its_issuer() {
    let account = AccountId::parse("111122223333").unwrap();
    let key = AccessKeyId::new(AccessKeyKind::Temporary, account, [1; 6]);
    for (issuer, expected) in [
        (
            Some(FederationIssuer {
                id: UniqueId::new(IdKind::User, [1; 17]),
                name: UserName::parse("Ana").unwrap(),
                path: Path::parse("/a/").unwrap(),
            }),
            json!({"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/a/Ana", "userName": "Ana"}),
        ),
        (None, json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root"})),
    ] {
        let now = Timestamp::from_second(60).unwrap();
        let caller = Arc::new(Caller {
            principal: Principal::FederatedUser { account, issuer, name: SessionName::parse("guest").unwrap() },
            credential: Credential::AccessKey(key.clone()),
            session: Some(Arc::new(Session::new(SessionKind::FederationToken, key.clone(), now, now))),
            mfa: None,
        });
        let shown = shown(&Event { caller: Some(&caller), ..event(&request("cli")) });
        assert_eq!(
            shown["userIdentity"],
            json!({
                "type": "FederatedUser", "principalId": "111122223333:guest", "accountId": "111122223333",
                "arn": "arn:aws:sts::111122223333:federated-user/guest", "accessKeyId": key.to_string(),
                "sessionContext": {
                    "sessionIssuer": expected,
                    "attributes": {"creationDate": "1970-01-01T00:01:00Z", "mfaAuthenticated": "false"},
                },
            })
        );
    }
}

#[test]
fn delegated_access_names_the_account_that_uses_it() {
    let account = |id| AccountId::parse(id).unwrap();
    let key = AccessKeyId::new(AccessKeyKind::Temporary, account("111122223333"), [1; 6]);
    let now = Timestamp::from_second(60).unwrap();
    let delegation = Delegation {
        request: "0b9f6a3e-5d2b-4c3e-9a51-6a1d2f3c4b5a".into(),
        requestor: account("444455556666"),
        access_key_id: key.clone(),
    };
    let session = Session::new(SessionKind::Delegated, key.clone(), now, now);
    let caller = Arc::new(Caller {
        principal: Principal::Root { account: account("111122223333") },
        credential: Credential::AccessKey(key.clone()),
        session: Some(Arc::new(Session { delegation: Some(delegation), ..session })),
        mfa: None,
    });
    let shown = shown(&Event { caller: Some(&caller), ..event(&request("cli")) });
    let identity = &shown["userIdentity"];
    assert_eq!((&identity["type"], &identity["accountId"]), (&json!("Root"), &json!("111122223333")));
    assert_eq!(identity["invokedByDelegate"], json!({"accountId": "444455556666"}));
}

#[test]
fn maps_numbers_and_secrets() {
    let request = request("cli");
    let context = sts::TransactionContext { identity_provider: [("team".to_owned(), "hush".to_owned())].into() };
    let context = sts::TrustedIdentityPropagationContext { transaction_context: Some(context), ..Default::default() };
    let answer = sts::AssumeRoleWithSamlResponse {
        packed_policy_size: Some(-1),
        trusted_identity_propagation_context: Some(context),
        ..Default::default()
    };
    let of_saml =
        shown(&Event { kind: operation("AssumeRoleWithSAML"), response: &answer.encode_to_vec(), ..event(&request) });
    assert_eq!(
        of_saml["responseElements"],
        json!({
            "packedPolicySize": -1,
            "trustedIdentityPropagationContext": {"transactionContext": {"identityProvider": {"team": "[redacted]"}}},
        })
    );
    let value = iam::ReplacementValueEntry { values: vec!["x".into(), "y".into()] };
    let acquired =
        iam::AcquireRoleRequest { replacement_values: [("a\"b".to_owned(), value)].into(), ..Default::default() };
    let acquired = acquired.encode_to_vec();
    let shown = shown(&Event { kind: operation("AcquireRole"), parameters: &acquired, ..event(&request) });
    assert_eq!(shown["requestParameters"], json!({"replacementValues": {"a\"b": {"values": ["x", "y"]}}}));
}

#[test]
fn members_unknown_to_cloudtrail_are_additional() {
    let request = request("cli");
    let kind = EventKind::Unroutable(Unroutable { method: "PUT", path: "/bucket" });
    let refused = shown(&Event { kind, suppressed: 3, ..event(&request) });
    assert_eq!(refused["additionalEventData"], json!({"request": "PUT /bucket", "suppressed": 3}));
    assert_eq!((&refused["eventSource"], &refused["requestParameters"]), (&json!("bailiwick"), &Value::Null));
    let decision = shown(&Event { kind: operation("Authorize"), ..event(&request) });
    assert_eq!((&decision["eventCategory"], &decision["managementEvent"]), (&json!("Decision"), &json!(false)));
    assert_eq!(decision["userIdentity"], json!({"type": "Unknown"}));
    assert_eq!(decision.get("additionalEventData"), None);
}

#[test]
fn the_deciding_statement_is_on_record() {
    let request = request("cli");
    let decided = decided();
    let allowed = shown(&Event { decision: Some(&decided), ..event(&request) });
    let expected = json!({
        "outcome": "ALLOW", "step": "IDENTITY_POLICY", "action": "iam:CreateUser", "policyType": "IDENTITY_BASED_POLICY",
        "statement": {
            "policy": "arn:aws:iam::111122223333:policy/Users", "attachedTo": "arn:aws:iam::111122223333:group/Staff",
            "version": "v3", "sid": "Create", "index": 2,
        },
    });
    assert_eq!(allowed["additionalEventData"], json!({ "decision": expected }));
    let denied = DecisionRecord {
        outcome: "IMPLICIT_DENY".into(),
        resource: "arn:aws:iam::111122223333:role/\"R\"".into(),
        statement: None,
        ..decided
    };
    let denied = shown(&Event { decision: Some(&denied), ..event(&request) });
    let expected = json!({
        "outcome": "IMPLICIT_DENY", "step": "IDENTITY_POLICY", "action": "iam:CreateUser",
        "resource": "arn:aws:iam::111122223333:role/\"R\"", "policyType": "IDENTITY_BASED_POLICY",
    });
    assert_eq!(denied["additionalEventData"], json!({ "decision": expected }));
}

#[test]
fn the_checks_of_a_call_are_read_again() {
    let key = |name: &str, values: &[&str], is_list| ContextRecord {
        name: name.into(),
        values: values.iter().map(|value| (*value).into()).collect(),
        is_list,
    };
    let first = CheckRecord {
        action: "iam:CreateUser".into(),
        context: vec![key("aws:RequestTag/\"a", &["b"], false), key("aws:TagKeys", &["\"a"], true)],
        own_password: true,
        ..CheckRecord::default()
    };
    let second = CheckRecord {
        action: "iam:TagUser".into(),
        resource: "arn:aws:iam::111122223333:user/x".into(),
        resource_account: "444455556666".into(),
        second_factor: true,
        incomplete: true,
        ..CheckRecord::default()
    };
    let session = SessionRecord { issued: 5, mfa: 6, source_identity: "ada".into(), limited: true, other_keys: true };
    let decided = DecisionRecord {
        principal_id: "AIDAX".into(),
        checks: vec![first, second],
        more_checks: 2,
        session: Some(session),
        ..decided()
    };
    let request = request("cli");
    let resource = Some("arn:aws:iam::111122223333:user/y");
    let line = shown(&Event { decision: Some(&decided), resource, ..event(&request) });
    assert_eq!(
        line["additionalEventData"]["decision"]["checks"],
        json!([
            {"action": "iam:CreateUser", "context": {"aws:RequestTag/\"a": "b", "aws:TagKeys": ["\"a"]}, "ownPassword": true},
            {
                "action": "iam:TagUser", "resource": "arn:aws:iam::111122223333:user/x", "resourceAccount": "444455556666",
                "secondFactor": true, "incomplete": true,
            },
        ])
    );
    let call = RecordedCall::read(&line.to_string()).unwrap();
    let read = call.decision().unwrap();
    assert_eq!(
        read.checks.iter().map(|check| call.resource_of(check)).collect::<Vec<_>>(),
        ["arn:aws:iam::111122223333:user/y", "arn:aws:iam::111122223333:user/x"]
    );
    let session = read.session.as_ref().unwrap();
    assert_eq!((session.issued, session.mfa, session.limited, session.other_keys), (5, 6, true, true));
    assert_eq!((&*read.principal_id, &*session.source_identity, read.more_checks), ("AIDAX", "ada", 2));
}

#[test]
fn callers_without_a_signature_have_cloudtrails_types() {
    let request = request("cli");
    let principal = |kind| {
        UnsignedCaller::Federated(Arc::new(FederatedPrincipal {
            kind,
            provider: "arn:aws:iam::111122223333:saml-provider/idp".into(),
            issuer: "https://idp.example.com".into(),
            id: "qualifier:heron".into(),
            name: "heron".into(),
        }))
    };
    let federated = |kind: &str| json!({"type": kind, "principalId": "qualifier:heron", "userName": "heron", "identityProvider": "https://idp.example.com"});
    for (caller, expected) in [
        (
            UnsignedCaller::Anonymous,
            json!({"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}),
        ),
        (principal(Federation::Saml), federated("SAMLUser")),
        (principal(Federation::WebIdentity), federated("WebIdentityUser")),
    ] {
        let shown = shown(&Event { unsigned: Some(&caller), ..event(&request) });
        assert_eq!(shown["userIdentity"], expected);
        assert_eq!(shown["recipientAccountId"], Value::Null);
    }
}

#[test]
fn texts_are_the_strings_that_a_json_parser_reads() {
    let check = |text: &str| {
        let mut quoted = String::new();
        Json { text: &mut quoted }.quote(text);
        assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text, "{quoted}");
        let is_safe = |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
        assert!(quoted.chars().all(is_safe), "{quoted:?}");
    };
    // Before, at and behind the borders of the pieces that are tested at once.
    for special in ["\"", "\\", "\n", "\u{7f}", "\u{85}", "\u{2028}", "é", "\u{1f600}", ""] {
        for before in [0, 1, 14, 15, 16, 17, 31, 32, 47] {
            for after in [0, 1, 15, 16, 33] {
                check(&format!("{}{special}{}", "a".repeat(before), "~ ".repeat(after)));
            }
        }
    }
}
