//! The shared vectors of condition values: a context value of a type follows the grammar of that type's operators.

use bailiwick_api::authz::ContextType;
use bailiwick_policy_lang::value::is_context_value;

use crate::decide::given_keys::shape;

#[test]
fn context_values_follow_the_grammar_of_condition_values() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/condition-values.jsonl");
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let vector: serde_json::Value = serde_json::from_str(line).unwrap();
        let (single, list) = match vector["family"].as_str().unwrap() {
            "Numeric" => (ContextType::Numeric, ContextType::NumericList),
            "Date" => (ContextType::Date, ContextType::DateList),
            "Bool" => (ContextType::Boolean, ContextType::BooleanList),
            "Binary" => (ContextType::Binary, ContextType::BinaryList),
            "Ip" => (ContextType::Ip, ContextType::IpList),
            other => panic!("{other}"),
        };
        for kind in [single, list] {
            let (is_list, family) = shape(kind, 1);
            assert_eq!(is_list, kind == list);
            assert_eq!(is_context_value(family, vector["text"].as_str().unwrap()), vector["context"], "{vector}");
        }
    }
}
