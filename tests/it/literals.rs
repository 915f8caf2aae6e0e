//! What the sources say to people: string literals, found by a lexer of Rust.

use crate::run::root;
use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use syn::Lit;

/// How a literal is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Use {
    /// A sentence or a word.
    Said,
    /// A noun that is counted: its translation has a hole for the number.
    Counted,
    /// The head of a column.
    Head,
    /// Not known to be said.
    Other,
}

/// A string literal of the sources, without those of tests and attributes.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// `src/diagnose/rules/packet_loss.rs:12`.
    pub(crate) place: String,
    pub(crate) used: Use,
    pub(crate) text: String,
}

impl Found {
    /// The keys of catalogues that it stands for: itself, or the lines of a document, without the
    /// marks of headings.
    pub(crate) fn keys(&self) -> Vec<String> {
        match self.used {
            Use::Head => vec![format!("column\u{4}{}", self.text)],
            _ if self.text.contains("\n\n") => lines(&self.text).map(str::to_owned).collect(),
            _ => vec![self.text.clone()],
        }
    }
}

/// The lines of a document that are said.
pub(crate) fn lines(document: &str) -> impl Iterator<Item = &str> {
    let lines = document.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| line.strip_prefix("## ").unwrap_or(line))
}

/// Every string literal of `src`.
pub(crate) fn literals() -> Vec<Found> {
    let mut found = Vec::new();
    walk(&root().join("src"), &mut |path| {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let text = std::fs::read_to_string(path).unwrap();
        let tokens: TokenStream = text
            .parse()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut reader = Reader {
            is_prose: name.starts_with("src/diagnose/"),
            names_language: text.contains("language::"),
            is_report: name.starts_with("src/report/") && name != "src/report/keys.rs",
            name,
            read: BTreeSet::new(),
            found: &mut found,
        };
        reader.read(tokens);
    });
    found
}

/// Calls a function with every source that is no file of tests.
fn walk(folder: &Path, read: &mut impl FnMut(&PathBuf)) {
    for path in crate::run::entries(folder) {
        let is = |name: &str| path.file_name().is_some_and(|file| file == name);
        if path.is_dir() {
            walk(&path, read);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !["tests.rs", "testing.rs", "sample.rs"].into_iter().any(is)
        {
            read(&path);
        }
    }
}

struct Reader<'f> {
    name: String,
    /// Whether every literal with a blank is said: so it is where rules speak.
    is_prose: bool,
    /// Whether a literal that becomes something else becomes a text.
    names_language: bool,
    /// Whether tables have heads that are said.
    is_report: bool,
    /// Lines and columns of literals that are known, lest an argument be read twice.
    read: BTreeSet<(usize, usize)>,
    found: &'f mut Vec<Found>,
}

impl Reader<'_> {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut place = 0;
        while let Some(token) = tokens.get(place) {
            let rest = &tokens[place + 1..];
            place += 1;
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    let bang = usize::from(is_punct(rest.first(), '!'));
                    let Some(TokenTree::Group(attribute)) = rest.get(bang) else {
                        continue;
                    };
                    place += bang + 1;
                    if attribute.stream().to_string().replace(' ', "") == "cfg(test)" {
                        place += item(&tokens[place..]);
                    }
                }
                TokenTree::Ident(name) => self.call(&name.to_string(), rest),
                TokenTree::Literal(literal) => {
                    let becomes = self.names_language && is_into(rest);
                    let used = if becomes { Use::Said } else { Use::Other };
                    self.add(literal, used);
                }
                TokenTree::Group(group) => self.read(group.stream()),
                TokenTree::Punct(_) => {}
            }
        }
    }

    /// What is said by calling a function or macro.
    fn call(&mut self, name: &str, rest: &[TokenTree]) {
        let bang = usize::from(is_punct(rest.first(), '!'));
        let Some(TokenTree::Group(group)) = rest.get(bang) else {
            let head = self.is_report && name == "head" && is_punct(rest.first(), '=');
            if let (true, Some(TokenTree::Group(heads))) = (head, rest.get(1)) {
                for literal in arguments(heads.stream()).into_iter().flatten() {
                    self.add(&literal, Use::Head);
                }
            }
            return;
        };
        let arguments = arguments(group.stream());
        let said = |at: usize| arguments.get(at).cloned().flatten();
        match (name, bang) {
            ("say", 1) => self.add_all(said(0), Use::Said),
            ("count", 0) => self.add_all(said(1), Use::Counted),
            ("parted", 0) => self.add_all(said(0), Use::Said),
            ("word" | "part", 0) => self.add_all(arguments.into_iter().flatten(), Use::Said),
            _ => {}
        }
    }

    fn add_all(&mut self, literals: impl IntoIterator<Item = Literal>, used: Use) {
        for literal in literals {
            self.add(&literal, used);
        }
    }

    fn add(&mut self, literal: &Literal, used: Use) {
        let Lit::Str(text) = Lit::new(literal.clone()) else {
            return;
        };
        let start = literal.span().start();
        if !self.read.insert((start.line, start.column)) {
            return;
        }
        let text = text.value();
        let used = match used {
            Use::Other if self.is_prose && text.contains(' ') => Use::Said,
            used => used,
        };
        self.found.push(Found {
            place: format!("{}:{}", self.name, start.line),
            used,
            text,
        });
    }
}

/// The arguments of a call: those that are one literal, and `None` for others.
fn arguments(tokens: TokenStream) -> Vec<Option<Literal>> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens
        .split(|token| is_punct(Some(token), ','))
        .map(|argument| match argument {
            [TokenTree::Literal(literal)] => Some(literal.clone()),
            _ => None,
        })
        .collect()
}

/// How many tokens an item has: up to its braces or its semicolon.
fn item(tokens: &[TokenTree]) -> usize {
    let ends = tokens.iter().position(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_punct(Some(token), ';'),
    });
    ends.map_or(tokens.len(), |end| end + 1)
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

/// Whether `.into` follows.
fn is_into(rest: &[TokenTree]) -> bool {
    let is =
        |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Ident(name)) if name == "into");
    is_punct(rest.first(), '.') && is(rest.get(1))
}
