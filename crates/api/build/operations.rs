//! One zero-sized type per operation, the list of all, and `for_each_operation!`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;

use heck::ToUpperCamelCase;
use prost_reflect::{DescriptorPool, MethodDescriptor};

use crate::rules::OperationRules;
use crate::{names, rules};

pub(crate) fn generate(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let mut types = String::new();
    let mut list = String::new();
    let mut table = BTreeMap::new();
    for service in pool.services() {
        let prefix = rules::service_prefix(&service).ok_or_else(|| format!("{}: no prefix", service.full_name()))?;
        let module = names::module(service.package_name());
        for method in service.methods() {
            let name = method.name();
            let doc = comment(&method).ok_or_else(|| format!("{}: no comment", method.full_name()))?;
            let path = format!("/{}/{name}", service.full_name());
            let read_only = is_read_only(&method);
            let OperationRules { audit, authentication, resource } = OperationRules::of(&method)?;
            let page = page_fields(&method);
            let call = if authentication == "Caller" { "SignedCall" } else { "UnsignedCall" };
            for line in doc.lines() {
                writeln!(types, "///{}{}", if line.starts_with(' ') { "" } else { " " }, line.trim_end())?;
            }
            let row = format!(
                "crate::OperationInfo {{ name: {name:?}, service: {prefix:?}, module: {module:?}, path: {path:?}, \
                 request: {:?}, response: {:?}, read_only: {read_only}, \
                 audit: crate::options::Audit::{audit}, \
                 authentication: crate::options::Authentication::{authentication}, resource: &{resource:?}, \
                 page: &{page:?} }}",
                method.input().full_name(),
                method.output().full_name(),
            );
            let (request, response) = (names::message(&method.input()), names::message(&method.output()));
            writeln!(
                types,
                "#[derive(Clone, Copy, Debug)]\npub struct {name};\n\
                 impl crate::Operation for {name} {{\n    type Request = {request};\n    type Response = {response};\n    \
                 const NAME: &'static str = {name:?};\n    const SERVICE: &'static str = {prefix:?};\n    \
                 const PATH: &'static str = {path:?};\n    const READ_ONLY: bool = {read_only};\n    \
                 const INFO: &'static crate::OperationInfo = &{row};\n    \
                 const AUDIT: crate::options::Audit = crate::options::Audit::{audit};\n    \
                 const AUTHENTICATION: crate::options::Authentication = crate::options::Authentication::{authentication};\n    \
                 type Call = crate::{call};\n    \
                 const RESOURCE: &'static [&'static str] = &{resource:?};\n}}"
            )?;
            writeln!(list, "            ({module} {} {name})", service.name())?;
            if table.insert(name.to_owned(), row).is_some() {
                return Err(format!("two operations are called {name}").into());
            }
            if name.to_upper_camel_case() == "Operation" {
                return Err("an operation can't be called Operation".into());
            }
        }
    }
    let rows: String = table.into_values().map(|row| format!("    {row},\n")).collect();
    Ok(format!(
        "/// One type per operation, named as AWS names it.\npub mod op {{\n{types}}}\n\n\
         /// All operations, by name.\npub static OPERATIONS: &[OperationInfo] = &[\n{rows}];\n\n\
         /// Calls a macro with all operations: `(module Service Operation)`, one after the other.\n\
         #[macro_export]\nmacro_rules! for_each_operation {{\n    ($($callback:tt)+) => {{\n        $($callback)+! {{\n{list}        }}\n    }};\n}}\n"
    ))
}

fn is_read_only(method: &MethodDescriptor) -> bool {
    use prost_types::method_options::IdempotencyLevel;
    let options = &method.method_descriptor_proto().options;
    options.as_ref().is_some_and(|o| o.idempotency_level() == IdempotencyLevel::NoSideEffects)
}

fn comment(method: &MethodDescriptor) -> Option<String> {
    let service = method.parent_service();
    let file = method.parent_file();
    let service_at = file.services().position(|s| s == *service)?;
    let method_at = service.methods().position(|m| m == *method)?;
    let path = [6, i32::try_from(service_at).ok()?, 2, i32::try_from(method_at).ok()?];
    let info = file.file_descriptor_proto().source_code_info.as_ref()?;
    info.location.iter().find(|l| l.path == path)?.leading_comments.clone()
}

/// The numbers of the fields that ask for a page. They have the same names in all requests.
fn page_fields(method: &MethodDescriptor) -> Vec<u32> {
    let is_of_page = |name: &str| matches!(name, "marker" | "max_items" | "next_token" | "max_results");
    method.input().fields().filter(|field| is_of_page(field.name())).map(|field| field.number()).collect()
}
