use std::time::Duration;

use super::Metrics;
use crate::Route;

fn families(page: &str) -> Vec<&str> {
    page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

#[test]
fn families_without_samples_are_left_out() {
    let page = Metrics::new().render().unwrap();
    let expected = ["bailiwick_calls_in_flight", "bailiwick_commit_conflicts_total", "bailiwick_panics_total"];
    assert_eq!(families(&page), expected);
}

#[test]
fn the_page_is_sorted_and_every_family_is_described() {
    let metrics = Metrics::new();
    for name in ["ListUsers", "CreateUser", "GetRole"] {
        let route = Route::all().iter().find(|route| route.name == name).unwrap();
        metrics.answered(route, Some("AccessDenied"), Duration::from_millis(3));
        metrics.answered(route, None, Duration::from_millis(3));
    }
    metrics.unauthenticated("SignatureDoesNotMatch");
    metrics.throttled("connections");
    metrics.gauge("bailiwick_zebras", "Zebras, by stripe.", &["stripe"], |samples| {
        samples.add(&["white"], 2.0);
        samples.add(&["black \"\\\n"], 1.5);
    });
    metrics.counter("bailiwick_aardvarks_total", "Aardvarks.", &[], |samples| samples.add(&[], 7.0));
    let page = metrics.render().unwrap();
    let families = families(&page);
    assert!(families.is_sorted(), "{page}");
    assert_eq!(families.len(), page.lines().filter(|line| line.starts_with("# HELP ")).count());
    let operations: Vec<_> = page.lines().filter(|line| line.starts_with("bailiwick_calls_total")).collect();
    assert_eq!(
        operations,
        [
            "bailiwick_calls_total{operation=\"CreateUser\"} 2",
            "bailiwick_calls_total{operation=\"GetRole\"} 2",
            "bailiwick_calls_total{operation=\"ListUsers\"} 2",
        ]
    );
    for line in [
        "bailiwick_aardvarks_total 7",
        "bailiwick_authentication_failures_total{code=\"SignatureDoesNotMatch\"} 1",
        "bailiwick_call_failures_total{code=\"AccessDenied\",operation=\"GetRole\"} 1",
        "bailiwick_throttled_total{limit=\"connections\"} 1",
        "bailiwick_zebras{stripe=\"black \\\"\\\\\\n\"} 1.5",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
    }
}
