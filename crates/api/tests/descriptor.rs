//! The content of the descriptors.

use bailiwick_api::options::Audit;
use bailiwick_api::{OPERATIONS, Operation, op, pool};
use prost_reflect::Value;

#[test]
fn all_operations_of_both_models() {
    let count = |module| OPERATIONS.iter().filter(|o| o.module == module).count();
    assert_eq!((count("iam"), count("sts")), (181, 12));
}

#[test]
fn operations_are_found_and_have_descriptors() {
    assert!(OPERATIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
    for operation in OPERATIONS {
        assert_eq!(bailiwick_api::find_operation(operation.name), Some(operation));
        let method = operation.method().unwrap();
        assert_eq!(method.input(), operation.request_descriptor().unwrap());
        assert_eq!(method.output(), operation.response_descriptor().unwrap());
        assert_eq!(method.input().name(), format!("{}Request", operation.name));
        assert_eq!(method.output().name(), format!("{}Response", operation.name));
    }
    assert_eq!(bailiwick_api::find_operation("Nothing"), None);
}

#[test]
fn constants() {
    fn show<O: Operation>() -> (&'static str, &'static str, &'static str, bool) {
        (O::NAME, O::SERVICE, O::PATH, O::READ_ONLY)
    }
    let path = "/bailiwick.iam.v1.SAMLProviderService/CreateSAMLProvider";
    assert_eq!(show::<op::CreateSAMLProvider>(), ("CreateSAMLProvider", "iam", path, false));
    let path = "/bailiwick.sts.v1.CallerIdentityService/GetCallerIdentity";
    assert_eq!(show::<op::GetCallerIdentity>(), ("GetCallerIdentity", "sts", path, true));
    let path = "/bailiwick.authz.v1.AuthorizationService/Authorize";
    assert_eq!(show::<op::Authorize>(), ("Authorize", "bailiwick", path, true));
    assert!(!OPERATIONS.iter().any(|o| o.read_only && (o.name.starts_with("Assume") || o.name.starts_with("Create"))));
    let path = "/bailiwick.sts.v1.SessionTokenService/GetSessionToken";
    assert_eq!(show::<op::GetSessionToken>(), ("GetSessionToken", "sts", path, false));
}

#[test]
fn decisions_for_services_are_not_management_events() {
    let decisions = OPERATIONS.iter().filter(|operation| operation.audit == Audit::Decision).map(|o| o.name);
    let expected = ["Authenticate", "Authorize", "AuthorizePassRole", "BatchAuthorize", "Explain"];
    assert_eq!(decisions.collect::<Vec<_>>(), expected);
    assert!(OPERATIONS.iter().all(|o| matches!(o.audit, Audit::Decision | Audit::Management)));
    assert_eq!(bailiwick_api::find_operation("PutUserPolicy").unwrap().resource, ["user_name", "policy_name"]);
    assert!(<op::ListUsers as Operation>::RESOURCE.is_empty());
}

#[test]
fn every_operation_reaches_a_macro() {
    macro_rules! names {
        ($(($module:ident $service:ident $operation:ident))*) => {
            [$((stringify!($module), stringify!($service), <op::$operation as Operation>::NAME)),*]
        };
    }
    let all = bailiwick_api::for_each_operation!(names);
    assert_eq!(all.len(), OPERATIONS.len());
    assert!(all.contains(&("iam", "UserService", "CreateUser")));
    assert!(all.contains(&("account", "AccountService", "CreateAccount")));
}

#[test]
fn options_survive() {
    let request = pool().get_message_by_name("bailiwick.iam.v1.CreateUserRequest").unwrap();
    let rules = pool().get_extension_by_name("bailiwick.options.v1.rules").unwrap();
    let name = request.get_field_by_json_name("UserName").unwrap();
    let options = name.options();
    let Value::Message(rules) = options.get_extension(&rules).into_owned() else { panic!("no rules") };
    assert_eq!(rules.get_field_by_name("max_length").unwrap().as_u32(), Some(64));
    let errors = pool().get_extension_by_name("bailiwick.options.v1.errors").unwrap();
    let method = bailiwick_api::find_operation("CreateUser").unwrap().method().unwrap();
    assert_eq!(method.options().get_extension(&errors).as_list().unwrap().len(), 6);
}

#[test]
fn every_pattern_is_supported() {
    let rules = pool().get_extension_by_name("bailiwick.options.v1.rules").unwrap();
    let mut seen = 0;
    for field in pool().all_messages().flat_map(|m| m.fields().collect::<Vec<_>>()) {
        let Value::Message(rules) = field.options().get_extension(&rules).into_owned() else { continue };
        let pattern = rules.get_field_by_name("pattern").unwrap().as_str().unwrap().to_owned();
        if !pattern.is_empty() {
            seen += 1;
            assert!(bailiwick_api::Pattern::new(pattern.leak()).is_valid(), "{}", field.full_name());
        }
    }
    assert!(seen > 300);
}
