//! Cycles among the modules of a crate: modules that use one another cannot be read, tested or moved alone.
//!
//! A module and the modules beneath it count as one unit among its siblings. What a module shares with its own
//! ancestors is not a dependency: children exist to implement their parent. Test modules are left out.

use crate::run;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// Cycles that exist today, as crate and sibling modules. A cycle within an entry is accepted; an entry without one is
/// refused.
const KNOWN: &[(&str, &[&str])] = &[];

/// The path of a module in its crate; empty for the crate root.
type Module = Vec<String>;

/// Returns every cycle that is not in the list, and every entry of the list that is not a cycle.
///
/// # Errors
/// A source file that cannot be read or parsed.
pub(crate) fn check() -> Result<Vec<String>> {
    let root = run::root().join("crates");
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(&root).context("cannot read crates")? {
        let folder = entry?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut files = Vec::new();
        read(&folder.join("src"), &mut Vec::new(), &mut files)?;
        found.extend(cycles(&files).into_iter().map(|cycle| (name.clone(), cycle)));
    }
    let is_within = |(name, cycle): &(String, Vec<String>), (known, modules): &(&str, &[&str])| {
        name == known && cycle.iter().all(|module| modules.contains(&module.as_str()))
    };
    let new = found.iter().filter(|cycle| !KNOWN.iter().any(|known| is_within(cycle, known)));
    let gone = KNOWN.iter().filter(|known| !found.iter().any(|cycle| is_within(cycle, known)));
    let new = new.map(|(name, cycle)| {
        format!("{name}: the modules {} form a cycle; move what they share to a module that both may use", show(cycle))
    });
    let gone = gone.map(|(name, modules)| {
        format!("{name}: {} are not a cycle any more; remove the entry from xtask/src/cycles.rs", show(modules))
    });
    Ok(new.chain(gone).collect())
}

fn show(cycle: &[impl std::fmt::Display]) -> String {
    cycle.iter().map(|module| format!("`{module}`")).collect::<Vec<_>>().join(", ")
}

/// Reads the modules of a source folder.
fn read(folder: &Path, module: &mut Module, files: &mut Vec<(Module, syn::File)>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if stem == "tests" || stem == "bin" {
            continue;
        }
        if path.is_dir() {
            module.push(stem);
            read(&path, module, files)?;
            module.pop();
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let file = syn::parse_file(&text).with_context(|| format!("cannot parse {}", path.display()))?;
            let mut own = module.clone();
            if !["lib", "main", "mod"].contains(&stem.as_str()) {
                own.push(stem);
            }
            files.push((own, file));
        }
    }
    Ok(())
}

/// The cycles among sibling modules, each as the sorted paths of its modules.
fn cycles(files: &[(Module, syn::File)]) -> Vec<Vec<String>> {
    let mut uses: BTreeMap<&Module, Uses> = BTreeMap::new();
    for (module, file) in files {
        let mut found = Uses { module: module.clone(), ..Uses::default() };
        found.visit_file(file);
        uses.insert(module, found);
    }
    // By parent: which of its children uses which.
    let mut graphs: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (module, found) in &uses {
        for path in &found.paths {
            let target = resolve(path, &uses, 0);
            let shared = module.iter().zip(&target).take_while(|(a, b)| a == b).count();
            if shared < module.len() && shared < target.len() {
                let graph = graphs.entry(target[..shared].to_vec()).or_default();
                graph.entry(module[shared].clone()).or_default().insert(target[shared].clone());
            }
        }
    }
    let mut cycles = Vec::new();
    for (parent, graph) in &graphs {
        let reach: BTreeMap<&String, BTreeSet<&String>> =
            graph.keys().map(|from| (from, reachable(from, graph))).collect();
        let mut seen = BTreeSet::new();
        for (from, reached) in &reach {
            if !reached.contains(*from) || !seen.insert(*from) {
                continue;
            }
            let mutual = |other: &&&String| reach.get(**other).is_some_and(|back| back.contains(*from));
            let cycle: Vec<&String> = reached.iter().filter(mutual).copied().collect();
            seen.extend(&cycle);
            let name = |child: &&String| parent.iter().chain([*child]).cloned().collect::<Vec<_>>().join("/");
            cycles.push(cycle.iter().map(name).collect());
        }
    }
    cycles
}

fn reachable<'g>(from: &String, graph: &'g BTreeMap<String, BTreeSet<String>>) -> BTreeSet<&'g String> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&String> = graph.get(from).into_iter().flatten().collect();
    while let Some(next) = open.pop() {
        if seen.insert(next) {
            open.extend(graph.get(next).into_iter().flatten());
        }
    }
    seen
}

/// The module that an absolute path leads to. A name that a module re-exports is followed to where it comes from.
fn resolve(path: &[String], uses: &BTreeMap<&Module, Uses>, depth: usize) -> Module {
    let mut module = Module::new();
    for segment in path {
        let mut child = module.clone();
        child.push(segment.clone());
        if uses.contains_key(&child) {
            module = child;
            continue;
        }
        let exported = uses.get(&module).and_then(|uses| uses.imported.get(segment));
        return match exported {
            Some(from) if from != path && depth < 8 => resolve(from, uses, depth + 1),
            _ => module,
        };
    }
    module
}

/// The paths within the crate that one file names.
#[derive(Default)]
struct Uses {
    module: Module,
    paths: BTreeSet<Vec<String>>,
    /// Names that `use` brings into the module, and where they come from.
    imported: BTreeMap<String, Vec<String>>,
}

impl Uses {
    /// A path as the crate root sees it; none for paths of other crates and of local names.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, mut rest) = path.split_first()?;
        let mut module = match first.as_str() {
            "crate" => Module::new(),
            "self" => self.module.clone(),
            "super" => self.module[..self.module.len().checked_sub(1)?].to_vec(),
            _ => return None,
        };
        while let Some((next, after)) = rest.split_first().filter(|(next, _)| *next == "super") {
            debug_assert_eq!(next, "super");
            module.pop()?;
            rest = after;
        }
        module.extend(rest.iter().cloned());
        Some(module)
    }

    fn import(&mut self, before: &mut Vec<String>, tree: &UseTree) {
        let leaf = |uses: &mut Self, name: &str, local: &str| {
            let mut path = before.clone();
            if name != "self" || path.is_empty() {
                path.push(name.to_owned());
            }
            // `use child::Name` without a prefix: a path relative to this module, or one of another crate.
            let absolute = uses.absolute(&path).or_else(|| {
                let mut relative = uses.module.clone();
                relative.extend(path.iter().cloned());
                Some(relative)
            });
            if let Some(absolute) = absolute {
                uses.imported.insert(local.to_owned(), absolute.clone());
                uses.paths.insert(absolute);
            }
        };
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(before, &path.tree);
                before.pop();
            }
            UseTree::Name(name) => leaf(self, &name.ident.to_string(), &name.ident.to_string()),
            UseTree::Rename(rename) => leaf(self, &rename.ident.to_string(), &rename.rename.to_string()),
            UseTree::Glob(_) => leaf(self, "*", "*"),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(before, tree)),
        }
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            _ => &[],
        };
        if !attributes.iter().any(is_test) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&mut Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some(path) = self.absolute(&segments) {
            self.paths.insert(path);
        }
        visit::visit_path(self, path);
    }
}

fn is_test(attribute: &Attribute) -> bool {
    let mut found = false;
    if attribute.path().is_ident("cfg") {
        // `cfg(feature = …)` and the like have values, which end the parse; they are not tests.
        let _ = attribute.parse_nested_meta(|meta| {
            found |= meta.path.is_ident("test");
            Ok(())
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cycles of a crate of these files.
    fn check(files: &[(&str, &str)], expected: &[&[&str]]) {
        let parse = |(path, text): &(&str, &str)| {
            let module = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
            (module, syn::parse_file(text).expect("the test has valid Rust"))
        };
        let files: Vec<_> = files.iter().map(parse).collect();
        assert_eq!(cycles(&files), expected);
    }

    #[test]
    fn siblings_that_use_one_another_are_a_cycle() {
        check(&[("", ""), ("a", "use crate::b::B;"), ("b", "use super::a::A;")], &[&["a", "b"]]);
        check(&[("", ""), ("a", "fn f() { crate::b::g() }"), ("b", "type A = crate::a::A;")], &[&["a", "b"]]);
        check(
            &[("", ""), ("a", "use crate::b;"), ("b", "use crate::c::C;"), ("c", "use crate::a::A;")],
            &[&["a", "b", "c"]],
        );
        check(&[("", ""), ("a", "use crate::b::B;"), ("b", "")], &[]);
    }

    #[test]
    fn re_exports_are_followed() {
        check(&[("", "pub use b::B;"), ("a", "use crate::B;"), ("b", "use crate::a::A;")], &[&["a", "b"]]);
    }

    #[test]
    fn parents_and_children_are_one_unit() {
        check(&[("", ""), ("a", "use x::X;"), ("a/x", "use super::A;")], &[]);
        check(&[("", ""), ("a", ""), ("a/x", "use crate::b::B;"), ("b", "use crate::a::A;")], &[&["a", "b"]]);
        check(&[("", ""), ("a", ""), ("a/x", "use super::y::Y;"), ("a/y", "use super::x::X;")], &[&["a/x", "a/y"]]);
    }

    #[test]
    fn tests_are_left_out() {
        check(&[("", ""), ("a", "#[cfg(test)] mod tests { use crate::b::B; }"), ("b", "use crate::a::A;")], &[]);
    }
}
