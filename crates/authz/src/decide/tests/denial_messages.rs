//! Encoded messages about denials: who can decode them, and what they contain.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{
    Anonymous, AuthorizeItem, AuthorizeRequest, AuthorizeResponse, BatchAuthorizeRequest, ContextEntry, ContextType,
    Decision, PutResourcePolicyRequest, ResourceTag, TagResourceRequest,
};
use bailiwick_api::op;
use bailiwick_operation::SessionPolicyRef;
use bailiwick_sts::AuthorizationMessages;
use serde_json::{Value, json};

use crate::tests::*;

const TEAM_IS_RED: &str = r#"{"StringEquals":{"aws:ResourceTag/Team":"red"}}"#;

fn album(of: &str) -> String {
    format!("arn:aws:photos:eu-central-1:{of}:album/1")
}

fn asked(who: Who, resource: &str) -> AuthorizeRequest {
    AuthorizeRequest { encode_denial: true, ..question(who, "photos:GetAlbum", resource) }
}

impl TestEnv {
    fn decode(&self, of: &str, encoded: &str) -> Option<Value> {
        let decoded = AuthorizationMessages::of(&self.deployment).decode(account(of), encoded, self.now())?;
        Some(serde_json::from_str(&decoded).unwrap())
    }

    /// Asks, also in a batch, and returns the response with the decoded message.
    async fn denied(&self, asker: &Authenticated, of: &str, req: AuthorizeRequest) -> (AuthorizeResponse, Value) {
        let item = AuthorizeItem {
            action: req.action.clone(),
            resource: req.resource.clone(),
            context: req.context.clone(),
            resource_policy: req.resource_policy.clone(),
            ..Default::default()
        };
        let batch = BatchAuthorizeRequest {
            caller: req.caller.clone(),
            items: vec![item],
            encode_denials: true,
            ..Default::default()
        };
        let response = self.ask(asker, req).await.unwrap();
        assert_ne!(response.decision(), Decision::Allow);
        let message = self.decode(of, response.encoded_message.as_deref().unwrap()).unwrap();
        let result = self.call::<op::BatchAuthorize>(asker, batch).await.unwrap().results.remove(0);
        assert_eq!(self.decode(of, result.encoded_message.as_deref().unwrap()).unwrap(), message);
        for other in [MAIN, OTHER, THIRD] {
            let decoded = self.decode(other, response.encoded_message.as_deref().unwrap());
            assert_eq!(decoded.is_some(), other == of, "only the principal's account decodes it");
        }
        (response, message)
    }

    async fn service_in(&self, of: &str) -> Authenticated {
        let user = self.user(of, "gateway", &allow("*", "*")).await;
        self.prove(&self.key(of, Some(&user)).await).await.unwrap()
    }

    fn signed(&self, key: &Key) -> Who {
        Who::SignedRequest(TestRequest::new("photos", "GET", "/", "", b"").sign(self, key, "eu-west-1").to_proto())
    }
}

/// The values of a condition key in a message.
fn condition<'v>(message: &'v Value, key: &str) -> Vec<&'v str> {
    let items = message["context"]["conditions"]["items"].as_array().unwrap();
    let found = items.iter().find(|item| item["key"] == key);
    found.map_or_else(Vec::new, |item| {
        item["values"]["items"].as_array().unwrap().iter().map(|value| value["value"].as_str().unwrap()).collect()
    })
}

#[tokio::test]
async fn a_message_says_who_asked_for_what_and_what_denied() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let deny = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"*","Resource":"*"},
        {"Sid":"NoAlbums","Effect":"Deny","Action":["photos:Get*"],"NotResource":"arn:aws:photos:*:*:film/*",
         "Condition":{"StringEquals":{"photos:Size":["large","huge"]}}}]}"#;
    let bob = env.user(MAIN, "Bob", deny).await;
    let key = env.key(MAIN, Some(&bob)).await;
    let context = vec![
        entry("photos:Size", ContextType::String, &["large"]),
        entry("aws:SourceIp", ContextType::Ip, &["192.0.2.1"]),
    ];
    let req = AuthorizeRequest { context, ..asked(env.signed(&key), &album(MAIN)) };
    let (_, message) = env.denied(&service, MAIN, req).await;
    let id = bob.id.as_str();
    assert_eq!(message["allowed"], false);
    assert_eq!(message["explicitDeny"], true);
    assert_eq!(message["failures"], json!({"items": []}));
    assert_eq!(
        message["matchedStatements"],
        json!({"items": [{
            "statementId": "NoAlbums",
            "effect": "DENY",
            "principals": {"items": [{"value": id}]},
            "principalGroups": {"items": []},
            "actions": {"items": [{"value": "photos:Get*"}]},
            "notResources": {"items": [{"value": "arn:aws:photos:*:*:film/*"}]},
            "conditions": {"items": [{"key": "photos:Size", "values": {"items": [{"value": "large"}, {"value": "huge"}]}}]},
        }]})
    );
    let context = &message["context"];
    assert_eq!(context["principal"], json!({"id": id, "name": "Bob", "arn": "arn:aws:iam::111122223333:user/Bob"}));
    assert_eq!((&context["action"], &context["resource"]), (&json!("photos:GetAlbum"), &json!(album(MAIN))));
    for (key, values) in [
        ("photos:Size", vec!["large"]),
        ("aws:SourceIp", vec!["192.0.2.1"]),
        ("aws:PrincipalArn", vec!["arn:aws:iam::111122223333:user/Bob"]),
        ("aws:username", vec!["Bob"]),
        ("aws:PrincipalType", vec!["User"]),
        ("aws:ResourceAccount", vec![MAIN]),
        ("aws:TokenIssueTime", vec![]),
    ] {
        assert_eq!(condition(&message, key), values, "{key}");
    }
}

#[tokio::test]
async fn a_message_names_the_statement_of_a_group_or_session() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let deny = |sid: &str| statement("Deny", "photos:*", "*", "{}").replace("S1", sid);
    let ann = env.user(MAIN, "Ann", "").await;
    let eve = env.user(MAIN, "Eve", "").await;
    let group = env.group("Readers", &deny("OfGroup"), &[&ann]).await;
    let role = env.role(MAIN, "Role", "{}", &allow("*", "*")).await;
    let managed = env.managed("NoPhotos", &deny("OfManaged")).await;
    let managed: Vec<SessionPolicyRef> = vec![env.bound(&managed)];
    let session = env.session(&role, "dive", |session| {
        session.managed_policies = managed;
        session.tags = Tags::parse([("Nest", "own")]).unwrap();
    });
    for (name, key, explicit, sid, principals, groups) in [
        ("a group", env.key(MAIN, Some(&ann)).await, true, "OfGroup", "", group.id.as_str()),
        ("a session policy", session, true, "OfManaged", role.id.as_str(), ""),
        ("nothing allows", env.key(MAIN, Some(&eve)).await, false, "", "", ""),
    ] {
        let (_, message) = env.denied(&service, MAIN, asked(env.signed(&key), &album(MAIN))).await;
        assert_eq!(message["explicitDeny"], explicit, "{name}");
        let matched = &message["matchedStatements"]["items"];
        assert_eq!(matched.as_array().unwrap().len(), usize::from(explicit), "{name}");
        let first = |member: &str| matched[0][member]["items"][0]["value"].as_str().unwrap_or_default().to_owned();
        let said =
            (matched[0]["statementId"].as_str().unwrap_or_default(), first("principals"), first("principalGroups"));
        assert_eq!(said, (sid, principals.to_owned(), groups.to_owned()), "{name}");
        let nest = if name == "a session policy" { vec!["own"] } else { vec![] };
        assert_eq!(condition(&message, "aws:PrincipalTag/Nest"), nest, "{name}");
    }
}

#[tokio::test]
async fn only_denials_of_principals_with_an_account_have_a_message() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    env.user(MAIN, "Bob", &allow("photos:*", "*")).await;
    let bob = format!("arn:aws:iam::{MAIN}:user/Bob");
    for (name, req) in [
        ("allowed", asked(Who::PrincipalArn(bob.clone()), &album(MAIN))),
        ("not asked for", question(Who::PrincipalArn(bob), "films:Get", &album(MAIN))),
        ("anonymous", asked(Who::Anonymous(Anonymous {}), &album(MAIN))),
        ("a service", asked(Who::ServicePrincipal("photos.example.com".into()), &album(MAIN))),
    ] {
        let response = env.ask(&service, req).await.unwrap();
        assert_eq!(response.encoded_message, None, "{name}");
    }
}

/// Names, Sids and values of the resource's account: a message for another account must not have any.
const HIDDEN: [&str; 3] = ["Hidden", "blue", "\"red\""];

#[tokio::test]
async fn a_message_has_nothing_of_other_accounts() {
    let env = TestEnv::new().await;
    let (owner, management) = (env.service_in(THIRD).await, env.service().await);
    let everything = allow("*", "*");
    let unless_red = statement("Deny", "photos:*", "*", TEAM_IS_RED).replace("S1", "RedOnly");
    let ann = env.user(OTHER, "Ann", &everything).await;
    let ann = env.key(OTHER, Some(&ann)).await;
    let eve = env.user(OTHER, "Eve", &unless_red).await;
    let eve = env.key(OTHER, Some(&eve)).await;
    // The stored policy denies, and the stored tags make the policy of Eve deny.
    let tags = vec![ResourceTag { key: Some("Team".into()), value: Some("red".into()) }];
    let req = TagResourceRequest { resource_arn: Some(album(THIRD)), tags };
    env.change::<op::TagResource>(&owner, req).await.unwrap();
    let policy = r#"{"Version":"2012-10-17","Statement":{"Sid":"Hidden","Effect":"Deny","Principal":"*","Action":"photos:*","Resource":"*"}}"#;
    let req = PutResourcePolicyRequest { resource_arn: Some(album(THIRD)), policy: Some(policy.into()) };
    env.change::<op::PutResourcePolicy>(&owner, req).await.unwrap();
    for (name, asker) in [("the resource's account", &owner), ("the management account", &management)] {
        for (who, key) in [("Ann", &ann), ("Eve", &eve)] {
            let (_, message) = env.denied(asker, OTHER, asked(env.signed(key), &album(THIRD))).await;
            assert_eq!(message["matchedStatements"], json!({"items": []}), "{who} of {name}");
            let text = message.to_string();
            assert!(HIDDEN.iter().all(|hidden| !text.contains(hidden)), "{who} of {name}: {text}");
        }
    }
    // Given policies and tags belong to the service that gave them.
    let context = vec![
        entry("aws:ResourceTag/Team", ContextType::String, &["blue"]),
        entry("photos:ExistingObjectTag/Team", ContextType::String, &["blue"]),
        entry("aws:RequestTag/Nest", ContextType::String, &["own"]),
    ];
    let film = album(THIRD).replace("album", "film");
    let req = AuthorizeRequest {
        context,
        resource_policy: Some(policy.into()),
        resource: film,
        ..asked(env.signed(&ann), &album(THIRD))
    };
    let (response, message) = env.denied(&owner, OTHER, req.clone()).await;
    assert_eq!(response.decision(), Decision::ExplicitDeny);
    assert_eq!(message["matchedStatements"], json!({"items": []}));
    assert_eq!(condition(&message, "aws:RequestTag/Nest"), ["own"]);
    let text = message.to_string();
    assert!(HIDDEN.iter().all(|hidden| !text.contains(hidden)), "{text}");
    // The principal's own account sees its own.
    let own = env.service_in(OTHER).await;
    let req = AuthorizeRequest { resource: album(OTHER), ..req };
    let (_, message) = env.denied(&own, OTHER, req).await;
    assert_eq!(message["matchedStatements"]["items"][0]["statementId"], "Hidden");
    assert_eq!(condition(&message, "aws:ResourceTag/Team"), ["blue"]);
}

#[tokio::test]
async fn the_length_shows_other_accounts_nothing() {
    let env = TestEnv::new().await;
    let (foreign, own) = (env.service_in(THIRD).await, env.service_in(OTHER).await);
    let long = statement("Deny", "photos:*", "*", "{}").replace("S1", &"LongStatementId".repeat(10));
    let (short, long) = (env.user(OTHER, "Ann", "").await, env.user(OTHER, "Eve", &long).await);
    let keys = [env.key(OTHER, Some(&short)).await, env.key(OTHER, Some(&long)).await];
    let mut lengths = Vec::new();
    for (asker, of) in [(&foreign, THIRD), (&own, OTHER)] {
        for key in &keys {
            let (response, _) = env.denied(asker, OTHER, asked(env.signed(key), &album(of))).await;
            lengths.push(response.encoded_message.unwrap().len());
        }
    }
    assert_eq!(lengths[0], lengths[1], "the service of another account");
    assert!(lengths[2] < lengths[3], "the account's own service");
}

#[tokio::test]
async fn a_large_context_is_cut_and_a_large_statement_left_out() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let resources: Vec<String> =
        (0..100).map(|n| format!("\"arn:aws:photos:*:*:album/{n}{}\"", "x".repeat(40))).collect();
    let large = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Sid":"Large","Effect":"Deny","Action":"photos:*","Resource":[{},"*"]}}}}"#,
        resources.join(",")
    );
    let bob = env.user(MAIN, "Bob", &large).await;
    let key = env.key(MAIN, Some(&bob)).await;
    let entry_of = |n: usize, length: usize| -> ContextEntry {
        entry(&format!("photos:Key{n}"), ContextType::StringList, &["y".repeat(length).as_str(), "z"])
    };
    let context = vec![entry_of(0, 100_000), entry_of(1, 100), entry_of(2, 7_000), entry_of(3, 100)];
    let req = AuthorizeRequest { context, ..asked(env.signed(&key), &album(MAIN)) };
    let (response, message) = env.denied(&service, MAIN, req).await;
    assert!(response.encoded_message.unwrap().len() <= 10_240);
    assert_eq!(message["explicitDeny"], true);
    assert_eq!(message["matchedStatements"], json!({"items": []}));
    let has = |n: usize| !condition(&message, &format!("photos:Key{n}")).is_empty();
    assert_eq!([has(0), has(1), has(2), has(3)], [false, true, false, true]);
    // Without room for the resource there is no message.
    let req = asked(env.signed(&key), &format!("{}/{}", album(MAIN), "\"\u{e9}".repeat(2_400)));
    assert_eq!(env.ask(&service, req).await.unwrap().encoded_message, None);
}
