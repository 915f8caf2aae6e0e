//! What the keys beside the shipped captures bring to light.

use crate::run::shipped;
use espial::diagnose::Severity;
use espial::{Options, analyze, capture, keys};
use std::sync::Arc;

/// The verdicts that only keys allow, by the folder of the capture.
const VERDICTS: &[(&str, &str)] = &[
    ("auth-failed", "auth-failed"),
    ("child-proposal-mismatch", "child-proposal-mismatch"),
    ("ikev1-child-proposal-mismatch", "child-proposal-mismatch"),
    ("pfs-mismatch", "pfs-mismatch"),
    // Only the cloud wants a group, and refuses as it refuses any proposal.
    ("ikev1-pfs-mismatch", "child-proposal-mismatch"),
    ("ts-unacceptable", "ts-unacceptable"),
    ("ikev1-ts-unacceptable", "ts-unacceptable"),
    ("ts-narrowed", "ts-narrowed"),
];

#[test]
fn keys_tell_the_reason_and_raise_no_false_alarm() {
    let mut met = 0;
    for path in shipped() {
        let folder = path.parent().unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        let wanted = VERDICTS.iter().find(|(folder, _)| *folder == name);
        let healthy = name.starts_with("healthy") || name == "nat";
        if !folder.join("keys").is_dir() || wanted.is_none() && !healthy {
            continue;
        }
        let (ring, _) = keys::load(&[folder.join("keys")]).unwrap();
        let options = Options {
            keys: Arc::new(ring),
            ..Options::default()
        };
        let inputs = capture::expand(std::slice::from_ref(&path)).unwrap();
        let findings = analyze(inputs, &options).unwrap().findings;
        let verdict = findings
            .iter()
            .find(|finding| finding.severity > Severity::Info)
            .map(|finding| finding.rule.slug);
        assert_eq!(verdict, wanted.map(|(_, slug)| *slug), "{name}");
        met += 1;
    }
    assert!(met >= VERDICTS.len(), "only {met} captures have keys");
}
