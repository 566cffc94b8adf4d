//! Resources: are their ARNs ones that the service has?

use super::Cx;
use super::arn::{ArnParts, is_account, is_open, is_partition, is_region};
use super::code::*;
use crate::catalogue::{Service, placeholders_to_stars};
use crate::document::Text;
use crate::json::quoted;
use crate::suggest::nearest;

pub(super) fn check(cx: &mut Cx<'_>) {
    for statement in &cx.document().statements {
        let Some(resource) = &statement.resource else { continue };
        for pattern in &resource.patterns {
            // `*` is everything, and what does not begin like an ARN has been refused.
            let Some(rest) = pattern.strip_prefix("arn:") else { continue };
            match ArnParts::parse(pattern) {
                Some(parts) => arn(cx, pattern, &parts),
                None if !rest.is_empty() && !pattern.ends_with('*') => {
                    let details = format!(
                        "complete {}: an ARN has six fields, `arn:partition:service:region:account:resource`",
                        quoted(pattern)
                    );
                    cx.report(MISSING_ARN_FIELD, pattern.span, details);
                }
                None => {}
            }
        }
    }
}

fn arn(cx: &mut Cx<'_>, pattern: &Text, parts: &ArnParts<'_>) {
    let ArnParts { partition, service, region, account, .. } = *parts;
    let target = cx.validation.target;
    let mut report = |code, details: String| cx.report(code, pattern.span, details);
    if !is_open(partition) && !is_partition(partition) {
        report(INVALID_PARTITION, format!("correct {}: there is no partition of that name", quoted(partition)));
    }
    if !is_open(service) && service.bytes().any(|byte| byte.is_ascii_uppercase()) {
        report(INVALID_ARN_SERVICE_CASE, format!("write {} in lower case", quoted(service)));
    }
    if !region.is_empty() && !is_open(region) && !is_region(region, target) {
        report(INVALID_ARN_REGION, format!("correct {}: it is not the name of a Region", quoted(region)));
    }
    if service.contains(['*', '?']) {
        let details = format!(
            "name the service in {}: with a wildcard there it reaches every service whose name matches, also ones that \
             come later",
            quoted(pattern)
        );
        report(WILDCARD_IN_SERVICE_NAME, details);
    }
    if !is_open(account) && !is_account(account) {
        report(INVALID_ARN_ACCOUNT, format!("correct {}: an account id has twelve digits", quoted(account)));
    }
    shape(cx, pattern, parts);
    attached(cx, pattern);
}

/// Which of region and account the ARNs of a service have, where all of its ARNs agree.
#[derive(Clone, Copy)]
struct Shape {
    /// Always, never, or (`None`) it depends.
    region: Option<bool>,
    account: Option<bool>,
}

fn shape(cx: &mut Cx<'_>, pattern: &Text, parts: &ArnParts<'_>) {
    let service = cx.catalogue().service(parts.service).filter(|service| service.resources().next().is_some());
    let shape = match service {
        Some(service) => {
            match cx.steps.take(100 * service.resources().map(|resource| resource.arns.len()).sum::<usize>()) {
                true => shape_of(service),
                false => return,
            }
        }
        None if cx.is_for_aws() => global_shape(parts),
        None => return,
    };
    if shape.region == Some(false) && !parts.region.is_empty() && parts.region != "*" {
        let details = format!("leave the Region of {} empty: `{}` has none", quoted(pattern), parts.service);
        cx.report(ARN_REGION_NOT_ALLOWED, pattern.span, details);
    }
    if shape.region == Some(true) && parts.region.is_empty() {
        let details =
            format!("add a Region to {}, or `*` for all: resources of `{}` have one", quoted(pattern), parts.service);
        cx.report(MISSING_ARN_REGION, pattern.span, details);
    }
    if shape.account == Some(false) && !parts.account.is_empty() && parts.account != "*" {
        let details = format!("leave the account of {} empty: these ARNs carry none", quoted(pattern));
        cx.report(ARN_ACCOUNT_NOT_ALLOWED, pattern.span, details);
    }
    if shape.account == Some(true) && parts.account.is_empty() {
        let details = format!(
            "add the account to {}, or `*` for all: resources of `{}` have one",
            quoted(pattern),
            parts.service
        );
        cx.report(MISSING_ARN_ACCOUNT, pattern.span, details);
    }
    let Some(service) = service else { return };
    // The resource alone is compared, since the other parts have been.
    let wanted = placeholders_to_stars(parts.resource);
    let mut arns = service.resources().flat_map(|resource| &resource.arns);
    let known = arns.any(|arn| {
        ArnParts::parse(arn).is_some_and(|known| cx.steps.intersect(&wanted, &placeholders_to_stars(known.resource)))
    });
    if !known {
        let meant = cx.did_you_mean(parts.resource, |_| kind_like(service, parts.resource));
        let details =
            format!("correct {}: no resource of `{}` has such an ARN{meant}", quoted(pattern), service.prefix);
        cx.report(INVALID_ARN_RESOURCE, pattern.span, details);
    }
}

/// How the resource of an ARN begins that a misspelt one was probably meant to be: `user/` for `users/x`.
fn kind_like(service: &Service, resource: &str) -> Option<String> {
    let kind = |resource: &str| resource.find(['/', ':']).map(|at| resource[..=at].to_owned());
    let arns = service.resources().flat_map(|resource| &resource.arns);
    let kinds: Vec<_> = arns.filter_map(|arn| kind(ArnParts::parse(arn)?.resource)).collect();
    nearest(&kind(resource)?, kinds.iter().map(String::as_str)).map(str::to_owned)
}

fn shape_of(service: &Service) -> Shape {
    let arns: Vec<_> =
        service.resources().flat_map(|resource| &resource.arns).filter_map(|arn| ArnParts::parse(arn)).collect();
    let agree = |part: fn(&ArnParts<'_>) -> bool| {
        let filled = arns.iter().filter(|arn| part(arn)).count();
        if filled == 0 { Some(false) } else { (filled == arns.len()).then_some(true) }
    };
    Shape { region: agree(|arn| !arn.region.is_empty()), account: agree(|arn| !arn.account.is_empty()) }
}

/// What is known of services without a catalogue: the ones whose ARNs have no region, or no account either.
fn global_shape(parts: &ArnParts<'_>) -> Shape {
    let (region, account) = match parts.service {
        "s3" if !parts.resource.starts_with(['*', '?', '$']) && !parts.resource.contains(':') => {
            let first = parts.resource.split('/').next().unwrap_or("");
            let regional =
                ["accesspoint", "job", "storage-lens", "storage-lens-group", "access-grants", "async-request"];
            if regional.contains(&first) { (None, None) } else { (Some(false), Some(false)) }
        }
        "dynamodb" if parts.resource.starts_with("global-table") || is_open(parts.resource) => (None, Some(true)),
        "dynamodb" | "ecr" | "ecs" | "eks" | "firehose" | "kinesis" | "kms" | "lambda" | "logs" | "secretsmanager"
        | "sns" | "sqs" | "states" => (Some(true), Some(true)),
        // Images of others and public parameters have no account.
        "ec2" | "ssm" => (Some(true), None),
        "route53" => (Some(false), None),
        "cloudfront" | "organizations" | "account" | "waf" | "globalaccelerator" | "budgets" => (Some(false), None),
        _ => (None, None),
    };
    Shape { region, account }
}

/// Whether the policy can speak of this resource at all.
fn attached(cx: &mut Cx<'_>, pattern: &Text) {
    let Some(resource_type) = cx.validation.resource_type else { return };
    let formats: Vec<String> = match resource_type {
        "AWS::S3::Bucket" => vec!["arn:*:s3:::*".into()],
        "AWS::S3::AccessPoint" => vec!["arn:*:s3:*:*:accesspoint/*".into()],
        "AWS::S3::MultiRegionAccessPoint" => vec!["arn:*:s3::*:accesspoint/*".into()],
        "AWS::S3ObjectLambda::AccessPoint" => vec!["arn:*:s3-object-lambda:*:*:accesspoint/*".into()],
        "AWS::DynamoDB::Table" => vec!["arn:*:dynamodb:*:*:table/*".into()],
        other => {
            let Some((service, name)) = other.split_once(':') else { return };
            let known = cx.catalogue().service(service).and_then(|service| service.resource(name));
            let Some(known) = known else { return };
            known.patterns().collect()
        }
    };
    let wanted = placeholders_to_stars(pattern);
    if !formats.iter().any(|format| cx.steps.intersect(&wanted, format)) {
        let details =
            format!("remove {}: the policy is attached to a resource of type `{resource_type}`", quoted(pattern));
        cx.report(UNSUPPORTED_RESOURCE_ARN_IN_POLICY, pattern.span, details);
    }
}
