//! The operations that take requests of more than 1 MiB are those with a member that may be so long.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bailiwick_api::find_operation;
use bailiwick_service::Route;
use prost_reflect::Value;

#[test]
fn only_operations_with_a_long_member_take_large_requests() {
    let rules = bailiwick_api::pool().get_extension_by_name("bailiwick.options.v1.rules").unwrap();
    for route in Route::all() {
        let request = find_operation(route.name).unwrap().method().unwrap().input();
        let is_long = request.fields().any(|field| {
            let Value::Message(rules) = field.options().get_extension(&rules).into_owned() else { return false };
            rules.get_field_by_name("max_length").is_some_and(|most| most.as_u32() > Some(1024 * 1024))
        });
        assert_eq!(route.takes_large_requests, is_long, "{}", route.name);
    }
    assert!(Route::all().iter().any(|route| route.takes_large_requests));
}
