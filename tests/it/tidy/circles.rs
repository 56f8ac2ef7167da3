//! Circles of imports between the files of `src`: a file that imports, directly or through
//! others, what imports it. Then neither can be read, or moved, without the other.
//!
//! A file imports another if it names something that is defined there. A name that passes
//! through a `pub use` counts as an import of the file that defines it, and `mod` declares
//! but does not import. What a file takes from its own parents does not count: it is the
//! inside of theirs, and can only be read with them.

use std::collections::{BTreeMap, BTreeSet};

/// A module's path in the crate. The root's is empty.
type Module = Vec<String>;

/// What one file has to say.
#[derive(Default)]
struct File {
    path: String,
    /// The code, without comments, the contents of strings, and `use` items.
    body: String,
    /// The names that `use` items bring in, with their paths.
    uses: BTreeMap<String, Use>,
}

struct Use {
    path: Vec<String>,
    /// Whether others may import the name from here.
    passes_on: bool,
}

/// The imports of each file: the file imported, and the names taken from it.
type Imports = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Returns each circle as text, with the names that tie it.
pub fn circles(files: &[(String, String)]) -> Vec<String> {
    let files: BTreeMap<Module, File> = files.iter().map(|(path, text)| read(path, text)).collect();
    let imports: Imports =
        files.keys().map(|module| (files[module].path.clone(), imports_of(module, &files))).collect();
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        imports.keys().map(|file| (file, reach(file, &imports))).collect();
    let mut told = BTreeSet::new();
    let mut circles = Vec::new();
    for (file, reaches) in &reached {
        let circle: BTreeSet<&String> =
            reaches.iter().copied().filter(|other| reached[*other].contains(*file)).collect();
        if circle.is_empty() || !told.insert(circle.clone()) {
            continue;
        }
        let mut text = format!("a circle of {} files:", circle.len());
        for from in &circle {
            for (to, names) in imports[*from].iter().filter(|(to, _)| circle.contains(to)) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                text += &format!("\n  {from} imports of {to}: {}", names.join(", "));
            }
        }
        circles.push(text);
    }
    circles
}

/// The files that `file` imports, directly or through others.
fn reach<'a>(file: &'a String, imports: &'a Imports) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut next = vec![file];
    while let Some(file) = next.pop() {
        next.extend(imports[file].keys().filter(|other| found.insert(*other)));
    }
    found
}

fn read(path: &str, text: &str) -> (Module, File) {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let module: Module = inner.split('/').filter(|part| *part != "lib").map(str::to_owned).collect();
    let mut file = File { path: path.to_owned(), ..File::default() };
    let mut items = String::new();
    for part in plain(text).split_inclusive([';', '{', '}']) {
        // A group's braces belong to its item.
        items += part;
        let Some(at) = use_at(&items) else {
            file.body += &std::mem::take(&mut items);
            continue;
        };
        if part.ends_with(';') {
            let item = std::mem::take(&mut items);
            let (before, item) = item.split_at(at);
            let passes_on = before.trim_end().ends_with("pub") || before.trim_end().ends_with(')');
            file.body += before;
            let tree = item.trim_start().trim_start_matches("use").trim_end_matches(';');
            expand(&[], tree, &mut |name, path| drop(file.uses.insert(name, Use { path, passes_on })));
        }
    }
    file.body += &items;
    (module, file)
}

/// Where a `use` item begins in a piece of code.
fn use_at(code: &str) -> Option<usize> {
    let word = |at: &usize| {
        let before = code[..*at].chars().next_back();
        let begins = code[..*at].trim_end();
        let is_item = begins.is_empty() || begins.ends_with(['}', ';', '{', ']', ')']) || begins.ends_with("pub");
        before.is_none_or(char::is_whitespace) && is_item && code[*at + 3..].starts_with(char::is_whitespace)
    };
    code.match_indices("use").map(|(at, _)| at).find(word)
}

/// Tells every name that a `use` tree brings in, with its path.
fn expand(prefix: &[String], tree: &str, tell: &mut impl FnMut(String, Vec<String>)) {
    let tree = tree.trim();
    if let Some((head, group)) = tree.split_once('{') {
        let prefix: Vec<String> = prefix.iter().cloned().chain(segments(head)).collect();
        let group = group.trim_end().strip_suffix('}').unwrap_or(group);
        return parts(group).into_iter().for_each(|part| expand(&prefix, part, tell));
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.trim())));
    let mut path: Vec<String> = prefix.iter().cloned().chain(segments(path)).collect();
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    // Every name of a glob is one of its module's.
    let Some(last) = path.last().cloned() else { return };
    tell(alias.map_or(last, str::to_owned), path);
}

fn segments(path: &str) -> impl Iterator<Item = String> + '_ {
    path.split("::").map(|segment| segment.trim().to_owned()).filter(|segment| !segment.is_empty())
}

/// The items of a group, by the commas outside inner groups.
fn parts(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&group[start..]);
    found.into_iter().filter(|part| !part.trim().is_empty()).collect()
}

/// The files that a module names something of, with what.
fn imports_of(module: &Module, files: &BTreeMap<Module, File>) -> BTreeMap<String, BTreeSet<String>> {
    let file = &files[module];
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    let mut import = |path: &[String]| {
        let Some((defined_in, name)) = resolve(module, path, files, 0) else { return };
        // A module's own name takes nothing of it.
        let Some(name) = name else { return };
        if !module.starts_with(&defined_in) {
            found.entry(files[&defined_in].path.clone()).or_default().insert(name);
        }
    };
    let paths = paths(&file.body);
    let words: BTreeSet<&str> = paths.iter().map(|path| path[0].as_str()).collect();
    for (name, item) in &file.uses {
        if !item.passes_on || words.contains(name.as_str()) {
            import(&item.path);
        }
    }
    for path in paths.iter().filter(|path| path.len() > 1) {
        match file.uses.get(&path[0]) {
            Some(item) => import(&item.path.iter().chain(&path[1..]).cloned().collect::<Vec<_>>()),
            None => import(path),
        }
    }
    found
}

/// Returns the module that defines what a path in `module` names, and its name; no name if
/// the path is that of a module.
fn resolve(
    module: &Module,
    path: &[String],
    files: &BTreeMap<Module, File>,
    depth: usize,
) -> Option<(Module, Option<String>)> {
    let mut here = module.clone();
    for (n, segment) in path.iter().enumerate() {
        let child: Module = here.iter().cloned().chain([segment.clone()]).collect();
        match segment.as_str() {
            "crate" => here = Module::new(),
            "self" => {}
            "super" => drop(here.pop()),
            _ if files.contains_key(&child) => here = child,
            // Another crate's, or a name of this file.
            _ if n == 0 => return None,
            // A name that another file passes on.
            _ if depth < 9 && files[&here].uses.contains_key(segment) => {
                let passed_on = files[&here].uses[segment].path.iter().chain(&path[n + 1..]);
                let path: Vec<String> = passed_on.cloned().collect();
                return resolve(&here, &path, files, depth + 1);
            }
            _ => return Some((here, Some(segment.clone()))),
        }
    }
    Some((here, None))
}

/// The paths in a piece of code, single names included.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    let mut end_of_last = None;
    let mut rest = 0;
    while let Some(start) = code[rest..].find(is_of_name).map(|at| rest + at) {
        let end = code[start..].find(|c| !is_of_name(c)).map_or(code.len(), |at| start + at);
        let name = code[start..end].to_owned();
        match found.last_mut() {
            Some(path) if end_of_last.is_some_and(|end: usize| code[end..start].trim() == "::") => path.push(name),
            _ => found.push(vec![name]),
        }
        (end_of_last, rest) = (Some(end), end);
    }
    found
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The code without comments and without the contents of strings.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("r#\"") {
            rest.find("\"#").map_or(rest.len(), |at| at + 2)
        } else if rest.starts_with("'\"'") {
            3
        } else if c == '"' {
            1 + end_of_string(&rest[1..])
        } else {
            plain.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        plain.push(' ');
        rest = &rest[skipped..];
    }
    plain
}

/// The length of a string literal after its opening quote.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
