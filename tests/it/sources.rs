//! The sources as the compiler sees their names: modules, what they declare, what their `use` lines
//! bring in.

use crate::run::root;
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::collections::BTreeMap;
use std::path::Path;
use syn::{Attribute, Item, UseTree, Visibility};

/// A module of the library.
pub(crate) struct Module {
    pub(crate) items: Vec<Item>,
    /// Names that `use` lines bring in, each with the path that stands there.
    uses: BTreeMap<String, String>,
}

/// All modules by their path from `espial` on, without those of tests.
pub(crate) struct Sources(pub(crate) BTreeMap<String, Module>);

impl Sources {
    pub(crate) fn read() -> Self {
        let mut sources = Self(BTreeMap::new());
        sources.add("espial", &root().join("src/lib.rs"));
        sources
    }

    /// Adds the module of a file, and those that it declares.
    fn add(&mut self, path: &str, file: &Path) {
        let text = std::fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let items = parsed.items.into_iter().flat_map(expand);
        let items: Vec<Item> = items.filter(|item| !is_test(item)).collect();
        let folder = match file
            .file_stem()
            .is_some_and(|stem| stem == "mod" || stem == "lib")
        {
            true => file.parent().unwrap().to_owned(),
            false => file.with_extension(""),
        };
        let mut uses = BTreeMap::new();
        for item in &items {
            match item {
                Item::Use(line) => uses.extend(leaves(&line.tree)),
                Item::Mod(inner) if inner.content.is_none() => {
                    let name = inner.ident.to_string();
                    let beside = folder.join(format!("{name}.rs"));
                    let file = if beside.exists() {
                        beside
                    } else {
                        folder.join(&name).join("mod.rs")
                    };
                    self.add(&format!("{path}::{name}"), &file);
                }
                _ => {}
            }
        }
        self.0.insert(path.to_owned(), Module { items, uses });
    }

    /// Where the thing is declared that a module knows by this path. `None` for what the language, its
    /// prelude or the item itself brings along.
    pub(crate) fn resolve(&self, module: &str, path: &str) -> Option<String> {
        let (first, rest) = path
            .split_once("::")
            .map_or((path, None), |(f, r)| (f, Some(r)));
        let and_rest =
            |start: &str| rest.map_or(start.to_owned(), |rest| format!("{start}::{rest}"));
        let own = format!("{module}::{first}");
        match first {
            "crate" => self.resolve("espial", rest?),
            "self" => self.resolve(module, rest?),
            "super" => self.resolve(module.rsplit_once("::")?.0, rest?),
            // A module and what it declares may have the same name.
            _ if rest.is_some() && self.0.contains_key(&own) => self.resolve(&own, rest?),
            _ if rest.is_none() && self.declares(module, first) => Some(own),
            _ => match self.0[module].uses.get(first) {
                // A `use` line begins where the module's own names and outside crates are.
                Some(told) if and_rest(told) != path => self.resolve(module, &and_rest(told)),
                _ if self.0.contains_key(&own) => Some(and_rest(&own)),
                _ => rest.map(|_| path.to_owned()),
            },
        }
    }

    fn declares(&self, module: &str, wanted: &str) -> bool {
        let mut items = self.0[module].items.iter();
        items.any(|item| !matches!(item, Item::Mod(_)) && name(item).is_some_and(|n| n == wanted))
    }

    /// The types and traits that are named in a piece of a module.
    pub(crate) fn named(&self, module: &str, tokens: TokenStream) -> Vec<String> {
        let mut found = Vec::new();
        paths(tokens, &mut |path| found.extend(self.resolve(module, path)));
        found
    }
}

/// The name that an item declares.
pub(crate) fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Mod(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// Whether an item is public where it stands, and shown in the documents.
pub(crate) fn is_shown(item: &Item) -> bool {
    let exported = |attribute: &Attribute| attribute.path().is_ident("macro_export");
    let public = match item {
        Item::Const(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Macro(item) => return item.attrs.iter().any(exported),
        Item::Mod(item) => &item.vis,
        Item::Static(item) => &item.vis,
        Item::Struct(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Type(item) => &item.vis,
        Item::Use(item) => &item.vis,
        _ => return false,
    };
    matches!(public, Visibility::Public(_)) && !is_hidden(attributes(item))
}

/// Whether attributes keep something out of the documents.
pub(crate) fn is_hidden(attributes: &[Attribute]) -> bool {
    says(attributes, "doc", "hidden")
}

/// The names that a `use` line brings in, with the path of each.
pub(crate) fn leaves(tree: &UseTree) -> Vec<(String, String)> {
    fn walk(tree: &UseTree, before: &str, found: &mut Vec<(String, String)>) {
        let join = |name: &str| match (before, name) {
            ("", name) => name.to_owned(),
            (before, "self") => before.to_owned(),
            (before, name) => format!("{before}::{name}"),
        };
        match tree {
            UseTree::Path(path) => walk(&path.tree, &join(&path.ident.to_string()), found),
            UseTree::Name(leaf) => {
                let path = join(&leaf.ident.to_string());
                let name = path.rsplit("::").next().unwrap_or_default().to_owned();
                found.push((name, path));
            }
            UseTree::Rename(leaf) => {
                found.push((leaf.rename.to_string(), join(&leaf.ident.to_string())))
            }
            UseTree::Group(group) => group
                .items
                .iter()
                .for_each(|tree| walk(tree, before, found)),
            UseTree::Glob(_) => {}
        }
    }
    let mut found = Vec::new();
    walk(tree, "", &mut found);
    found
}

/// Tokens as one would write them on one line.
pub(crate) fn spell(tokens: TokenStream) -> String {
    let mut text = String::new();
    write(tokens, &mut text);
    text.trim_end().to_owned()
}

fn write(tokens: TokenStream, text: &mut String) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => (" { ", " }"),
                    Delimiter::None => ("", ""),
                };
                let is_word = |last: char| last.is_alphanumeric();
                if open == "[" && text.ends_with(is_word) || text.ends_with("&mut") {
                    text.push(' ');
                }
                text.push_str(open);
                write(group.stream(), text);
                text.truncate(text.trim_end_matches([',', ' ']).len());
                text.push_str(close);
            }
            TokenTree::Punct(punct) => {
                let next = tokens.peek().map(ToString::to_string);
                match (punct.as_char(), next.as_deref()) {
                    (one @ (':' | '-'), Some(two @ (":" | ">")))
                        if punct.spacing() == Spacing::Joint =>
                    {
                        tokens.next();
                        text.push_str(if (one, two) == (':', ":") {
                            "::"
                        } else {
                            " -> "
                        });
                    }
                    (mark @ (':' | ',' | ';'), _) => text.extend([mark, ' ']),
                    (mark @ ('=' | '+'), _) => text.extend([' ', mark, ' ']),
                    (mark @ '\'', _) => word(&mark.to_string(), text),
                    (mark, _) => text.push(mark),
                }
            }
            other => word(&other.to_string(), text),
        }
    }
}

/// Writes a word, apart from one before it.
fn word(word: &str, text: &mut String) {
    let apart = |last: char| last.is_alphanumeric() || matches!(last, '_' | '>' | ')' | ']');
    if text.ends_with(apart) {
        text.push(' ');
    }
    text.push_str(word);
}

/// Calls a function with each path to a type or trait.
fn paths(tokens: TokenStream, found: &mut dyn FnMut(&str)) {
    let mut path = String::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => paths(group.stream(), found),
            TokenTree::Ident(ident) => {
                let ident = ident.to_string();
                path += &ident;
                if ident.starts_with(|first: char| first.is_ascii_uppercase()) {
                    found(&std::mem::take(&mut path));
                }
                match tokens.peek() {
                    Some(TokenTree::Punct(colon))
                        if colon.as_char() == ':'
                            && colon.spacing() == Spacing::Joint
                            && !path.is_empty() =>
                    {
                        tokens.next();
                        tokens.next();
                        path += "::";
                    }
                    _ => path.clear(),
                }
            }
            _ => path.clear(),
        }
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_test(item: &Item) -> bool {
    says(attributes(item), "cfg", "test")
}

/// Whether an attribute of this name says just this word.
fn says(attributes: &[Attribute], name: &str, word: &str) -> bool {
    attributes.iter().any(|attribute| {
        let list = attribute.meta.require_list();
        attribute.path().is_ident(name) && list.is_ok_and(|list| list.tokens.to_string() == word)
    })
}

/// What the two macros that declare types make of it: their own documents say the same.
fn expand(item: Item) -> Vec<Item> {
    let Item::Macro(call) = &item else {
        return vec![item];
    };
    let tokens: Vec<TokenTree> = call.mac.tokens.clone().into_iter().collect();
    let derived = "#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]";
    let text = if call.mac.path.is_ident("registry") {
        let at = tokens
            .iter()
            .position(|token| token.to_string() == "struct")
            .unwrap();
        let [name, number, TokenTree::Group(rows)] = &tokens[at + 1..at + 4] else {
            panic!("a registry has a name, a number and rows");
        };
        let rows: Vec<String> = rows
            .stream()
            .into_iter()
            .map(|row| row.to_string())
            .collect();
        let keys = rows
            .windows(2)
            .filter(|pair| pair[1] == "=")
            .map(|pair| &pair[0]);
        let keys: String = keys
            .map(|key| format!("pub const {key}: Self = Self(0);"))
            .collect();
        let number = spell(number.clone().into()).replace(['(', ')'], "");
        format!(
            "{derived} pub struct {name}(pub {number});
             impl {name} {{
                 {keys}
                 pub const NAMED: &'static [(Self, &'static str, &'static str)] = &[];
                 pub fn name(self) -> Option<&'static str> {{}}
                 pub fn reference(self) -> Option<&'static str> {{}}
             }}
             impl core::fmt::Display for {name} {{}}"
        )
    } else if call.mac.path.is_ident("id") {
        let name = &tokens[0];
        format!(
            "{derived} pub struct {name}(pub u32); impl crate::model::table::Id for {name} {{}}"
        )
    } else {
        return vec![item];
    };
    syn::parse_file(&text).unwrap().items
}
