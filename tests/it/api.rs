//! The public API: what a library user can name, read from the sources and held to a text.
//!
//! A difference in `tests/public-api.txt` is a difference of the API; CONTRIBUTING.md says what it
//! means for the version. `ESPIAL_BLESS=1 cargo test --test it api` writes the text anew.

use crate::run::root;
use crate::sources::{Sources, is_hidden, is_shown, leaves, name, spell};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use syn::punctuated::Punctuated;
use syn::{Attribute, Fields, ImplItem, Index, Item, ItemImpl, Path, Token, TraitItem, Visibility};

/// Crates that a signature may name: the standard library's, and the one whose type we hand out.
const CRATES: &[&str] = &["std", "core", "alloc", "bytes"];

/// Traits of the standard library that are derived.
const DERIVED: &[&str] = &[
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Eq",
    "Error",
    "Hash",
    "Ord",
    "PartialEq",
    "PartialOrd",
];

#[test]
fn the_public_api_is_what_the_text_says() {
    let path = root().join("tests/public-api.txt");
    let now = API.text();
    if std::env::var_os("ESPIAL_BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let told = std::fs::read_to_string(&path).unwrap();
    let (now, told) = (entries(&now), entries(&told));
    let gone: Vec<_> = told.difference(&now).collect();
    let new: Vec<_> = now.difference(&told).collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "gone: {gone:#?}\nnew: {new:#?}\nESPIAL_BLESS=1 writes {}",
        path.display()
    );
}

#[test]
fn a_signature_names_what_is_public_and_of_other_crates_bytes_alone() {
    let is_right = |name: &str| match name.split_once("::") {
        Some(("espial", _)) => API.public.contains_key(name),
        Some((outside, _)) => CRATES.contains(&outside),
        None => false,
    };
    let wrong = API.named.iter().filter(|(name, _)| !is_right(name));
    let wrong: Vec<String> = wrong
        .map(|(name, by)| format!("{by} names {name}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_public_has_one_path() {
    let several = API.public.iter().filter(|(_, paths)| paths.len() > 1);
    let several: Vec<_> = several.collect();
    assert!(several.is_empty(), "{several:#?}");
}

/// Lines of the text, each under the item that it belongs to.
fn entries(text: &str) -> BTreeSet<String> {
    let mut item = "";
    let lines = text.lines().map(|line| match line.strip_prefix("    ") {
        Some(part) => format!("{item} | {part}"),
        None => {
            item = line;
            line.to_owned()
        }
    });
    lines.collect()
}

static API: LazyLock<Api> = LazyLock::new(Api::read);

/// What is public, and how it looks.
#[derive(Default)]
struct Api {
    /// Items that users can name: where each is declared, and the paths to write for it.
    public: BTreeMap<String, Vec<String>>,
    /// How each looks, by the path to write: its own line and those of its parts.
    shown: BTreeMap<String, (String, BTreeSet<String>)>,
    /// Types and traits that these lines name, and one that does.
    named: BTreeMap<String, String>,
}

impl Api {
    fn read() -> Self {
        let sources = Sources::read();
        let mut api = Self::default();
        api.expose(&sources, "espial", "espial");
        for (path, module) in &sources.0 {
            for item in &module.items {
                api.show(&sources, path, item);
            }
        }
        for (path, module) in &sources.0 {
            for item in &module.items {
                if let Item::Impl(block) = item {
                    api.add(&sources, path, block);
                }
            }
        }
        api
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (head, parts) in self.shown.values() {
            text.extend([head, "\n"]);
            parts
                .iter()
                .for_each(|part| text.extend(["    ", part, "\n"]));
        }
        text
    }

    /// Notes what is public in a module that users know as `public`.
    fn expose(&mut self, sources: &Sources, module: &str, public: &str) {
        let mut inside = Vec::new();
        for item in sources.0[module].items.iter().filter(|item| is_shown(item)) {
            match item {
                Item::Use(line) => {
                    inside.extend(leaves(&line.tree).into_iter().map(|(name, path)| {
                        let target = sources.resolve(module, &path);
                        (target.unwrap_or(path), format!("{public}::{name}"))
                    }))
                }
                // Exported macros stand at the root.
                Item::Macro(_) => {}
                _ => inside.extend(
                    name(item)
                        .map(|name| (format!("{module}::{name}"), format!("{public}::{name}"))),
                ),
            }
        }
        for (target, name) in inside {
            match sources.0.contains_key(&target) {
                true => self.expose(sources, &target, &name),
                false => self.public.entry(target).or_default().push(name),
            }
        }
    }

    /// Shows an item if it is public.
    fn show(&mut self, sources: &Sources, module: &str, item: &Item) {
        let Some(name) = name(item) else { return };
        if matches!(item, Item::Macro(_)) && is_shown(item) {
            let head = format!("macro espial::{name}!");
            self.shown.insert(head.clone(), (head, BTreeSet::new()));
        }
        let Some(paths) = self.public.get(&format!("{module}::{name}")) else {
            return;
        };
        let path = paths[0].clone();
        let (head, parts) = look(item);
        self.note(sources, module, &path, head.clone());
        let mut lines = BTreeSet::new();
        for Part { shown, names } in parts {
            lines.insert(spell(shown));
            self.note(sources, module, &path, names);
        }
        let head = spell(head).replacen(&name, &path, 1);
        self.shown.insert(path, (head, lines));
    }

    /// Adds an impl to the type that it is for.
    fn add(&mut self, sources: &Sources, module: &str, block: &ItemImpl) {
        let of = sources.named(module, block.self_ty.to_token_stream());
        let Some(path) = of.first().and_then(|of| self.public.get(of)) else {
            return;
        };
        let path = path[0].clone();
        let generics = &block.generics;
        let mut parts = Vec::new();
        if let Some((of, _)) = &block.trait_ {
            // A trait that nobody can name is nobody's business.
            let hidden =
                |name: &String| name.starts_with("espial") && !self.public.contains_key(name);
            if sources
                .named(module, of.to_token_stream())
                .iter()
                .any(hidden)
            {
                return;
            }
            let (kind, bounds) = (&block.self_ty, &generics.where_clause);
            parts.push(quote!(impl #generics #of for #kind #bounds));
        }
        for item in &block.items {
            match item {
                ImplItem::Fn(item) if is_public(&item.vis, &item.attrs) => {
                    let (bounds, sig) = (generics.type_params(), &item.sig);
                    let bounds = bounds.filter(|bound| !bound.bounds.is_empty());
                    let bounds: Vec<TokenStream> = bounds.map(ToTokens::to_token_stream).collect();
                    parts.push(match bounds.is_empty() {
                        true => sig.to_token_stream(),
                        false => quote!(#sig where #(#bounds),*),
                    });
                }
                ImplItem::Const(item) if is_public(&item.vis, &item.attrs) => {
                    let (ident, kind) = (&item.ident, &item.ty);
                    parts.push(quote!(const #ident: #kind));
                }
                _ => {}
            }
        }
        for part in parts {
            self.note(sources, module, &path, part.clone());
            let (_, lines) = self.shown.get_mut(&path).unwrap();
            lines.insert(spell(part));
        }
    }

    fn note(&mut self, sources: &Sources, module: &str, by: &str, tokens: TokenStream) {
        for name in sources.named(module, tokens) {
            self.named.entry(name).or_insert_with(|| by.to_owned());
        }
    }
}

/// A part of an item as it is shown, and as much of it as names types and traits.
struct Part {
    shown: TokenStream,
    names: TokenStream,
}

impl From<TokenStream> for Part {
    fn from(shown: TokenStream) -> Self {
        let names = shown.clone();
        Self { shown, names }
    }
}

/// The line that declares an item, and its parts.
fn look(item: &Item) -> (TokenStream, Vec<Part>) {
    let mut parts = Vec::new();
    let head = match item {
        Item::Const(item) => {
            let (ident, kind) = (&item.ident, &item.ty);
            quote!(const #ident: #kind)
        }
        Item::Static(item) => {
            let (ident, kind) = (&item.ident, &item.ty);
            quote!(static #ident: #kind)
        }
        Item::Fn(item) => item.sig.to_token_stream(),
        Item::Type(item) => {
            let (ident, generics, kind) = (&item.ident, &item.generics, &item.ty);
            quote!(type #ident #generics = #kind)
        }
        Item::Trait(item) => {
            let functions = item.items.iter().filter_map(|part| match part {
                TraitItem::Fn(function) => Some(function.sig.to_token_stream().into()),
                _ => None,
            });
            parts.extend(functions);
            let (ident, generics, above) = (&item.ident, &item.generics, &item.supertraits);
            quote!(trait #ident #generics: #above)
        }
        Item::Struct(item) => {
            parts.extend(fields(&item.fields));
            parts.extend(derives(&item.attrs));
            let (ident, generics) = (&item.ident, &item.generics);
            quote!(struct #ident #generics)
        }
        Item::Enum(item) => {
            for mut variant in item.variants.iter().cloned() {
                variant.attrs.clear();
                let fields = variant.fields.iter_mut();
                fields.for_each(|field| field.attrs.clear());
                parts.push(Part {
                    names: variant.fields.to_token_stream(),
                    shown: variant.to_token_stream(),
                });
            }
            parts.extend(derives(&item.attrs));
            let (ident, generics) = (&item.ident, &item.generics);
            quote!(enum #ident #generics)
        }
        _ => TokenStream::new(),
    };
    (head, parts)
}

fn is_public(visibility: &Visibility, attributes: &[Attribute]) -> bool {
    matches!(visibility, Visibility::Public(_)) && !is_hidden(attributes)
}

/// The public fields, and a mark where there are others: whoever is not us cannot make one then.
fn fields(fields: &Fields) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut others = false;
    for (place, field) in fields.iter().enumerate() {
        let place = Index::from(place);
        let kind = &field.ty;
        match (is_public(&field.vis, &field.attrs), &field.ident) {
            (true, Some(name)) => parts.push(quote!(#name: #kind).into()),
            (true, None) => parts.push(quote!(#place: #kind).into()),
            (false, _) => others = true,
        }
    }
    parts.extend(others.then(|| quote!(..).into()));
    parts
}

/// The traits that are derived. Those that are not the standard library's are named.
fn derives(attributes: &[Attribute]) -> Vec<Part> {
    let derived = attributes.iter().filter(|a| a.path().is_ident("derive"));
    let list = Punctuated::<Path, Token![,]>::parse_terminated;
    let derived = derived.flat_map(|derive| derive.parse_args_with(list).unwrap());
    let derived = derived.map(|path| {
        let name = path.segments.last().unwrap().ident.clone();
        Part {
            names: match DERIVED.contains(&name.to_string().as_str()) {
                true => TokenStream::new(),
                false => path.to_token_stream(),
            },
            shown: quote!(impl #name),
        }
    });
    derived.collect()
}
