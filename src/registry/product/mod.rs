//! Products: by which vendor IDs they are known, where they keep each setting, and how they spell
//! algorithms.
//!
//! Each setting and each word stands in the vendor's own reference, or was found in several published
//! configurations. What was not is not here: its cell is [`Setting::Unknown`], its word is missing.

mod spelling;
mod table;

pub use spelling::{Form, Spelling, Suite, integrity_of, prf_of};
pub use table::{PRODUCTS, STRONGSWAN};

/// An implementation of IPsec, or a family of them that is configured alike.
#[derive(Debug)]
pub struct Product {
    /// As its vendor calls it.
    pub name: &'static str,
    /// What [`vendor_id::product`](super::vendor_id::product) says of its vendor IDs, without versions;
    /// several products may share one. Empty if none tells it.
    pub ids: &'static [&'static str],
    /// Where it keeps its settings.
    pub settings: Settings,
    /// How it spells algorithms.
    pub spelling: Spelling,
}

impl Product {
    /// Whether it sends a vendor ID of which [`vendor_id::product`](super::vendor_id::product) says this.
    pub fn sends(&self, told: &str) -> bool {
        let is = |id: &&str| match told.strip_prefix(*id) {
            Some(version) => version.is_empty() || version.starts_with(' '),
            None => false,
        };
        self.ids.iter().any(is)
    }
}

/// Where a product keeps what it is told: one column for each subject.
#[derive(Debug)]
pub struct Settings {
    /// The algorithms of the IKE SA.
    pub ike_proposal: Setting,
    /// The algorithms of child SAs.
    pub child_proposal: Setting,
    /// The key exchange group of child SAs (perfect forward secrecy).
    pub pfs_group: Setting,
    /// The version of IKE.
    pub ike_version: Setting,
    /// Traffic selectors.
    pub selectors: Setting,
    /// Own and expected identity.
    pub identity: Setting,
    /// The pre-shared key.
    pub pre_shared_key: Setting,
    /// Dead peer detection.
    pub dpd: Setting,
    /// The lifetime of the IKE SA.
    pub ike_lifetime: Setting,
    /// Lifetimes of child SAs, in time and in volume.
    pub child_lifetime: Setting,
    /// NAT traversal and its keepalives.
    pub nat_traversal: Setting,
    /// The TCP MSS, or the MTU inside.
    pub mtu: Setting,
    /// Fragments of IKE (RFC 7383).
    pub fragmentation: Setting,
    /// The window against replays.
    pub replay_window: Setting,
    /// Checksums of SHA2-256 that are cut to 96 bits, as in a draft of RFC 4868.
    pub sha2_truncation: Setting,
}

/// Where one setting is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Setting {
    /// Not known, or there is none.
    Unknown,
    /// In the same place for both versions of IKE.
    Both(&'static str),
    /// In another place for each version, of which one may have none.
    Each {
        /// Of IKEv1.
        v1: Option<&'static str>,
        /// Of IKEv2.
        v2: Option<&'static str>,
    },
}

impl Setting {
    /// The place in a major version of IKE.
    pub fn place(self, version: u8) -> Option<&'static str> {
        match (self, version) {
            (Self::Unknown, _) => None,
            (Self::Both(place), _) => Some(place),
            (Self::Each { v1, .. }, 1) => v1,
            (Self::Each { v2, .. }, _) => v2,
        }
    }
}
