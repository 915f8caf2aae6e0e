//! Configuration payload (RFC 7296 section 3.15).

use crate::registry::{ConfigurationAttributeType, ConfigurationType};

/// Addresses and the like, asked for or given.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration<'a> {
    /// Request, reply, set or acknowledgement.
    pub cfg_type: ConfigurationType,
    /// IKEv1 mode config only: the identifier that pairs a request with its reply.
    pub identifier: Option<u16>,
    /// The attributes.
    pub attributes: Vec<ConfigurationAttribute<'a>>,
}

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfigurationAttribute<'a> {
    /// What it is.
    pub kind: ConfigurationAttributeType,
    /// Its value, empty in a request that has no wish.
    pub value: &'a [u8],
}
