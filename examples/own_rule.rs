//! A rule of one's own: our policy allows the groups of 384 bits and more, so a smaller one is told.
//!
//!     cargo run -q --example own_rule -- captures/healthy-suites/capture.pcapng
//!
//! A rule looks at one tunnel and cites at least one frame. It says nothing where nothing was seen.
#![allow(clippy::print_stdout, reason = "it is what the example is for")]

use espial::diagnose::{self, Case, Confidence, Finding, Rule, Severity, Signs};
use espial::registry::transform;
use espial::{Options, analyze, capture, say};
use std::error::Error;

/// Transform IDs of type 4: 384-bit and 521-bit random ECP group (RFC 5903), Curve448 (RFC 8031).
const ALLOWED: [u16; 3] = [20, 21, 32];

static POLICY_GROUP: Rule = Rule {
    slug: "policy-group",
    code: "OWN001",
    severity: Severity::Warning,
    summary: "An IKE SA uses a group that our policy does not allow",
    document: "## What it means\nSomebody configured this tunnel before the policy of May.\n",
    explains: &[],
    // Whatever the tunnel looks like. A rule that names signs is not asked about tunnels without.
    needs: Signs::NONE,
    check: policy_group,
};

fn policy_group(case: &Case<'_>) -> Vec<Finding> {
    let found = case.ike_sas().find_map(|sa| {
        // `None` is "not seen", and no reason to complain.
        let group = sa.suite.as_ref()?.group?;
        (!ALLOWED.contains(&group)).then_some((sa, group))
    });
    let finding = found.map(|(sa, group)| {
        let name = transform::key_exchange(group).map_or("unknown", |row| row.name);
        let note = "the IKE SA begins here";
        Finding::new(
            &POLICY_GROUP,
            Confidence::Certain,
            case.id,
            sa.seen.first,
            note,
        )
        .says(say!(
            "The peers agreed on group {group}, {name}.",
            group,
            name
        ))
        .advise("Set group 20 on both sides.")
    });
    finding.into_iter().collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let inputs: Vec<_> = std::env::args_os().skip(1).map(Into::into).collect();
    let analysis = analyze(capture::expand(&inputs)?, &Options::default())?;
    // Ours alone. To have causes and consequences sorted out together, give it `RULES` as well.
    for finding in diagnose::run(&analysis.model, &[&POLICY_GROUP]) {
        println!("{:?}: {}", finding.severity, finding.title);
        println!("  {}", finding.says);
        for evidence in &finding.evidence {
            println!("  frame {}: {}", evidence.frame, evidence.note);
        }
    }
    Ok(())
}
