//! `espial explain`: the documents of the rules.

use super::write;
use crate::cli::args::{ExplainArgs, Format};
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::options::sheet;
use crate::cli::output::Output;
use crate::diagnose::rules::RULES;
use crate::report::explain::{self, RuleView};
use crate::report::{faq, json, ndjson};
use std::io::{self, IsTerminal};

/// Runs it.
pub fn run(args: &ExplainArgs) -> Result<Exit, Error> {
    let mut sheet = sheet(args.color, io::stdout().is_terminal());
    let language = args.language.lang.into();
    sheet.language = language;
    let out = Output::open(None, &[])?;
    if args.faq {
        write(out, |out| faq::write(out, RULES, language))?;
        return Ok(Exit::Done);
    }
    let rule = match &args.rule {
        None => None,
        Some(name) => Some(explain::find(RULES, name).ok_or_else(|| {
            Error::Usage(format!("{name}: no such rule; espial explain lists them"))
        })?),
    };
    let views = || match rule {
        Some(rule) => vec![RuleView::new(rule, language)],
        None => RULES
            .iter()
            .map(|rule| RuleView::new(rule, language))
            .collect(),
    };
    write(out, |out| match (args.format, rule) {
        (Format::Text, Some(rule)) => explain::document(out, rule, sheet),
        (Format::Text, None) => explain::list(out, RULES, sheet),
        (Format::Json, _) => json::write(out, &views()),
        (Format::Ndjson, _) => ndjson::write(out, views()),
    })?;
    Ok(Exit::Done)
}
