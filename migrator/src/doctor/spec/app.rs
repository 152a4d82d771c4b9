//! An app spec as its rules ask of it: components, their variables, and what the
//! text around them says.

use super::super::yaml::Node;
use crate::diagnostic::{Diagnostic, Place};
use crate::text::{SourceFile, Span};
use std::sync::Arc;

/// A spec, or a part of one that is to be pasted into it.
pub(super) struct App<'s> {
    /// As it may be shown: without secrets, and with every byte in its place.
    pub(super) file: &'s Arc<SourceFile>,
    pub(super) root: &'s Node,
    pub(super) components: Vec<Component<'s>>,
    pub(super) databases: Vec<&'s Node>,
    /// Of the app, for all components.
    pub(super) envs: Vec<Env<'s>>,
}

/// What a component is, by the list that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Function,
    Job,
    Service,
    StaticSite,
    Worker,
}

#[derive(Clone)]
pub(super) struct Component<'s> {
    pub(super) kind: Kind,
    pub(super) node: &'s Node,
    pub(super) envs: Vec<Env<'s>>,
}

/// A variable.
#[derive(Clone)]
pub(super) struct Env<'s> {
    pub(super) node: &'s Node,
    pub(super) key: &'s str,
    pub(super) value: Option<&'s str>,
}

impl Kind {
    pub(super) const LISTS: [(&'static str, Self); 5] = [
        ("functions", Self::Function),
        ("jobs", Self::Job),
        ("services", Self::Service),
        ("static_sites", Self::StaticSite),
        ("workers", Self::Worker),
    ];

    /// As a person calls it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Job => "job",
            Self::Service => "service",
            Self::StaticSite => "static site",
            Self::Worker => "worker",
        }
    }
}

impl<'s> App<'s> {
    pub(super) fn of(file: &'s Arc<SourceFile>, root: &'s Node) -> Self {
        let components = Kind::LISTS.into_iter().flat_map(|(list, kind)| {
            let items = root.get(list).map_or(&[][..], Node::items);
            items.iter().map(move |node| Component {
                kind,
                node,
                envs: envs(node),
            })
        });
        Self {
            file,
            components: components.collect(),
            databases: root
                .get("databases")
                .map_or(&[][..], Node::items)
                .iter()
                .collect(),
            envs: envs(root),
            root,
        }
    }

    /// Whether it is the whole spec of an app, and not a part that is to be pasted
    /// into one.
    pub(super) fn is_whole(&self) -> bool {
        let known = |name| self.root.get(name).is_some();
        known("name") || known("services") || known("databases") || known("region")
    }

    pub(super) fn jobs(&self) -> impl Iterator<Item = &Component<'s>> {
        let components = self.components.iter();
        components.filter(|component| component.kind == Kind::Job)
    }

    /// A finding at a part of the text.
    pub(super) fn at(
        &self,
        finding: Diagnostic,
        span: Span,
        label: impl Into<String>,
    ) -> Diagnostic {
        finding.at(Some(Place::new(self.file, span)), label)
    }

    /// The variable of a component: its own, or the app's.
    pub(super) fn env<'a>(
        &'a self,
        component: &'a Component<'s>,
        key: &str,
    ) -> Option<&'a Env<'s>> {
        let all = component.envs.iter().chain(&self.envs);
        all.into_iter().find(|env| env.key == key)
    }
}

impl<'s> Component<'s> {
    /// Its name, or what stands for it in a message.
    pub(super) fn name(&self) -> &'s str {
        self.node.word("name").unwrap_or("without a name")
    }

    /// `the job db-migrate`.
    pub(super) fn title(&self) -> String {
        match self.node.word("name") {
            Some(name) => format!("the {} {name}", self.kind.noun()),
            None => format!("a {} without a name", self.kind.noun()),
        }
    }

    /// Where a key of it stands, or its name, or its beginning.
    pub(super) fn key(&self, name: &str) -> Span {
        let entry = self.node.entry(name).or_else(|| self.node.entry("name"));
        match (entry, self.node.entries().first()) {
            (Some((key, _)), _) | (None, Some((key, _))) => key.span,
            (None, None) => self.node.span,
        }
    }

    pub(super) fn run_command(&self) -> Option<&'s str> {
        self.node.word("run_command")
    }
}

impl Env<'_> {
    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.node.word(name) == Some(value)
    }

    /// Where its value stands, or its key.
    pub(super) fn span(&self) -> Span {
        let value = self.node.get("value").or_else(|| self.node.get("key"));
        value.map_or(self.node.span, |node| node.span)
    }
}

fn envs(node: &Node) -> Vec<Env<'_>> {
    let items = node.get("envs").map_or(&[][..], Node::items);
    let env = |node| -> Option<Env<'_>> {
        let key = Node::word(node, "key")?;
        Some(Env {
            node,
            key,
            value: node.word("value"),
        })
    };
    items.iter().filter_map(env).collect()
}
