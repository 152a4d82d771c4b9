//! A YAML text as a tree that knows where each part stands. It reads the first
//! document, follows aliases, and keeps what is written twice.

use crate::text::Span;
use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marked};
use std::collections::BTreeMap;

/// No spec that people write is deeper; what is would exhaust the stack.
const DEEPEST: usize = 64;

/// Aliases of aliases can make a short text endless.
const MOST_NODES: usize = 100_000;

/// A part of the text.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    List(Vec<Node>),
    /// Keys and values in the order written.
    Map(Vec<(Node, Node)>),
    /// `quoted`: it is a text, whatever it looks like.
    Scalar {
        text: String,
        quoted: bool,
    },
}

/// Why it is no YAML, and where.
#[derive(Debug)]
pub(super) struct Malformed {
    pub(super) at: usize,
    pub(super) why: String,
}

/// Reads a text; `None` where it says nothing.
///
/// # Errors
/// The first place that is no YAML, or goes too deep.
pub(super) fn parse(text: &str) -> Result<Option<Node>, Malformed> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        offsets: text.char_indices().map(|(offset, _)| offset).collect(),
        text,
        anchors: BTreeMap::new(),
        nodes: 0,
    };
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::DocumentEnd | Event::StreamEnd => return Ok(None),
            event => return reader.node(event, span, 0).map(Some),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    /// Of each character: the parser counts those.
    offsets: Vec<usize>,
    text: &'t str,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Malformed> {
        match self.parser.next_event() {
            Some(Ok((event, marked))) => Ok((event, self.span(marked))),
            Some(Err(error)) => Err(Malformed {
                at: self.offset(error.marker().index()),
                why: error.info().to_owned(),
            }),
            None => Ok((
                Event::StreamEnd,
                Span::new(self.text.len(), self.text.len()),
            )),
        }
    }

    fn offset(&self, character: usize) -> usize {
        self.offsets
            .get(character)
            .copied()
            .unwrap_or(self.text.len())
    }

    fn span(&self, marked: Marked) -> Span {
        Span::new(
            self.offset(marked.start.index()),
            self.offset(marked.end.index()),
        )
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Malformed> {
        let endless = |why: &str| Malformed {
            at: span.start,
            why: why.to_owned(),
        };
        self.nodes += 1;
        if depth > DEEPEST {
            return Err(endless("it is nested too deeply"));
        }
        if self.nodes > MOST_NODES {
            return Err(endless("it has too many parts"));
        }
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let quoted = style != ScalarStyle::Plain;
                let text = text.into_owned();
                (anchor, Value::Scalar { text, quoted })
            }
            Event::SequenceStart(anchor, _) => (anchor, Value::List(self.list(depth)?)),
            Event::MappingStart(anchor, _) => (anchor, Value::Map(self.map(depth)?)),
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let node = known.ok_or_else(|| endless("an alias in it refers to nothing"))?;
                self.nodes += node.size();
                return Ok(Node { span, ..node });
            }
            _ => return Err(endless("it ends too early")),
        };
        // A block ends where the next line is no part of it.
        let end = span.start + self.text[span.range()].trim_end().len();
        let span = Span::new(span.start, end);
        let node = Node { span, value };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Malformed> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Node, Node)>, Malformed> {
        let mut entries = Vec::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(entries),
                (event, span) => self.node(event, span, depth + 1)?,
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            match value.value {
                // A merge: what it brings stands as if it were written here.
                Value::Map(merged) if key.text() == Some("<<") => entries.extend(merged),
                _ => entries.push((key, value)),
            }
        }
    }
}

impl Node {
    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether nothing is said: `key:` and no more.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, quoted: false }
            if matches!(text.as_str(), "" | "~" | "null"))
    }

    pub(super) fn entries(&self) -> &[(Node, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::List(_) | Value::Scalar { .. } => &[],
        }
    }

    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            Value::Map(_) | Value::Scalar { .. } => &[],
        }
    }

    /// A key and its value; the last, where it is written twice, as YAML readers
    /// mostly have it. What says nothing is not there.
    pub(super) fn entry(&self, name: &str) -> Option<&(Node, Node)> {
        let mut entries = self.entries().iter().rev();
        let found = entries.find(|(key, _)| key.text() == Some(name));
        found.filter(|(_, value)| !value.is_nothing())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The text of a key's value.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Node::text)
    }

    fn size(&self) -> usize {
        match &self.value {
            Value::List(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Value::Map(entries) => {
                let sizes = entries.iter().map(|(key, value)| key.size() + value.size());
                1 + sizes.sum::<usize>()
            }
            Value::Scalar { .. } => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Node {
        parse(text).unwrap().unwrap()
    }

    #[test]
    fn every_part_knows_its_bytes() {
        let text = "\u{feff}a: é x\nb:\n  - 'c d'\n";
        let node = read(text);
        let a = node.get("a").map(|node| &text[node.span.range()]);
        let c = node
            .get("b")
            .map(|list| &text[list.items()[0].span.range()]);
        assert_eq!((a, c), (Some("é x"), Some("'c d'")));
    }

    #[test]
    fn aliases_and_merges_stand_for_what_they_name() {
        let node = read("x: &x {k: v}\na: *x\nb:\n  <<: *x\n  l: w\n");
        let of = |name: &str, key: &str| node.get(name).and_then(|node| node.word(key));
        assert_eq!(of("a", "k"), Some("v"));
        assert_eq!((of("b", "k"), of("b", "l")), (Some("v"), Some("w")));
    }

    #[test]
    fn what_is_no_yaml_is_placed() {
        for (text, at) in [("a: 1\n\tb: 2\n", 3), ("é: [\n", 6), ("a: *x\n", 3)] {
            assert_eq!(
                parse(text).map(|_| ()).map_err(|error| error.at),
                Err(at),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_bomb_is_refused() {
        let deep = "[".repeat(10_000);
        assert!(parse(&deep).is_err());
        let mut lines = vec!["a0: &a0 [x, x, x, x, x, x, x, x, x, x]".to_owned()];
        for level in 1..9 {
            let before = level - 1;
            let items = vec![format!("*a{before}"); 10].join(", ");
            lines.push(format!("a{level}: &a{level} [{items}]"));
        }
        assert!(parse(&lines.join("\n")).is_err());
    }
}
