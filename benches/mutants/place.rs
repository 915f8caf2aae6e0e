//! Puts mutants into a source, each behind a switch, and leaves everything else as it is written.

use proc_macro2::Span;
use std::collections::HashSet;
use std::fmt::Write;
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, Pat, ReturnType, Signature, UnOp};

/// The program with one small thing changed.
#[derive(Debug)]
pub(crate) struct Mutant {
    pub(crate) number: u32,
    pub(crate) file: String,
    pub(crate) line: usize,
    /// The function that it is in.
    pub(crate) function: String,
    /// What is written, and what stands in its place.
    pub(crate) was: String,
    pub(crate) becomes: String,
}

/// A source with its mutants in place, those left out that do not compile, and the number after the last. They are
/// numbered from `first`, whether they compile or not.
///
/// A mutant is marked where the compiler would complain of it, `/*M7*/` in the same line.
pub(crate) fn place(
    file: &str,
    source: &str,
    first: u32,
    bad: &HashSet<u32>,
) -> (String, Vec<Mutant>, u32) {
    let parsed = syn::parse_file(source).expect("a source of a program that compiles");
    let mut placing = Placing {
        file,
        source,
        bad,
        number: first,
        functions: Vec::new(),
        mutants: Vec::new(),
        edits: Vec::new(),
    };
    placing.visit_file(&parsed);
    (
        edited(source, placing.edits),
        placing.mutants,
        placing.number,
    )
}

/// A change of the text at an octet.
struct Edit {
    at: usize,
    text: String,
    role: Role,
}

/// Where several edits meet, what ends an expression comes before what begins one; of those that begin there the outer
/// one comes first, of those that end the inner one.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
enum Role {
    Closes,
    Opens,
    /// Stands for what is written up to there.
    Replaces(usize),
}

fn edited(source: &str, edits: Vec<Edit>) -> String {
    let mut edits: Vec<(usize, Edit)> = edits.into_iter().enumerate().collect();
    edits.sort_by_key(|(order, edit)| {
        let order = i64::try_from(*order).expect("few edits");
        let outer_first = if edit.role == Role::Closes {
            -order
        } else {
            order
        };
        (edit.at, edit.role, outer_first)
    });
    let (mut text, mut at) = (String::new(), 0);
    for (_, edit) in edits {
        text.push_str(source.get(at..edit.at).unwrap_or(""));
        text.push_str(&edit.text);
        at = at.max(edit.at);
        if let Role::Replaces(end) = edit.role {
            at = at.max(end);
        }
    }
    text.push_str(&source[at..]);
    text
}

struct Placing<'a> {
    file: &'a str,
    source: &'a str,
    bad: &'a HashSet<u32>,
    number: u32,
    functions: Vec<String>,
    mutants: Vec<Mutant>,
    edits: Vec<Edit>,
}

impl<'a> Placing<'a> {
    fn written(&self, span: Span) -> &'a str {
        &self.source[span.byte_range()]
    }

    /// The number of a mutant of what is written there, if it compiles.
    fn mutant(&mut self, span: Span, becomes: &str) -> Option<u32> {
        self.together(span, &[becomes])
    }

    /// The first number of several that compile together or not at all.
    fn together(&mut self, span: Span, all: &[&str]) -> Option<u32> {
        let first = self.number;
        let is_good = !self.bad.contains(&first);
        for becomes in all {
            let number = self.number;
            self.number += 1;
            if is_good {
                self.mutants.push(Mutant {
                    number,
                    file: self.file.into(),
                    line: span.start().line,
                    function: self.functions.last().cloned().unwrap_or_default(),
                    was: self
                        .written(span)
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" "),
                    becomes: (*becomes).into(),
                });
            }
        }
        is_good.then_some(first)
    }

    /// Puts text around what is written there.
    fn around(&mut self, range: Range<usize>, before: String, after: &str) {
        self.edit(range.start, Role::Opens, before);
        self.edit(range.end, Role::Closes, after.into());
    }

    fn edit(&mut self, at: usize, role: Role, text: String) {
        self.edits.push(Edit { at, text, role });
    }

    fn function(&mut self, signature: &Signature, block: &'a Block) {
        // What the compiler evaluates cannot ask a switch.
        if signature.constness.is_some() {
            return;
        }
        let name = signature.ident.to_string();
        self.functions.push(name.clone());
        let body = self.written(block.span());
        let body = body[1..body.len() - 1].trim();
        if !body.is_empty() && !["default", "fmt", "new"].contains(&name.as_str()) {
            let returned = match &signature.output {
                ReturnType::Default => "()",
                ReturnType::Type(_, returned) => self.written(returned.span()),
            };
            let mut early = String::new();
            for value in values(returned).into_iter().filter(|value| value != body) {
                if let Some(number) =
                    self.mutant(signature.ident.span(), &format!("returns {value}"))
                {
                    let _ = write!(
                        early,
                        "\n/*M{number}*/ if crate::mutants::is({number}) {{ return {value}; }}\n"
                    );
                }
            }
            let start = block.brace_token.span.open().byte_range().end;
            self.edit(start, Role::Opens, early);
        }
        visit::visit_block(self, block);
        self.functions.pop();
    }

    /// The arms of a choice by switch among several operators, and the first number; `None` if none compiles.
    fn arms(&mut self, operator: Span, others: &[&str], left: &str) -> Option<(u32, String)> {
        let first = self.number;
        let mut arms = String::new();
        for (other, which) in others.iter().zip(1..) {
            if let Some(number) = self.mutant(operator, other) {
                let _ = write!(arms, "\n/*M{number}*/ {which} => {left} {other} r,\n");
            }
        }
        (!arms.is_empty()).then_some((first, arms))
    }

    /// `left OP right` becomes a choice by switch; both sides are evaluated once.
    fn choice(&mut self, binary: &'a syn::ExprBinary, others: &[&str]) {
        let operator = binary.op.span();
        if let Some((first, arms)) = self.arms(operator, others, "l") {
            let (many, written) = (others.len(), self.written(operator));
            let after = format!(
                ") {{ (l, r) => match crate::mutants::which({first}, {many}) {{ {arms} _ => l {written} r }} }})"
            );
            self.around(binary.span().byte_range(), "(match (".into(), &after);
            let range = operator.byte_range();
            self.edit(range.start, Role::Replaces(range.end), ", ".into());
        }
        visit::visit_expr_binary(self, binary);
    }

    /// `place OP= value` becomes a choice by switch.
    fn assignment(&mut self, binary: &'a syn::ExprBinary, others: &[&str]) {
        let operator = binary.op.span();
        let place = self.written(binary.left.span());
        if let Some((first, arms)) = self.arms(operator, others, place) {
            let (many, written) = (others.len(), self.written(operator));
            let after = format!(
                ") {{ r => match crate::mutants::which({first}, {many}) {{ {arms} _ => {place} {written} r }} }}"
            );
            self.around(binary.span().byte_range(), "match (".into(), &after);
            let start = binary.left.span().byte_range().start;
            let end = operator.byte_range().end;
            self.edit(start, Role::Replaces(end), String::new());
        }
        self.visit_expr(&binary.right);
    }

    /// A truth that a switch turns round.
    fn negated(&mut self, range: Range<usize>, span: Span, becomes: &str) {
        if let Some(number) = self.mutant(span, becomes) {
            self.around(
                range,
                format!("(crate::mutants::is({number})/*M{number}*/ != ("),
                "))",
            );
        }
    }
}

/// What a function may return instead.
fn values(returned: &str) -> Vec<String> {
    let within = |outer: &str| {
        let inner = returned.strip_prefix(outer)?.strip_prefix('<')?;
        inner.strip_suffix('>').map(values)
    };
    if let Some(inner) = within("Option") {
        let some = inner.iter().map(|value| format!("Some({value})"));
        return std::iter::once("None".into()).chain(some).collect();
    }
    if let Some(inner) = within("Vec") {
        let one = inner.iter().map(|value| format!("vec![{value}]"));
        return std::iter::once("vec![]".into()).chain(one).collect();
    }
    let values: &[&str] = match returned {
        "()" => &["()"],
        "bool" => &["true", "false"],
        "usize" | "u8" | "u16" | "u32" | "u64" | "u128" => &["0", "1"],
        "isize" | "i8" | "i16" | "i32" | "i64" => &["0", "1", "-1"],
        "f32" | "f64" => &["0.0", "1.0", "-1.0"],
        "String" => &["String::new()", "\"xyzzy\".into()"],
        "&str" | "&'static str" => &["\"\"", "\"xyzzy\""],
        // No value can be named.
        _ if returned.starts_with("impl") => &[],
        _ => &["Default::default()"],
    };
    values.iter().map(|value| (*value).into()).collect()
}

/// Whether a condition binds names, which hold for what follows: it has to stay a chain.
fn binds(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Paren(inner) => binds(&inner.expr),
        Expr::Binary(binary) => binds(&binary.left) || binds(&binary.right),
        _ => false,
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

impl<'a> Visit<'a> for Placing<'a> {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        if !is_test(&item.attrs) {
            self.function(&item.sig, &item.block);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
    }

    // What the compiler evaluates, and what is no expression.
    fn visit_item_const(&mut self, _: &'a syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'a syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'a syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'a syn::TraitItemConst) {}
    fn visit_expr_const(&mut self, _: &'a syn::ExprConst) {}
    fn visit_pat(&mut self, _: &'a Pat) {}
    fn visit_type(&mut self, _: &'a syn::Type) {}
    fn visit_generic_argument(&mut self, _: &'a syn::GenericArgument) {}
    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}

    fn visit_expr_repeat(&mut self, repeat: &'a syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
    }

    fn visit_expr_unary(&mut self, unary: &'a syn::ExprUnary) {
        if let UnOp::Not(not) = &unary.op {
            self.negated(unary.span().byte_range(), not.span(), "nothing");
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_binary(&mut self, binary: &'a syn::ExprBinary) {
        let (whole, operator) = (binary.span().byte_range(), binary.op.span());
        let within = operator.byte_range();
        match &binary.op {
            BinOp::Eq(_) => self.negated(whole, operator, "!="),
            BinOp::Ne(_) => self.negated(whole, operator, "=="),
            BinOp::Le(_) => self.negated(whole, operator, ">"),
            BinOp::Ge(_) => self.negated(whole, operator, "<"),
            BinOp::Lt(_) | BinOp::Gt(_) => {
                let (compares, others) = match binary.op {
                    BinOp::Lt(_) => ("less", ["==", ">", "<="]),
                    _ => ("more", ["==", "<", ">="]),
                };
                if let Some(first) = self.together(operator, &others) {
                    let before = format!("crate::mutants::{compares}({first}/*M{first}*/, &(");
                    self.around(whole, before, "))");
                    self.edit(within.start, Role::Replaces(within.end), "), &(".into());
                }
            }
            BinOp::And(_) | BinOp::Or(_) if !binds(&binary.left) && !binds(&binary.right) => {
                let (other, turns) = match binary.op {
                    BinOp::And(_) => ("||", "!="),
                    _ => ("&&", "=="),
                };
                if let Some(number) = self.mutant(operator, other) {
                    self.around(whole, "({ let l: bool = ".into(), " } else { l } })");
                    let then =
                        format!("; if l {turns} crate::mutants::is({number})/*M{number}*/ {{ ");
                    self.edit(within.start, Role::Replaces(within.end), then);
                }
            }
            BinOp::Add(_) => return self.choice(binary, &["-", "*"]),
            BinOp::Sub(_) => return self.choice(binary, &["+", "/"]),
            BinOp::Mul(_) => return self.choice(binary, &["+", "/"]),
            BinOp::Div(_) => return self.choice(binary, &["%", "*"]),
            BinOp::Rem(_) => return self.choice(binary, &["/", "+"]),
            BinOp::BitAnd(_) => return self.choice(binary, &["|", "^"]),
            BinOp::BitOr(_) => return self.choice(binary, &["&", "^"]),
            BinOp::Shl(_) => return self.choice(binary, &[">>"]),
            BinOp::Shr(_) => return self.choice(binary, &["<<"]),
            BinOp::AddAssign(_) => return self.assignment(binary, &["-=", "*="]),
            BinOp::SubAssign(_) => return self.assignment(binary, &["+=", "/="]),
            BinOp::MulAssign(_) => return self.assignment(binary, &["+=", "/="]),
            BinOp::DivAssign(_) => return self.assignment(binary, &["%=", "*="]),
            BinOp::RemAssign(_) => return self.assignment(binary, &["/=", "+="]),
            BinOp::BitOrAssign(_) => return self.assignment(binary, &["&="]),
            BinOp::BitAndAssign(_) => return self.assignment(binary, &["|="]),
            _ => {}
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_match(&mut self, choice: &'a syn::ExprMatch) {
        self.visit_expr(&choice.expr);
        let has_rest = choice
            .arms
            .iter()
            .any(|arm| matches!(arm.pat, Pat::Wild(_)));
        for arm in &choice.arms {
            let (pattern, guard) = match &arm.pat {
                Pat::Guard(guarded) => (&*guarded.pat, Some(&*guarded.guard)),
                pattern => (pattern, None),
            };
            let mut gone = None;
            if has_rest && !matches!(pattern, Pat::Wild(_)) {
                gone = self.mutant(pattern.span(), "no arm");
            }
            if let Some(guard) = guard {
                let range = guard.span().byte_range();
                if let Some(gone) = gone {
                    let before = format!("!crate::mutants::is({gone})/*M{gone}*/ && (");
                    self.around(range.clone(), before, ")");
                }
                if !binds(guard)
                    && let Some(first) = self.together(guard.span(), &["true", "false"])
                {
                    let before = format!(
                        "match crate::mutants::which({first}/*M{first}*/, 2) {{ 1 => true, 2 => false, _ => "
                    );
                    self.around(range, before, "}");
                }
                self.visit_expr(guard);
            } else if let Some(gone) = gone {
                let end = pattern.span().byte_range().end;
                self.edit(
                    end,
                    Role::Closes,
                    format!(" if !crate::mutants::is({gone})/*M{gone}*/ "),
                );
            }
            self.visit_expr(&arm.body);
        }
    }
}
