//! The fuzz targets, on mutated seeds: a smoke run in every test, longer ones elsewhere.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

use bailiwick_evaluator::fuzz;

const PATTERNS: &[&str] = &[
    "arn:aws:sqs:*\narn:aws:sqs:eu-west-1:111122223333:q",
    "arn:aws:*:eu-*-1:*:a*b?c${aws:username}*\narn:aws:sqs:eu-west-1:1:axbyczbobé",
    "arn:*:*:${aws:PrincipalTag/team}:*:*${*}${?}${$}${aws:nobody, 'd'}\narn:aws:s3:a:b:*?$d",
    "*a*a*a*a*b\naaaaaaaaaaaaaaaaaaaaaaaaa",
    "?é*??\né€éé",
];

const DECISIONS: &[&str] = &[
    "s3:GetObject\narn:aws:s3:::b/k\n{\"Version\": \"2012-10-17\", \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"s3:Get*\", \"Resource\": \"arn:aws:s3:::${aws:username}*\"}}",
    "sts:AssumeRole\n*\n{\"Statement\": [{\"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"111122223333\"}, \"NotAction\": \"*\", \"Resource\": \"*\"}]}",
    "a:b\narn:\n{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Deny\", \"Action\": \"*\", \"NotResource\": \"arn:aws:*\", \"Condition\": {\"ForAllValues:StringLike\": {\"aws:TagKeys\": [\"x*\", \"?\"]}, \"IpAddressIfExists\": {\"aws:SourceIp\": \"203.0.113.0/24\"}}}]}",
];

const CASES: &[&str] = &[
    r#"{"id": "a", "request": {"principal": "arn:aws:sts::111122223333:assumed-role/R/s", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "context": {"aws:PrincipalArn": {"type": "string", "values": ["arn:aws:iam::111122223333:role/p/R"]}, "aws:TagKeys": {"type": "stringList", "values": ["é", ""]}, "aws:CurrentTime": {"type": "date", "values": ["2024-06-15T12:30:00.5+02:00"]}}}, "identityPolicies": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username, 'b'}/*", "Condition": {"ForAnyValue:StringLike": {"aws:TagKeys": "?"}, "DateLessThanIfExists": {"aws:CurrentTime": [1718454600, "2025"]}, "NumericEquals": {"a:b": 1e3}}}}], "boundary": null, "sessionPolicies": [], "scps": [[]], "tags": [1]}"#,
    r#"{"id": "b", "request": {"principal": "accounts.google.com", "action": "sts:AssumeRoleWithWebIdentity", "resource": "arn:aws:iam::111122223333:role/R", "resourceAccount": "111122223333"}, "trust": {"Statement": [{"Effect": "Allow", "Principal": {"Federated": ["accounts.google.com", "*"]}, "Action": "sts:*", "Condition": {"IpAddress": {"aws:SourceIp": ["::ffff:10.0.0.0/104", "10.0.0.1"]}, "Null": {"saml:aud": true}}}]}}"#,
    r#"{"id": "c", "request": {"principal": "*", "action": "s3:GetObject", "resource": "*"}, "rcps": [[], [{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "NotAction": "s3:Put*", "Resource": "*", "Condition": {"BinaryEquals": {"app:x": "AQI="}, "ArnNotLike": {"aws:SourceArn": "arn:aws:s3:*:*:x"}}}]}]], "resourcePolicy": {"Statement": {"Effect": "Deny", "NotPrincipal": {"AWS": "111122223333", "Service": ["sns.amazonaws.com"]}, "Action": "*", "NotResource": ["arn:aws:s3:::b"]}}, "endpointPolicy": null, "expected": "explicitDeny"}"#,
];

/// Seeds, and what they go through.
type Target = (&'static [&'static str], fn(&[u8]));

#[test]
fn properties_hold_for_mutated_seeds() {
    let mut state = 88_172_645_463_325_252u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let targets: [Target; 3] = [(PATTERNS, fuzz::pattern), (DECISIONS, fuzz::decision), (CASES, fuzz::case)];
    for case in CASES {
        assert!(bailiwick_evaluator::jsonl::evaluate_line(case, false).decision.is_some(), "{case}");
    }
    let rounds = std::env::var("BAILIWICK_FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000);
    for (seeds, target) in targets {
        for seed in seeds {
            target(seed.as_bytes());
        }
        for _ in 0..rounds {
            let mut bytes = seeds[next() % seeds.len()].as_bytes().to_vec();
            for _ in 0..1 + next() % 4 {
                let at = next() % bytes.len();
                let other = seeds[next() % seeds.len()].as_bytes();
                match next() % 5 {
                    0 => bytes[at] = *b"*?:$}{'/\"\n,.a\xc3".get(next() % 14).unwrap_or(&b'*'),
                    1 => drop(bytes.remove(at)),
                    2 => bytes.insert(at, b"*?:${}\\a"[next() % 8]),
                    3 => {
                        let from = next() % other.len();
                        let to = (from + next() % 20).min(other.len());
                        bytes.splice(at..at, other[from..to].iter().copied());
                    }
                    _ => {
                        let end = (at + next() % 10).min(bytes.len());
                        let copy = bytes[at..end].to_vec();
                        bytes.splice(at..at, copy);
                    }
                }
                if bytes.is_empty() {
                    bytes.push(b'*');
                }
            }
            target(&bytes);
        }
    }
}
