//! Circles between the files of a package: files that import each other, in
//! however many steps.
//!
//! A file imports the one that defines a name, not those that re-export it. A
//! module may use what its ancestors define: it is a part of them.

use std::collections::{BTreeMap, BTreeSet};

use super::rules;

/// A module, by the names on the way to it from the root of the crate; or an
/// item in it, with its name.
type Path = Vec<String>;

/// A name that a file imports, and the name it has there.
struct Import {
    path: Path,
    name: String,
    is_shown: bool,
}

struct File {
    name: String,
    imports: Vec<Import>,
    /// The paths in expressions and types.
    uses: Vec<Path>,
}

struct Package(BTreeMap<Path, File>);

/// No files of the package import each other, in however many steps.
pub fn none() {
    let package = Package::read();
    let edges = package.edges();
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = edges.keys().map(|from| (from, reach(&edges, from))).collect();
    let mut circles: BTreeSet<BTreeSet<&str>> = BTreeSet::new();
    for (from, to) in &reached {
        let back = to.iter().filter(|other| reached[**other].contains(*from));
        let circle: BTreeSet<&str> = back.map(|other| &*package.0[*other].name).collect();
        if !circle.is_empty() {
            circles.insert(circle);
        }
    }
    let text = |circle: BTreeSet<&str>| {
        let inside = |path: &Path| circle.contains(&*package.0[path].name);
        let mut lines = vec![format!("{} files import each other:", circle.len())];
        for from in edges.keys().filter(|from| inside(from)) {
            for to in edges[from].iter().filter(|to| inside(to)) {
                lines.push(format!("  {} imports {}", package.0[from].name, package.0[*to].name));
            }
        }
        lines.join("\n")
    };
    rules::report(circles.into_iter().map(text).collect());
}

/// Every module that is imported from here, in one step or several.
fn reach<'a>(edges: &'a BTreeMap<Path, BTreeSet<&'a Path>>, from: &Path) -> BTreeSet<&'a Path> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Path> = edges[from].iter().copied().collect();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(edges[next].iter().copied());
        }
    }
    found
}

impl Package {
    fn read() -> Package {
        let mut modules = BTreeMap::new();
        for (name, text) in rules::files(&["src"]) {
            let inner = name.trim_start_matches("src/").trim_end_matches(".rs");
            let module: Path =
                inner.split('/').filter(|part| !["lib", "mod"].contains(part)).map(str::to_owned).collect();
            let code: String = text.lines().map(|line| rules::code(line) + "\n").collect();
            let (imports, rest) = imports(&code);
            modules.insert(module, File { name, imports, uses: paths(&rest) });
        }
        Package(modules)
    }

    /// The modules that each module imports from.
    fn edges(&self) -> BTreeMap<Path, BTreeSet<&Path>> {
        let of = |module: &Path, file: &File| {
            let imported = file.imports.iter().map(|import| &import.path).chain(&file.uses);
            let definers = imported.filter_map(|path| self.definer(&self.absolute(module, path)?, 0));
            definers.filter(|definer| !module.starts_with(definer)).collect()
        };
        self.0.iter().map(|(module, file)| (module.clone(), of(module, file))).collect()
    }

    /// A path from the root of the crate; `None` for other crates'.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        let mut base = module.to_vec();
        match first.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                base.pop()?;
                return self.absolute(&base, &[&["self".to_owned()], rest].concat());
            }
            child => {
                base.push(child.to_owned());
                self.0.get(&base)?;
            }
        }
        match rest.first().map(String::as_str) {
            Some("super") => self.absolute(&base, rest),
            _ => Some([&base[..], rest].concat()),
        }
    }

    /// The module that defines what a path leads to.
    fn definer(&self, path: &[String], depth: usize) -> Option<&Path> {
        let length = (0..=path.len()).rev().find(|length| self.0.contains_key(&path[..*length]))?;
        let (module, file) = self.0.get_key_value(&path[..length])?;
        let Some(name) = path.get(length) else { return Some(module) };
        let shown = file.imports.iter().find(|import| import.is_shown && import.name == *name);
        match shown.and_then(|import| self.absolute(module, &import.path)) {
            // A name that is shown by itself ends somewhere.
            Some(further) if depth < 10 => self.definer(&further, depth + 1),
            _ => Some(module),
        }
    }
}

/// The imports of some code, and the code without them.
fn imports(code: &str) -> (Vec<Import>, String) {
    let (mut found, mut rest) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let words = line.trim_start();
        let is_shown = words.starts_with("pub");
        let after = words.strip_prefix("pub").map_or(words, |after| match after.strip_prefix('(') {
            Some(within) => within.split_once(')').map_or("", |(_, after)| after).trim_start(),
            None => after.trim_start(),
        });
        let Some(tree) = after.strip_prefix("use ") else {
            rest += line;
            rest.push('\n');
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.contains(';') {
            let Some(line) = lines.next() else { break };
            tree += line.trim();
        }
        expand(tree.trim().trim_end_matches(';'), &[], is_shown, &mut found);
    }
    (found, rest)
}

/// Adds each name that a tree of imports has.
fn expand(tree: &str, before: &[String], is_shown: bool, found: &mut Vec<Import>) {
    if let Some((head, group)) = tree.split_once('{') {
        let head = head.trim().trim_end_matches("::");
        let before: Path = before.iter().cloned().chain(words(head)).collect();
        let group = group.trim_end().trim_end_matches('}');
        let mut depth = 0;
        let branch = |c: char| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        };
        group.split(branch).filter(|tree| !tree.trim().is_empty()).for_each(|tree| {
            expand(tree.trim(), &before, is_shown, found);
        });
        return;
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.trim())));
    let mut path: Path = before.iter().cloned().chain(words(path.trim())).collect();
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let name = alias.map(str::to_owned).or_else(|| path.last().cloned()).unwrap_or_default();
    found.push(Import { path, name, is_shown });
}

fn words(path: &str) -> impl Iterator<Item = String> {
    path.split("::").filter(|word| !word.is_empty()).map(str::to_owned)
}

/// The paths in some code that begin at the root of the crate or a parent.
fn paths(code: &str) -> Vec<Path> {
    let is_of_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let all = code.split(|c: char| !is_of_path(c)).map(|path| words(path).collect::<Path>());
    all.filter(|path| matches!(path.first().map(String::as_str), Some("crate" | "super" | "self"))).collect()
}
