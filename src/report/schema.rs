//! The JSON Schemas of what is written.

/// Name of the output, and its schema.
pub const SCHEMAS: &[(&str, &str)] = &[
    ("espial.diagnosis/1", include_str!("schema/diagnosis.json")),
    ("espial.dissect/1", include_str!("schema/dissect.json")),
    ("espial.tunnels/1", include_str!("schema/tunnels.json")),
];
