//! `espial tunnels`: tables of what was found, without judgement.

use super::{open, problems, unfit, write};
use crate::cli::args::{Format, TunnelsArgs};
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::options::Options;
use crate::pipeline;
use crate::report::view::Tunnels;
use crate::report::{Selection, json, ndjson, tunnels};
use std::mem::ManuallyDrop;

/// Runs it.
pub fn run(args: TunnelsArgs) -> Result<Exit, Error> {
    let mut options = Options::new(args.common)?;
    let language = args.language.lang.into();
    options.sheet.language = language;
    let (out, inputs) = open(&options)?;
    let progress = options.watch();
    // As in `diagnose`, the model is not given back row by row.
    let analysis = ManuallyDrop::new(pipeline::analyze(inputs, &options.pipeline)?);
    let model = &analysis.model;
    drop(progress);

    let selection = Selection {
        tunnel: options.tunnel.as_deref(),
        language,
        ..Selection::default()
    };
    let view = Tunnels::new(model, &selection);
    if view.tunnels.is_empty() {
        unfit(&options);
    }
    write(out, |out| match options.format {
        Format::Text => tunnels::write(out, &view, options.sheet),
        Format::Json => json::write(out, &view),
        Format::Ndjson => ndjson::write(out, view.tunnels.iter()),
    })?;
    Ok(problems(&model.inputs, &options))
}
