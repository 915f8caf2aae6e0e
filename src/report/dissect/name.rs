//! Names of what IKEv1 numbers by protocol.

use crate::registry::SecurityProtocol;

/// The name of an IKEv1 transform.
pub fn transform(_protocol: SecurityProtocol, _id: u8) -> Option<&'static str> {
    None
}

/// The name of an attribute of an IKEv1 transform.
pub fn attribute(_protocol: SecurityProtocol, _kind: u16) -> Option<&'static str> {
    None
}

/// The name of the value of an attribute of an IKEv1 transform.
pub fn value(_protocol: SecurityProtocol, _kind: u16, _value: u64) -> Option<&'static str> {
    None
}
