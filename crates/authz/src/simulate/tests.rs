//! Trying policies without acting.

use bailiwick_api::iam::{
    ContextEntry, EvaluationResult, SimulateCustomPolicyRequest, SimulateCustomPolicyResponse,
    SimulatePrincipalPolicyRequest,
};
use bailiwick_api::op;

use crate::tests::*;

mod organization;
mod principals;

const ALICE: &str = "arn:aws:iam::111122223333:user/Alice";

fn custom(policies: &[&str], actions: &[&str], resources: &[&str]) -> SimulateCustomPolicyRequest {
    SimulateCustomPolicyRequest {
        policy_input_list: strings(policies),
        action_names: strings(actions),
        resource_arns: strings(resources),
        ..SimulateCustomPolicyRequest::default()
    }
}

fn of(source: &str, actions: &[&str], resources: &[&str]) -> SimulatePrincipalPolicyRequest {
    SimulatePrincipalPolicyRequest {
        policy_source_arn: Some(source.into()),
        action_names: strings(actions),
        resource_arns: strings(resources),
        ..SimulatePrincipalPolicyRequest::default()
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn entry(key: &str, kind: Option<&str>, values: &[&str]) -> ContextEntry {
    ContextEntry {
        context_key_name: Some(key.into()),
        context_key_type: kind.map(str::to_owned),
        context_key_values: strings(values),
    }
}

fn decision(result: &EvaluationResult) -> &str {
    result.eval_decision.as_deref().unwrap()
}

/// A decision, and the statements that made it.
type Said = (&'static str, Vec<String>);

/// Source and type of the statements that decided.
fn matched(result: &EvaluationResult) -> Vec<String> {
    answered(&result.matched_statements)
}

fn answered(statements: &[bailiwick_api::iam::Statement]) -> Vec<String> {
    let answered = |s: &bailiwick_api::iam::Statement| {
        format!("{} ({})", s.source_policy_id.as_deref().unwrap(), s.source_policy_type.as_deref().unwrap())
    };
    statements.iter().map(answered).collect()
}

/// An environment with a user who may simulate.
struct SimulationEnv {
    env: TestEnv,
    director: Authenticated,
}

impl SimulationEnv {
    async fn new() -> SimulationEnv {
        let env = TestEnv::new().await;
        let user = env.user(MAIN, "director", &allow("iam:*", "*")).await;
        let director = env.prove(&env.key(MAIN, Some(&user)).await).await.unwrap();
        SimulationEnv { env, director }
    }

    async fn custom(&self, request: SimulateCustomPolicyRequest) -> Result<SimulateCustomPolicyResponse> {
        self.env.call::<op::SimulateCustomPolicy>(&self.director, request).await
    }

    async fn principal(&self, request: SimulatePrincipalPolicyRequest) -> Result<Vec<EvaluationResult>> {
        let answer = self.env.call::<op::SimulatePrincipalPolicy>(&self.director, request).await?;
        Ok(answer.evaluation_results)
    }

    async fn one(&self, request: SimulateCustomPolicyRequest) -> EvaluationResult {
        self.custom(request).await.unwrap().evaluation_results.remove(0)
    }

    async fn refused(&self, request: SimulateCustomPolicyRequest) -> String {
        let error = self.custom(request).await.unwrap_err();
        assert_eq!(error.code().wire(), "InvalidInput");
        error.message().to_owned()
    }
}

#[tokio::test]
async fn each_action_has_one_result_with_one_for_each_resource() {
    let theatre = SimulationEnv::new().await;
    let get = allow("s3:Get*", "arn:aws:s3:::bank/*");
    let deny = statement("Deny", "s3:*", "arn:aws:s3:::bank/vault", "{}");
    let (letter, note, vault) = ("arn:aws:s3:::bank/letter", "arn:aws:s3:::bank/note", "arn:aws:s3:::bank/vault");
    let by = |number: u8| vec![format!("PolicyInputList.{number} (IAM Policy)")];
    let (allowed, denied, silent): (Said, Said, Said) =
        (("allowed", by(1)), ("explicitDeny", by(2)), ("implicitDeny", vec![]));
    let check = async |resources: &[&str], name: &str, expected: [(&str, &Said, &[&Said]); 2]| {
        let actions = expected.map(|(action, ..)| action);
        let answer = theatre.custom(custom(&[&get, &deny], &actions, resources)).await.unwrap();
        assert_eq!((answer.evaluation_results.len(), answer.is_truncated, answer.marker), (2, Some(false), None));
        for (result, (action, together, each)) in answer.evaluation_results.iter().zip(expected) {
            assert_eq!(
                (result.eval_action_name.as_deref(), result.eval_resource_name.as_deref()),
                (Some(action), Some(name))
            );
            assert_eq!((decision(result), matched(result)), *together, "{action} {resources:?}");
            let specific = result.resource_specific_results.iter().map(|specific| {
                let by = answered(&specific.matched_statements);
                (specific.eval_resource_name.as_deref(), (specific.eval_resource_decision.as_deref().unwrap(), by))
            });
            let expected = resources.iter().copied().map(Some).zip(each.iter().copied().cloned());
            assert_eq!(specific.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    };
    let (get, put) = ("s3:GetObject", "s3:PutObject");
    check(&[letter], letter, [(get, &allowed, &[&allowed]), (put, &silent, &[&silent])]).await;
    check(&[vault], vault, [(put, &denied, &[&denied]), (get, &denied, &[&denied])]).await;
    // Of several, the most restrictive decision counts.
    let objects = "arn:aws:s3:::${BucketName}/${KeyName}";
    check(&[letter, note], objects, [(get, &allowed, &[&allowed, &allowed]), (put, &silent, &[&silent, &silent])])
        .await;
    let mixed = [&allowed, &denied, &allowed];
    check(&[letter, vault, note], objects, [(get, &denied, &mixed), (put, &denied, &[&silent, &denied, &silent])])
        .await;
    // The statements that allow some of them are named.
    let (elsewhere, some): (&str, Said) = ("arn:aws:s3:::mill/letter", ("implicitDeny", by(1)));
    check(&[letter, elsewhere], objects, [(get, &some, &[&allowed, &silent]), (put, &silent, &[&silent, &silent])])
        .await;
    // Without resources, the resource is `*`, which a pattern of ARNs does not match.
    check(&[], "*", [(get, &silent, &[]), (put, &silent, &[])]).await;
    let result = theatre.one(custom(&[&allow("s3:*", "*")], &[get], &["*"])).await;
    assert_eq!((decision(&result), result.resource_specific_results.len()), ("allowed", 0));
}

#[tokio::test]
async fn matched_statements_have_positions() {
    let theatre = SimulationEnv::new().await;
    let text = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": \"sqs:*\", \"Resource\": \"*\"}\n  ]\n}";
    let result = theatre.one(custom(&[text], &["sqs:SendMessage"], &[])).await;
    let statement = &result.matched_statements[0];
    let place =
        |at: &Option<bailiwick_api::iam::Position>| at.as_ref().map(|at| (at.line.unwrap(), at.column.unwrap()));
    assert_eq!((place(&statement.start_position), place(&statement.end_position)), (Some((3, 17)), Some((4, 60))));
}

#[tokio::test]
async fn missing_context_keys_are_listed() {
    let theatre = SimulationEnv::new().await;
    let condition = r#"{"StringEquals":{"s3:Prefix":"${aws:username}"},"Bool":{"aws:SecureTransport":"true"}}"#;
    let policy = statement("Allow", "s3:ListBucket", "arn:aws:s3:::bank", condition);
    let bank = "arn:aws:s3:::bank";
    let check = async |context: Vec<ContextEntry>, expected: &str, missing: &[&str]| {
        let request = custom(&[&policy], &["s3:ListBucket"], &[bank]);
        let result = theatre.one(SimulateCustomPolicyRequest { context_entries: context, ..request }).await;
        let specific = &result.resource_specific_results[0];
        assert_eq!((decision(&result), &specific.missing_context_values[..]), (expected, &strings(missing)[..]));
        assert_eq!(result.missing_context_values, specific.missing_context_values);
    };
    let (secure, prefix) =
        (entry("aws:SecureTransport", Some("boolean"), &["true"]), entry("s3:prefix", Some("string"), &["eva"]));
    let name = entry("AWS:UserName", Some("string"), &["eva"]);
    check(vec![], "implicitDeny", &["s3:Prefix", "aws:username", "aws:SecureTransport"]).await;
    check(vec![secure.clone(), prefix.clone()], "implicitDeny", &["aws:username"]).await;
    check(vec![secure, prefix, name], "allowed", &[]).await;
    // Statements about something else count too, unless a statement decides.
    let result = theatre.one(custom(&[&policy], &["s3:GetObject"], &[bank])).await;
    assert_eq!(result.resource_specific_results[0].missing_context_values.len(), 3);
    let result = theatre.one(custom(&[&policy, &allow("s3:*", "*")], &["s3:GetObject"], &[bank])).await;
    assert!(result.missing_context_values.is_empty());
    let policy = statement("Deny", "sqs:*", "*", r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":"300"}}"#);
    let result = theatre.one(custom(&[&policy], &["sqs:SendMessage"], &["*"])).await;
    assert_eq!(result.missing_context_values, ["aws:MultiFactorAuthAge"]);
}

#[tokio::test]
async fn context_has_types() {
    let theatre = SimulationEnv::new().await;
    let check = async |condition: &str, entry: ContextEntry, expected: Option<&str>| {
        let policy = statement("Allow", "sqs:*", "*", condition);
        let request = custom(&[&policy], &["sqs:SendMessage"], &[]);
        let answered = format!("{condition} {entry:?}");
        let answer = theatre.custom(SimulateCustomPolicyRequest { context_entries: vec![entry], ..request }).await;
        match answer {
            Ok(answer) => assert_eq!(Some(decision(&answer.evaluation_results[0])), expected, "{answered}"),
            Err(error) => assert_eq!((expected, error.code().wire()), (None, "InvalidInput"), "{answered}"),
        }
    };
    let address = r#"{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#;
    check(address, entry("aws:SourceIp", Some("ip"), &["192.0.2.9"]), Some("allowed")).await;
    check(address, entry("aws:SourceIp", Some("ip"), &["198.51.100.9"]), Some("implicitDeny")).await;
    check(address, entry("aws:SourceIp", Some("ip"), &["here"]), None).await;
    check(address, entry("aws:SourceIp", Some("address"), &["192.0.2.9"]), None).await;
    check(address, entry("SourceIp", Some("ip"), &["192.0.2.9"]), Some("implicitDeny")).await;
    check(address, entry("sqs:Other", Some("boolean"), &["maybe"]), Some("implicitDeny")).await;
    check(address, entry("aws:SourceIp", Some("ip"), &[]), None).await;
    let tags = r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}}"#;
    check(tags, entry("aws:TagKeys", Some("stringList"), &["a", "b"]), Some("allowed")).await;
    check(tags, entry("aws:TagKeys", Some("stringList"), &["a", "c"]), Some("implicitDeny")).await;
    check(tags, entry("aws:TagKeys", None, &["a", "b"]), None).await;
    check(tags, entry("aws:TagKeys", Some("string"), &["a", "b"]), None).await;
    let date = r#"{"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}}"#;
    check(date, entry("aws:CurrentTime", Some("date"), &["2026-02-01T00:00:00Z"]), Some("allowed")).await;
    check(date, entry("aws:CurrentTime", Some("date"), &["2025-02-01T00:00:00Z"]), Some("implicitDeny")).await;
    check(date, entry("aws:CurrentTime", Some("date"), &["tomorrow"]), None).await;
    check(date, entry("sqs:Other", Some("numeric"), &["1.5"]), Some("implicitDeny")).await;
    check(date, entry("sqs:Other", Some("numericList"), &["1.5", "x"]), None).await;
}

#[tokio::test]
async fn a_resource_policy_takes_part() {
    let theatre = SimulationEnv::new().await;
    let grant = |principal: &str, effect: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Principal":{{"AWS":"{principal}"}},"Action":"s3:*","Resource":"arn:aws:s3:::bank/*"}}}}"#
        )
    };
    let nothing = allow("sqs:*", "*");
    let everything = allow("s3:*", "*");
    let resource = "ResourcePolicy (Resource Policy)";
    let check = async |policy: &str,
                       resource_policy: &str,
                       owner: Option<&str>,
                       expected: &str,
                       by: &[&str],
                       details: &[(&str, &str)]| {
        let request = SimulateCustomPolicyRequest {
            resource_policy: Some(resource_policy.into()),
            caller_arn: Some(ALICE.into()),
            resource_owner: owner.map(str::to_owned),
            ..custom(&[policy], &["s3:GetObject"], &["arn:aws:s3:::bank/a"])
        };
        let result = theatre.one(request).await;
        assert_eq!(
            (decision(&result), &matched(&result)[..]),
            (expected, &strings(by)[..]),
            "{resource_policy} {owner:?}"
        );
        let mut answered: Vec<_> = result.eval_decision_details.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        answered.sort_unstable();
        assert_eq!(answered, details);
        assert_eq!(result.resource_specific_results[0].eval_decision_details, result.eval_decision_details);
    };
    let other = Some("arn:aws:iam::444455556666:root");
    let input = "PolicyInputList.1 (IAM Policy)";
    check(&nothing, &grant(ALICE, "Allow"), None, "allowed", &[resource], &[]).await;
    check(&everything, &grant(ALICE, "Deny"), None, "explicitDeny", &[resource], &[]).await;
    let details = [("IAM Policy", "implicitDeny"), ("Resource Policy", "allowed")];
    check(&nothing, &grant(ALICE, "Allow"), other, "implicitDeny", &[], &details).await;
    let details = [("IAM Policy", "allowed"), ("Resource Policy", "allowed")];
    check(&everything, &grant(MAIN, "Allow"), other, "allowed", &[input, resource], &details).await;
    let details = [("IAM Policy", "allowed"), ("Resource Policy", "implicitDeny")];
    check(&everything, &grant(OTHER, "Allow"), other, "implicitDeny", &[], &details).await;
}

#[tokio::test]
async fn a_trust_policy_can_be_given() {
    let theatre = SimulationEnv::new().await;
    let role = "arn:aws:iam::111122223333:role/Heron";
    let trust = |who: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{who}"}},"Action":"sts:AssumeRole"}}}}"#
        )
    };
    for (who, expected) in [(ALICE, "allowed"), ("arn:aws:iam::111122223333:user/Bob", "implicitDeny")] {
        let request = SimulateCustomPolicyRequest {
            resource_policy: Some(trust(who)),
            caller_arn: Some(ALICE.into()),
            ..custom(&[&allow("sts:*", "*")], &["sts:AssumeRole"], &[role])
        };
        assert_eq!(decision(&theatre.one(request).await), expected, "{who}");
    }
}

#[tokio::test]
async fn invalid_simulations_are_refused() {
    let theatre = SimulationEnv::new().await;
    let good = allow("s3:*", "*");
    let base = || custom(&[&good], &["s3:GetObject"], &[]);
    let public = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:s3:::bank/*"}}"#;
    for (request, part) in [
        (custom(&[&good, "{"], &["s3:GetObject"], &[]), "PolicyInputList.2: line 1, column 2"),
        // Nor is a policy simulated that couldn't be saved.
        (custom(&[&allow("s3:*", "bank")], &["s3:GetObject"], &[]), "in Statement[0].Resource"),
        (custom(&[&allow("s3:*", "arn:aws-cn:s3:::bank")], &["s3:GetObject"], &[]), "partition"),
        (custom(&[&good], &["GetObject"], &[]), "The action is invalid since it is missing names"),
        (custom(&[&good], &["s3:Get*"], &[]), "Invalid action `s3:Get*`"),
        (custom(&[&good], &["s3:GetObject"], &["bank"]), "ResourceNames are not in a valid ARN format: bank."),
        (
            SimulateCustomPolicyRequest { caller_arn: Some("arn:aws:iam::111122223333:role/Heron".into()), ..base() },
            "Invalid CallerArn",
        ),
        (SimulateCustomPolicyRequest { resource_owner: Some("me".into()), ..base() }, "Invalid ResourceOwner"),
        (SimulateCustomPolicyRequest { resource_policy: Some(good.clone()), ..base() }, "CallerArn must name"),
        (
            SimulateCustomPolicyRequest {
                resource_policy: Some(good.clone()),
                caller_arn: Some(ALICE.into()),
                ..base()
            },
            "ResourcePolicy: ",
        ),
        (
            SimulateCustomPolicyRequest {
                resource_policy: Some(public.into()),
                caller_arn: Some(ALICE.into()),
                ..custom(&[&good], &["s3:GetObject"], &["arn:aws:s3:::bank/a", "arn:aws:sqs:eu-west-1:111122223333:q"])
            },
            "names no resource of the service that `arn:aws:sqs",
        ),
        (
            SimulateCustomPolicyRequest { resource_handling_option: Some("EC2-VPC-EBS".into()), ..base() },
            "needs a resource",
        ),
        (
            SimulateCustomPolicyRequest {
                context_entries: vec![entry("a:bcd", Some("string"), &["1"]), entry("A:BCD", Some("string"), &["2"])],
                ..base()
            },
            "Duplicate context key: A:BCD.",
        ),
    ] {
        let message = theatre.refused(request).await;
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn a_scenario_of_ec2_is_decided_on_all_its_resources_together() {
    let theatre = SimulationEnv::new().await;
    let kinds = ["instance", "image", "security-group", "network-interface", "volume"];
    let arns: Vec<String> = kinds.iter().map(|kind| format!("arn:aws:ec2:eu-west-1:{MAIN}:{kind}/x-1")).collect();
    let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
    let check = async |denied: &str, expected: &str| {
        let deny = statement("Deny", "ec2:*", denied, "{}");
        let request = custom(&[&allow("ec2:*", "*"), &deny], &["ec2:RunInstances"], &arns);
        let request = SimulateCustomPolicyRequest { resource_handling_option: Some("EC2-VPC-EBS".into()), ..request };
        let answer = theatre.custom(request).await.unwrap();
        let [result] = &answer.evaluation_results[..] else { panic!("one result") };
        assert_eq!((decision(result), result.resource_specific_results.len()), (expected, 5));
    };
    check("arn:aws:ec2:*:*:volume/*", "explicitDeny").await;
    check("arn:aws:ec2:*:*:snapshot/*", "allowed").await;
}

#[tokio::test]
async fn results_come_in_pages() {
    let theatre = SimulationEnv::new().await;
    let good = allow("s3:*", "*");
    let actions: Vec<String> = (0..7).map(|at| format!("s3:Action{at}")).collect();
    let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
    let (mut seen, mut marker) = (Vec::new(), None);
    loop {
        let request = SimulateCustomPolicyRequest { max_items: Some(3), marker, ..custom(&[&good], &actions, &[]) };
        let answer = theatre.custom(request).await.unwrap();
        assert_eq!(answer.is_truncated, Some(answer.marker.is_some()));
        seen.extend(answer.evaluation_results.into_iter().map(|result| result.eval_action_name.unwrap()));
        marker = answer.marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(seen, actions);
    // A marker is good for the question that it was given for, whatever the size of its pages.
    let question = || custom(&[&good], &actions, &[]);
    let first = theatre.custom(SimulateCustomPolicyRequest { max_items: Some(3), ..question() }).await.unwrap();
    let request = SimulateCustomPolicyRequest { marker: first.marker.clone(), ..question() };
    assert_eq!(theatre.custom(request).await.unwrap().evaluation_results.len(), 4);
    for (marker, question) in [
        (Some("3".into()), question()),
        (first.marker.clone(), custom(&[&good], &actions[..4], &[])),
        (first.marker.clone(), custom(&[&allow("sqs:*", "*")], &actions, &[])),
        (first.marker, custom(&[&good], &actions, &["arn:aws:s3:::bank/a"])),
    ] {
        let request = SimulateCustomPolicyRequest { marker, ..question };
        assert_eq!(theatre.custom(request).await.unwrap_err().code().wire(), "InvalidInput");
    }
    // Large policies make pages shorter than was asked for, whether of many statements or of many resources.
    let one = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    let many = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, vec![one; 1_000].join(","));
    let resources: Vec<String> = (0..3_000).map(|at| format!(r#""arn:aws:s3:::bank/{at}/*""#)).collect();
    let broad = statement("Allow", "s3:*", "*", "{}").replace(r#""*""#, &format!("[{}]", resources.join(",")));
    let actions = vec!["s3:GetObject"; 500];
    for policy in [&many, &broad] {
        let request = SimulateCustomPolicyRequest { max_items: Some(1_000), ..custom(&[policy], &actions, &[]) };
        let answer = theatre.custom(request).await.unwrap();
        assert_eq!(answer.is_truncated, Some(true));
        assert!((1..250).contains(&answer.evaluation_results.len()), "{}", answer.evaluation_results.len());
    }
    // What can't be parted is bounded.
    let names = |count: usize, length: usize| (0..count).map(move |at| format!("arn:aws:s3:::bank/{at:0length$}"));
    let request = |policy: &str, resources: Vec<String>, values: usize| SimulateCustomPolicyRequest {
        resource_arns: resources,
        context_entries: vec![entry("s3:tags", Some("stringList"), &vec!["reeds by the pond"; values])],
        ..custom(&[policy], &["s3:GetObject"], &[])
    };
    assert!(theatre.custom(request(&many, names(100, 1).collect(), 10)).await.is_ok());
    for (resources, length, values) in [(10_000, 1, 1), (1_000, 1, 100), (500, 2_000, 1), (1, 1, 10_000)] {
        let message = theatre.refused(request(&many, names(resources, length).collect(), values)).await;
        assert!(message.contains("on so much at once"), "{message}");
    }
    // So is what turns out to take long: texts beyond ASCII, compared without case.
    let texts: Vec<String> = (0..100).map(|at| format!(r#""ü{at}""#)).collect();
    let condition = format!(r#"{{"ForAnyValue:StringEqualsIgnoreCase":{{"s3:tags":[{}]}}}}"#, texts.join(","));
    let slow = |count| SimulateCustomPolicyRequest {
        context_entries: vec![entry("s3:tags", Some("stringList"), &vec!["é".repeat(100).as_str(); count])],
        ..custom(&[&statement("Deny", "s3:*", "*", &condition)], &["s3:GetObject"], &[])
    };
    assert!(theatre.custom(slow(10)).await.is_ok());
    let message = theatre.refused(slow(200)).await;
    assert!(message.contains("on so much at once"), "{message}");
    // So are the statements: the first of many, and one for each resource.
    let answer = theatre.custom(request(&many, names(2, 1).collect(), 0)).await.unwrap();
    assert_eq!(answer.evaluation_results[0].matched_statements.len(), 100);
    let few = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, [one; 5].join(","));
    let answer = theatre.custom(request(&few, names(15_000, 1).collect(), 0)).await.unwrap();
    let specific = &answer.evaluation_results[0].resource_specific_results;
    assert_eq!((specific.len(), specific.iter().all(|one| one.matched_statements.len() == 1)), (15_000, true));
}

#[tokio::test]
async fn a_page_ends_at_the_maximum_size() {
    let theatre = SimulationEnv::new().await;
    let resources: Vec<String> = (0..300).map(|at| format!("arn:aws:s3:::bank/{at:01500}")).collect();
    let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
    let request = custom(&[&allow("s3:*", "*")], &["s3:GetObject"; 10], &resources);
    let answer = theatre.custom(request).await.unwrap();
    assert_eq!((answer.evaluation_results.len(), answer.is_truncated), (3, Some(true)));
}
