//! Vendor IDs: which product sends which octets.

/// The product that sends this vendor ID, with its version where the ID tells it.
pub fn product(_data: &[u8]) -> Option<String> {
    None
}
