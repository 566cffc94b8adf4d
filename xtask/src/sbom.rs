//! A bill of materials of the binary, as CycloneDX JSON, from what cargo resolved.

use crate::metadata::{Metadata, Package};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Lists every package built into `root` for the platform of the metadata, build tools included.
pub(crate) fn write(metadata: &Metadata, root: &str) -> Value {
    let reached = metadata.reach(root, true);
    let packages: Vec<&Package> = metadata.packages.iter().filter(|p| reached.contains(p.id.as_str())).collect();
    let main = packages.iter().find(|p| p.name == root);
    let nodes = metadata.resolve.nodes.iter().filter(|node| reached.contains(node.id.as_str()));
    let reference = |id: &str| packages.iter().find(|p| p.id == id).map(|p| purl(p));
    let dependencies: Vec<Value> = nodes
        .map(|node| {
            let on: BTreeSet<String> = node.deps.iter().filter_map(|dep| reference(&dep.pkg)).collect();
            json!({ "ref": reference(&node.id), "dependsOn": on })
        })
        .collect();
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": main.map(|p| component(p, "application")) },
        "components": packages.iter().filter(|p| p.name != root).map(|p| component(p, "library")).collect::<Vec<_>>(),
        "dependencies": dependencies,
    })
}

fn purl(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version.replace('+', "%2B"))
}

fn component(package: &Package, kind: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(package),
        "name": package.name,
        "version": package.version,
        "purl": purl(package),
    });
    if let Some(description) = &package.description {
        component["description"] = json!(description.trim());
    }
    if let Some(license) = &package.license {
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    if let Some(repository) = &package.repository {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}
