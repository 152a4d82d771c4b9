//! A source file as far as the import table asks: the paths in it, made
//! absolute, and its strings. Comments and tests are left out.

use std::fs;
use std::path::Path;

pub(crate) struct Source {
    /// Relative to src/.
    pub(crate) name: String,
    /// `crate::a::b`, `std::fs::File`, `println!`, each as often as it stands.
    pub(crate) paths: Vec<String>,
    pub(crate) strings: Vec<String>,
}

impl Source {
    /// Every source below a folder, but for the files that are only tests.
    pub(crate) fn all(src: &Path) -> Vec<Self> {
        let mut names = Vec::new();
        find(src, "", &mut names);
        names.sort();
        names
            .iter()
            .map(|name| Self::read(name, &fs::read_to_string(src.join(name)).unwrap()))
            .collect()
    }

    /// The first part of its module's path.
    pub(crate) fn layer(&self) -> &str {
        let end = self.name.find(['/', '.']).unwrap_or(self.name.len());
        &self.name[..end]
    }

    fn read(name: &str, text: &str) -> Self {
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let (code, strings) = without_strings(text);
        let module = module(name);
        let mut paths = Vec::new();
        let mut rest = code.as_str();
        while let Some((before, used, after)) = next_use(rest) {
            paths.extend(inline_paths(before));
            expand("", used, &mut paths);
            rest = after;
        }
        paths.extend(inline_paths(rest));
        Self {
            name: name.to_owned(),
            paths: paths.iter().map(|path| absolute(path, &module)).collect(),
            strings,
        }
    }
}

fn find(folder: &Path, prefix: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            if name != "tests" {
                find(&entry.path(), &format!("{prefix}{name}/"), names);
            }
        } else if is_source(&name) {
            names.push(format!("{prefix}{name}"));
        }
    }
}

fn is_source(name: &str) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| extension == "rs") && name != "tests.rs"
}

/// `db/postgres/mod.rs` is `db::postgres`.
fn module(name: &str) -> Vec<&str> {
    let path = name.trim_end_matches(".rs");
    path.split('/')
        .filter(|part| !matches!(*part, "mod" | "lib" | "main"))
        .collect()
}

/// The code with nothing in place of comments and strings, and the strings.
fn without_strings(text: &str) -> (String, Vec<String>) {
    let (mut code, mut strings) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some((string, length)) = string(rest) {
            strings.push(string.to_owned());
            length
        } else if let Some(length) = character(rest) {
            length
        } else {
            code.push(first);
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    (code, strings)
}

/// What stands in the quotes, and the length with them.
fn string(text: &str) -> Option<(&str, usize)> {
    if let Some(raw) = text.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let inside = raw[hashes..].strip_prefix('"')?;
        let end = inside.find(&format!("\"{}", "#".repeat(hashes)))?;
        return Some((&inside[..end], 3 + end + 2 * hashes));
    }
    let inside = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inside.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some((&inside[..end], end + 2))
}

/// The length of a character literal; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    if let Some(escape) = inside.strip_prefix('\\') {
        return Some(escape[1..].find('\'')? + 4);
    }
    let first = inside.chars().next()?;
    inside[first.len_utf8()..]
        .starts_with('\'')
        .then(|| first.len_utf8() + 2)
}

/// The text before the next `use`, its tree, and the text after it.
fn next_use(code: &str) -> Option<(&str, &str, &str)> {
    let at = code.match_indices("use ").map(|(at, _)| at).find(|at| {
        let before = code[..*at].trim_end_matches(' ');
        before.is_empty() || before.ends_with(['\n', ')', ';', '}', '{']) || before.ends_with("pub")
    })?;
    let (tree, after) = code[at + 4..].split_once(';')?;
    Some((&code[..at], tree, after))
}

/// `a::{b, c::d as e}` is `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    if let Some((path, inside)) = tree.split_once('{') {
        let inside = inside.trim_end().strip_suffix('}').unwrap_or(inside);
        let mut depth = 0;
        let branches = inside.split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        for branch in branches.filter(|branch| !branch.trim().is_empty()) {
            expand(&format!("{prefix}{}", path.trim()), branch, paths);
        }
    } else {
        let path = tree.split(" as ").next().unwrap().trim();
        let path = format!("{prefix}{path}");
        paths.push(path.trim_end_matches("::self").to_owned());
    }
}

/// Paths in the middle of code, and the names of macros.
fn inline_paths(code: &str) -> Vec<String> {
    code.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':' | '!')))
        .filter(|word| word.contains("::") || word.ends_with('!'))
        .map(|word| word.trim_matches(':').to_owned())
        .collect()
}

/// Without `super` and `self`.
fn absolute(path: &str, module: &[&str]) -> String {
    let mut parts: Vec<&str> = path.split("::").collect();
    let supers = parts.iter().take_while(|part| **part == "super").count();
    let is_self = parts.first() == Some(&"self");
    if supers == 0 && !is_self {
        return path.to_owned();
    }
    let above = &module[..module.len().saturating_sub(supers)];
    let rest = parts.split_off(if is_self { 1 } else { supers });
    let all: Vec<&str> = ["crate"].iter().chain(above).copied().chain(rest).collect();
    all.join("::")
}
