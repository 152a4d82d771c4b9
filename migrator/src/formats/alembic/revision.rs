//! One file of a versions folder: a revision, and which ones it follows.

use super::literals::{Literal, Module};
use crate::model::{Body, Migration, Needs, Script, Version};
use crate::text::{SourceFile, Span};
use std::sync::Arc;

/// A revision, as its file says it (Alembic 1.19, `alembic/script/base.py`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    pub id: String,
    /// The first paragraph of the file's docstring, on one line.
    pub message: String,
    /// Those that it follows: none for a beginning, several for a merge.
    pub follows: Vec<String>,
    /// Those that must be there before it, whatever branch they are on.
    pub depends_on: Vec<String>,
    pub branch_labels: Vec<String>,
    pub file: Arc<SourceFile>,
    /// Where the file says its name.
    pub span: Span,
    /// Where it says which ones it follows.
    pub follows_span: Span,
    /// Whether a part of it is committed by itself.
    pub commits_early: bool,
}

/// Something of a file that only Python can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub file: Arc<SourceFile>,
    pub span: Span,
    /// The name whose value it is, or that is not there.
    pub name: &'static str,
    pub is_missing: bool,
}

/// Whether Alembic takes a file for a revision's, by its name (`_only_source_rev_file`).
#[must_use]
pub fn is_revision_file(name: &str) -> bool {
    let is_python = name.strip_suffix(".py").is_some();
    is_python && !name.starts_with(".#") && !name.starts_with("__init__")
}

impl Revision {
    /// Reads a file.
    ///
    /// # Errors
    /// What in it is no literal.
    pub fn read(file: &Arc<SourceFile>) -> Result<Self, Unreadable> {
        let module = Module::read(file.text());
        let whole = Span::new(0, 0);
        let texts = |name: &'static str| -> Result<(Vec<String>, Span), Unreadable> {
            let Some(assignment) = module.find(name) else {
                return Ok((Vec::new(), whole));
            };
            let texts = assignment.value.as_ref().and_then(Literal::texts);
            let unreadable = || Unreadable {
                file: Arc::clone(file),
                span: assignment.span,
                name,
                is_missing: false,
            };
            texts
                .map(|texts| (texts, assignment.span))
                .ok_or_else(unreadable)
        };
        let missing = |name, span| Unreadable {
            file: Arc::clone(file),
            span,
            name,
            is_missing: true,
        };
        let (ids, span) = texts("revision")?;
        let [id] = <[String; 1]>::try_from(ids).map_err(|_| missing("revision", span))?;
        let (follows, follows_span) = texts("down_revision")?;
        if module.find("down_revision").is_none() {
            return Err(missing("down_revision", span));
        }
        Ok(Self {
            id,
            message: message(module.docstring.as_deref()),
            follows,
            depends_on: texts("depends_on")?.0,
            branch_labels: texts("branch_labels")?.0,
            file: Arc::clone(file),
            span,
            follows_span,
            commits_early: file.text().contains("autocommit_block"),
        })
    }

    /// The migration that it is. Both directions are functions of one file, and
    /// Alembic runs them.
    #[must_use]
    pub fn migration(&self) -> Migration {
        let script = Script {
            file: Arc::clone(&self.file),
            transaction: !self.commits_early,
            body: Body::Delegated,
            allow: Vec::new(),
        };
        let versions = |ids: &[String]| ids.iter().map(|id| Version::new(id.as_str())).collect();
        Migration {
            version: Version::new(self.id.as_str()),
            name: self.message.clone(),
            up: script.clone(),
            down: Some(script),
            checksum: None,
            needs: Needs::These {
                follows: versions(&self.follows),
                depends_on: versions(&self.depends_on),
            },
        }
    }

    /// Those that must be there before it.
    pub fn parents(&self) -> impl Iterator<Item = &str> {
        self.follows
            .iter()
            .chain(&self.depends_on)
            .map(String::as_str)
    }
}

fn message(docstring: Option<&str>) -> String {
    let text = docstring.unwrap_or_default().trim_start();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<_> = paragraph.split_whitespace().collect();
    // A file without a blank line has Alembic's own lines in it.
    let own = words.iter().position(|word| *word == "Revision");
    let end = match own {
        Some(at) if words.get(at + 1) == Some(&"ID:") => at,
        _ => words.len(),
    };
    words[..end].join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Revision, Unreadable> {
        Revision::read(&Arc::new(SourceFile::new("versions/a.py", text)))
    }

    #[test]
    fn a_file_of_alembics_own_template_is_read() {
        let revision = read(
            "\"\"\"create users\n\nRevision ID: ae1027a6acf\nRevises: 1975ea83b712\n\"\"\"\n\
             from typing import Sequence, Union\n\n\
             revision: str = 'ae1027a6acf'\n\
             down_revision: Union[str, Sequence[str], None] = '1975ea83b712'\n\
             branch_labels: Union[str, Sequence[str], None] = None\n\
             depends_on: Union[str, Sequence[str], None] = ('27c6a30d7c24',)\n\n\
             def upgrade() -> None:\n    pass\n",
        )
        .unwrap();
        assert_eq!(revision.migration().label(), "ae1027a6acf create users");
        assert_eq!(revision.follows, ["1975ea83b712"]);
        assert_eq!(revision.depends_on, ["27c6a30d7c24"]);
        assert_eq!(revision.file.slice(revision.span), "'ae1027a6acf'");
        assert!(!revision.commits_early);
    }

    #[test]
    fn what_is_no_literal_is_named_with_its_place() {
        let text = "revision = 'a'\ndown_revision = previous()\n";
        let unreadable = read(text).unwrap_err();
        assert_eq!(unreadable.name, "down_revision");
        assert_eq!(&text[unreadable.span.range()], "previous()");
        assert!(read("down_revision = None\n").unwrap_err().is_missing);
        assert!(read("revision = 'a'\n").unwrap_err().is_missing);
    }

    #[test]
    fn a_message_is_the_first_paragraph() {
        assert_eq!(message(Some("add\n  notes\n\nRevision ID: x")), "add notes");
        assert_eq!(message(Some("add notes\nRevision ID: x")), "add notes");
        assert_eq!(message(None), "");
    }

    #[test]
    fn only_what_alembic_takes_is_a_revisions_file() {
        assert!(is_revision_file("ae10_users.py"));
        for name in ["__init__.py", ".#a.py", "a.pyc", "README", "a.sql"] {
            assert!(!is_revision_file(name), "{name}");
        }
    }
}
