//! Bodies with semicolons of their own: `BEGIN ATOMIC … END` on PostgreSQL,
//! triggers on SQLite, routines, triggers and events on MySQL.
//!
//! Which words open a block depends on where they stand: at the beginning of a
//! statement `IF` is a statement, elsewhere a function or part of `IF EXISTS`. So
//! this follows where statements begin, and nothing else of the grammar. `END`
//! closes a block only where a statement could begin, for it is a fine name of a
//! column everywhere but on PostgreSQL.

use crate::text::Span;

use super::Dialect;
use super::header::{Header, HeaderStep, Sign};
use super::keyword::Keyword;
use super::scanner::{Token, TokenKind};

/// What is known of a statement's body so far.
pub(super) struct Body {
    dialect: Dialect,
    part: Part,
    /// Whether it is of a sort that can have a body.
    of_routine: bool,
    parentheses: usize,
    blocks: Vec<Block>,
    /// The token that opened the outermost block.
    opening: Span,
    /// A word after `.` or `@` is a name.
    name_follows: bool,
    /// An operand must follow, so that `END` is a name.
    operand_follows: bool,
}

#[derive(Clone, Copy)]
enum Part {
    Body(Place),
    Head(Header),
    Tail,
}

/// Where in a body's statement the next token stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// After one of a handler's conditions: a comma and another, or its statement.
    AfterCondition,
    /// After `END`: the `IF` of `END IF`, or a label.
    AfterEnd,
    /// At one of a handler's conditions.
    Condition,
    /// After `DECLARE`.
    Declaration,
    /// After `DECLARE … HANDLER`.
    Handler,
    Inside,
    /// After a first word that may prove to be a label.
    Label,
    Statement,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    /// `IF` and the statement `CASE`: statements after `THEN` and `ELSE`.
    Branches,
    CaseExpression,
    /// `WHILE` and `FOR`, to their `DO`.
    Heading,
    /// `BEGIN`, `LOOP`, and `WHILE` and `FOR` after their `DO`.
    Plain,
    Repeat,
    /// `REPEAT` after its `UNTIL`: an expression, then `END`.
    Until,
}

impl Body {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            part: Part::Head(Header::Start),
            of_routine: false,
            parentheses: 0,
            blocks: Vec::new(),
            opening: Span::default(),
            name_follows: false,
            operand_follows: false,
        }
    }

    /// Whether the statement is of a sort that can have a body.
    pub(super) fn is_of_routine(&self) -> bool {
        self.of_routine
    }

    /// What opened the body that is not closed yet. An expression opens none, at the
    /// end of a file no more than before a semicolon.
    pub(super) fn open_since(&self) -> Option<Span> {
        let is_open = |block: &Block| *block != Block::CaseExpression;
        self.blocks.iter().any(is_open).then_some(self.opening)
    }

    /// A semicolon: whether it belongs to the body, instead of ending it.
    pub(super) fn takes_semicolon(&mut self) -> bool {
        // No expression goes beyond a semicolon: what looks like one was a name.
        while self.blocks.last() == Some(&Block::CaseExpression) {
            self.blocks.pop();
        }
        self.name_follows = false;
        self.operand_follows = false;
        if let Part::Body(place) = &mut self.part {
            *place = Place::Statement;
        }
        !self.blocks.is_empty()
    }

    /// Any other token of the statement, with its text.
    pub(super) fn read(&mut self, token: Token, text: &str) {
        if matches!(self.part, Part::Tail) || token.kind == TokenKind::ExecutableMark {
            return;
        }
        let is_keyword = token.kind == TokenKind::Word && !self.name_follows;
        let keyword = Keyword::new(if is_keyword { text } else { "" });
        let sign = Sign {
            kind: token.kind,
            span: token.span,
            keyword: keyword.as_str(),
        };
        self.name_follows = sign.is_symbol(b'.') || sign.is_symbol(b'@');
        match self.part {
            Part::Head(head) => self.read_head(head, sign),
            Part::Body(place) => self.read_body(place, sign),
            Part::Tail => {}
        }
        self.operand_follows = matches!(sign.keyword, "CASE" | "ELSE" | "THEN" | "WHEN");
    }

    fn read_head(&mut self, head: Header, sign: Sign<'_>) {
        if sign.is_symbol(b'(') {
            self.parentheses += 1;
        } else if sign.is_symbol(b')') {
            self.parentheses = self.parentheses.saturating_sub(1);
        }
        if self.parentheses > 0 {
            return;
        }
        let step = head.read(self.dialect, sign);
        self.of_routine |= match &step {
            HeaderStep::BodyHere | HeaderStep::BodyNext | HeaderStep::BodySince(_) => true,
            HeaderStep::Head(head) => head.is_of_routine(),
            HeaderStep::NoBody => false,
        };
        match step {
            HeaderStep::BodyHere => self.read_body(Place::Statement, sign),
            HeaderStep::BodyNext => self.part = Part::Body(Place::Statement),
            HeaderStep::BodySince(span) => {
                self.open(Block::Plain, span);
                self.part = Part::Body(Place::Statement);
            }
            HeaderStep::Head(head) => self.part = Part::Head(head),
            HeaderStep::NoBody => self.part = Part::Tail,
        }
    }

    fn read_body(&mut self, place: Place, sign: Sign<'_>) {
        let next = match (place, sign.keyword) {
            (Place::Label, _) if sign.is_symbol(b':') => Place::Statement,
            (Place::AfterEnd, _) => Place::Inside,
            (Place::Declaration, "CONTINUE" | "EXIT" | "UNDO") => Place::Declaration,
            (Place::Declaration, "HANDLER") => Place::Handler,
            (Place::Handler, "FOR") | (Place::Condition, "NOT" | "SQLSTATE" | "VALUE") => {
                Place::Condition
            }
            (Place::Condition, _) => Place::AfterCondition,
            (Place::AfterCondition, _) if sign.is_symbol(b',') => Place::Condition,
            (Place::AfterCondition | Place::Statement, _) => self.begin_statement(sign),
            (Place::Declaration | Place::Handler | Place::Inside | Place::Label, word) => {
                self.continue_statement(word)
            }
        };
        self.part = Part::Body(next);
    }

    fn begin_statement(&mut self, sign: Sign<'_>) -> Place {
        match (sign.keyword, self.blocks.last()) {
            ("BEGIN" | "LOOP", _) => {
                self.open(Block::Plain, sign.span);
                Place::Statement
            }
            ("REPEAT", _) => {
                self.open(Block::Repeat, sign.span);
                Place::Statement
            }
            ("CASE" | "IF", _) => {
                self.open(Block::Branches, sign.span);
                Place::Inside
            }
            ("FOR" | "WHILE", _) => {
                self.open(Block::Heading, sign.span);
                Place::Inside
            }
            ("DECLARE", _) => Place::Declaration,
            ("ELSE", Some(Block::Branches)) => Place::Statement,
            ("END", Some(_)) => self.close(Place::AfterEnd),
            ("UNTIL", Some(Block::Repeat)) => self.turn_into(Block::Until, Place::Inside),
            _ if sign.is_name() => Place::Label,
            _ => Place::Inside,
        }
    }

    fn continue_statement(&mut self, keyword: &str) -> Place {
        match (keyword, self.blocks.last()) {
            ("CASE", _) => {
                self.blocks.push(Block::CaseExpression);
                Place::Inside
            }
            ("DO", Some(Block::Heading)) => self.turn_into(Block::Plain, Place::Statement),
            ("END", Some(Block::CaseExpression)) if !self.operand_follows => {
                self.close(Place::Inside)
            }
            ("END", Some(Block::Until)) => self.close(Place::AfterEnd),
            ("ELSE" | "THEN", Some(Block::Branches)) => Place::Statement,
            _ => Place::Inside,
        }
    }

    fn open(&mut self, block: Block, span: Span) {
        if self.blocks.is_empty() {
            self.opening = span;
        }
        self.blocks.push(block);
    }

    fn turn_into(&mut self, block: Block, place: Place) -> Place {
        if let Some(last) = self.blocks.last_mut() {
            *last = block;
        }
        place
    }

    fn close(&mut self, place: Place) -> Place {
        self.blocks.pop();
        place
    }
}
