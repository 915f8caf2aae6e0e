//! `espial diagnose`: find tunnels, say what is wrong.

use super::{open, problems, unfit, write};
use crate::cli::args::{DiagnoseArgs, Format};
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::options::Options;
use crate::pipeline::{self, Analysis};
use crate::report::text::{self, Detail};
use crate::report::{Diagnosis, Selection, json, ndjson};
use std::mem::ManuallyDrop;

/// Runs it.
pub fn run(args: DiagnoseArgs) -> Result<Exit, Error> {
    let mut options = Options::new(args.common)?;
    let language = args.language.lang.into();
    options.sheet.language = language;
    let (out, inputs) = open(&options)?;
    let progress = options.watch();
    // The process ends after this: to give millions of rows back one by one would take longer than to
    // read them.
    let analysis = ManuallyDrop::new(pipeline::analyze(inputs, &options.pipeline)?);
    let Analysis { model, findings } = &*analysis;
    drop(progress);

    let selection = Selection {
        tunnel: options.tunnel.as_deref(),
        min_severity: args.min_severity.into(),
        language,
    };
    let diagnosis = ManuallyDrop::new(Diagnosis::new(model, findings, &selection));
    if diagnosis.tunnels.is_empty() {
        unfit(&options);
    }
    write(out, |out| match options.format {
        Format::Text => text::write(
            out,
            &diagnosis,
            options.sheet,
            Detail {
                verbose: options.verbose,
            },
        ),
        Format::Json => json::write(out, &*diagnosis),
        Format::Ndjson => ndjson::write(out, &diagnosis.findings),
    })?;

    let failed = args.fail_on.severity().is_some_and(|least| {
        let concerned = findings
            .iter()
            .filter(|finding| selection.concerns(model, finding));
        concerned
            .into_iter()
            .any(|finding| finding.severity >= least)
    });
    let found = if failed { Exit::Found } else { Exit::Done };
    Ok(found.and(problems(&model.inputs, &options)))
}
