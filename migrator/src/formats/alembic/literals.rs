//! The literals that a Python module assigns at its outermost level, read
//! without Python. It is no parser of Python: it knows where a logical line
//! ends, and what `None`, a string, and a tuple or list of those look like.

use crate::text::Span;

/// An assignment to a name at the outermost level of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment<'a> {
    pub(super) name: &'a str,
    /// Of the value, as it is written.
    pub(super) span: Span,
    /// `None` where it is no literal of this kind.
    pub(super) value: Option<Literal>,
}

/// A value that needs no Python to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    None,
    Text(String),
    Several(Vec<Literal>),
}

impl Literal {
    /// The strings of it; `None` where it holds anything else.
    pub(super) fn texts(&self) -> Option<Vec<String>> {
        match self {
            Self::None => Some(Vec::new()),
            Self::Text(text) => Some(vec![text.clone()]),
            Self::Several(several) => several
                .iter()
                .map(|literal| match literal {
                    Self::Text(text) => Some(text.clone()),
                    Self::None | Self::Several(_) => None,
                })
                .collect(),
        }
    }
}

/// What a module says of itself.
#[derive(Debug, Default)]
pub(super) struct Module<'a> {
    /// The string that stands first.
    pub(super) docstring: Option<String>,
    pub(super) assignments: Vec<Assignment<'a>>,
}

impl<'a> Module<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let mut module = Self::default();
        let mut cursor = Cursor { text, at: 0 };
        if text.starts_with('\u{feff}') {
            cursor.at = '\u{feff}'.len_utf8();
        }
        let mut is_first = true;
        while cursor.at < text.len() {
            let start = cursor.at;
            if cursor.is_blank_line() {
                cursor.skip_line();
                continue;
            }
            let is_outermost = !cursor.rest().starts_with([' ', '\t']);
            if is_outermost {
                if is_first {
                    module.docstring = cursor.clone().strings();
                }
                module.assignments.extend(cursor.clone().assignment());
            }
            is_first = false;
            cursor.skip_logical_line();
            debug_assert!(cursor.at > start);
        }
        module
    }

    /// What a name is bound to in the end.
    pub(super) fn find(&self, name: &str) -> Option<&Assignment<'a>> {
        self.assignments.iter().rev().find(|it| it.name == name)
    }
}

#[derive(Clone)]
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn is_blank_line(&self) -> bool {
        let line = self.rest().lines().next().unwrap_or_default().trim_start();
        line.is_empty() || line.starts_with('#')
    }

    fn skip_line(&mut self) {
        self.at = match self.rest().find('\n') {
            Some(end) => self.at + end + 1,
            None => self.text.len(),
        };
    }

    /// To the beginning of the next statement: past line ends inside brackets and
    /// strings, and after a backslash.
    fn skip_logical_line(&mut self) {
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '\n' if depth == 0 => {
                    self.bump();
                    return;
                }
                '#' => {
                    // Its line end may still be inside brackets.
                    let rest = self.rest();
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                '\\' => {
                    self.bump();
                    self.bump();
                }
                '"' | '\'' => {
                    self.string(false);
                }
                _ => {
                    match c {
                        '(' | '[' | '{' => depth += 1,
                        ')' | ']' | '}' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    self.bump();
                }
            }
        }
    }

    /// `name = value` or `name: annotation = value`.
    fn assignment(mut self) -> Option<Assignment<'a>> {
        let name = self.name()?;
        self.skip_blanks();
        if self.peek() == Some(':') {
            self.bump();
            self.skip_annotation()?;
        }
        if self.peek() != Some('=') || self.rest().starts_with("==") {
            return None;
        }
        self.bump();
        self.skip_blanks();
        let start = self.at;
        let mut end = self.clone();
        end.skip_logical_line();
        let value = self.literal().filter(|_| {
            self.skip_blanks();
            self.rest().is_empty() || self.rest().starts_with(['\n', '\r', '#', ';'])
        });
        let end = if value.is_some() { self.at } else { end.at };
        let written = self.text[start..end].trim_end();
        Some(Assignment {
            name,
            span: Span::new(start, start + written.len()),
            value,
        })
    }

    fn name(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        if end == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.at += end;
        Some(&rest[..end])
    }

    /// To the `=` that ends an annotation.
    fn skip_annotation(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                '=' if depth == 0 => return Some(()),
                '\n' if depth == 0 => return None,
                '"' | '\'' => {
                    self.string(false);
                    continue;
                }
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.bump();
        }
    }

    /// White space on a line, and what joins it with the next.
    fn skip_blanks(&mut self) {
        let blanks = [" ", "\t", "\\\n", "\\\r\n"];
        while let Some(blank) = blanks.iter().find(|it| self.rest().starts_with(**it)) {
            self.at += blank.len();
        }
    }

    /// White space and comments, where a line end means nothing.
    fn skip_space(&mut self) {
        loop {
            match self.peek() {
                Some(c) if c.is_whitespace() => self.bump(),
                Some('#') => self.skip_line(),
                _ => return,
            }
        }
    }

    fn literal(&mut self) -> Option<Literal> {
        if let Some(text) = self.strings() {
            self.skip_blanks();
            // Without brackets, a comma makes a tuple all the same.
            return if self.peek() == Some(',') {
                None
            } else {
                Some(Literal::Text(text))
            };
        }
        if let Some(after) = self.rest().strip_prefix("None") {
            let ends = !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            return ends.then(|| {
                self.at += "None".len();
                Literal::None
            });
        }
        let (open, close) = match self.peek()? {
            '(' => ('(', ')'),
            '[' => ('[', ']'),
            _ => return None,
        };
        self.bump();
        let mut several = Vec::new();
        let mut has_comma = false;
        loop {
            self.skip_space();
            if self.peek()? == close {
                self.bump();
                break;
            }
            several.push(self.element()?);
            self.skip_space();
            match self.peek()? {
                ',' => {
                    self.bump();
                    has_comma = true;
                }
                c if c == close => {}
                _ => return None,
            }
        }
        // Brackets alone are no tuple.
        Some(match (open, has_comma, several.len()) {
            ('(', false, 1) => several.remove(0),
            _ => Literal::Several(several),
        })
    }

    fn element(&mut self) -> Option<Literal> {
        match self.strings() {
            Some(text) => Some(Literal::Text(text)),
            None => self.literal(),
        }
    }

    /// A string, or several that Python joins.
    fn strings(&mut self) -> Option<String> {
        let mut text = self.string(true)?;
        loop {
            let mut next = self.clone();
            next.skip_blanks();
            match next.string(true) {
                Some(more) => {
                    text.push_str(&more);
                    *self = next;
                }
                None => return Some(text),
            }
        }
    }

    /// One string. `plain` asks for one that means what is written: no bytes and
    /// no format.
    fn string(&mut self, plain: bool) -> Option<String> {
        let rest = self.rest();
        let quote = rest.find(['"', '\'']).filter(|at| *at <= 2)?;
        let prefix = rest[..quote].to_ascii_lowercase();
        let is_raw = prefix.contains('r');
        if !prefix.chars().all(|c| "rbuft".contains(c))
            || plain && !matches!(&*prefix, "" | "r" | "u")
        {
            return None;
        }
        let mark = &rest[quote..=quote];
        let mark = if rest[quote..].starts_with(&mark.repeat(3)) {
            &rest[quote..quote + 3]
        } else {
            mark
        };
        let mut text = String::new();
        self.at += quote + mark.len();
        loop {
            if self.rest().starts_with(mark) {
                self.at += mark.len();
                return Some(text);
            }
            match self.peek()? {
                // It has no end on this line: not ours to judge.
                '\n' if mark.len() == 1 => return None,
                '\\' => {
                    self.bump();
                    let escaped = self.peek()?;
                    self.bump();
                    match escaped {
                        _ if is_raw => text.extend(['\\', escaped]),
                        '\n' => {}
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        '\\' | '\'' | '"' => text.push(escaped),
                        _ => text.extend(['\\', escaped]),
                    }
                }
                c => {
                    text.push(c);
                    self.bump();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<Literal> {
        let module = Module::read(text);
        module.find("x").and_then(|it| it.value.clone())
    }

    fn text(text: &str) -> Literal {
        Literal::Text(text.to_owned())
    }

    #[test]
    fn literals_are_read_as_python_reads_them() {
        let pair = Literal::Several(vec![text("a"), text("b")]);
        for (source, literal) in [
            ("x = None\n", Some(Literal::None)),
            ("x = 'a'", Some(text("a"))),
            ("x: str = \"a\"  # note\n", Some(text("a"))),
            (
                "x: Union[str, Sequence[str], None] = 'a'\n",
                Some(text("a")),
            ),
            (
                "x: Union[\n    str,\n    None,\n] = None\n",
                Some(Literal::None),
            ),
            ("x = ('a', 'b')\n", Some(pair.clone())),
            (
                "x = (\n    'a',  # one\n    \"b\",\n)\n",
                Some(pair.clone()),
            ),
            ("x = ['a', 'b']\r\n", Some(pair.clone())),
            ("x = ('a',)\n", Some(Literal::Several(vec![text("a")]))),
            ("x = ('a')\n", Some(text("a"))),
            ("x = ('a' 'b')\n", Some(text("ab"))),
            ("x = \\\n    'a'\n", Some(text("a"))),
            ("x = r'a\\n'\n", Some(text("a\\n"))),
            ("x = 'first'\nx = 'last'\n", Some(text("last"))),
            ("x = make()\n", None),
            ("x = f'a'\n", None),
            ("x = b'a'\n", None),
            ("x = 'a' + 'b'\n", None),
            ("x = 'a', 'b'\n", None),
            ("x = Nonesuch\n", None),
            ("x = 'a\n", None),
        ] {
            assert_eq!(value(source), literal, "{source}");
        }
    }

    #[test]
    fn only_the_outermost_level_counts() {
        for source in [
            "def f():\n    x = 'a'\n",
            "'''\nx = 'a'\n'''\n",
            "y = (\nx == 'a')\n",
            "# x = 'a'\n",
            "s = '''it\\'s\nx = 'a'\n'''\n",
        ] {
            assert_eq!(Module::read(source).find("x"), None, "{source}");
        }
        let after = "s = \"\"\"\nx = 'no'\n\"\"\"\nd = {\n  'k': '}',\n}\nx = 'a'\n";
        assert_eq!(value(after), Some(text("a")));
    }

    #[test]
    fn the_docstring_is_the_string_that_stands_first() {
        let of = |source| Module::read(source).docstring;
        assert_eq!(
            of("# c\n\n\"\"\"users\n\nmore\"\"\"\n"),
            Some("users\n\nmore".into())
        );
        assert_eq!(of("import a\n'''no'''\n"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn a_value_has_its_place() {
        let source = "import a\nx = make(\n  1)\n";
        let module = Module::read(source);
        let span = module.find("x").unwrap().span;
        assert_eq!(&source[span.range()], "make(\n  1)");
    }
}
