//! Keys that fit no packet of their SPI, for who is told of no flows.

use crate::limits;
use crate::model::{KeyUsed, OpenedTally};
use crate::net::{Opening, SaId};
use crate::units::EspSpi;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// What keys made of the packets of each SPI.
#[derive(Debug, Default)]
pub(super) struct Openings {
    /// By SPI and receiver, who chose it.
    tallies: BTreeMap<(EspSpi, IpAddr), (OpenedTally, Vec<SaId>)>,
    keys: BTreeMap<SaId, KeyUsed>,
}

/// A key that fits no packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrongKey {
    /// The SPI of the packets.
    pub spi: EspSpi,
    /// How many it was tried on.
    pub packets: u64,
    /// The keys that came nearest.
    pub keys: Vec<KeyUsed>,
}

/// `the key of keys.toml:10 (ENCR_AES_CBC-256) fits none of the ESP packets of SPI 0x00001234 (12): …`
impl fmt::Display for WrongKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.iter();
        let keys: Vec<String> = keys
            .map(|key| format!("{} ({})", key.origin, key.suite))
            .collect();
        write!(
            f,
            "the key of {} fits none of the ESP packets of SPI {} ({}): wrong key or algorithm, or all were \
             changed on their way",
            keys.join(", "),
            self.spi,
            self.packets
        )
    }
}

impl Openings {
    /// Counts what became of a packet for whose SPI there are keys.
    pub(super) fn count(&mut self, spi: EspSpi, to: IpAddr, opening: &Opening) {
        // A key for every SPI makes as many of these as a capture has SPIs.
        let is_full = self.tallies.len() >= limits::DECRYPTED_INTERFACES;
        if is_full && !self.tallies.contains_key(&(spi, to)) {
            return;
        }
        let (tally, sas) = self.tallies.entry((spi, to)).or_default();
        match opening {
            Opening::Opened(opened) if opened.checked => tally.opened += 1,
            Opening::Opened(_) => tally.unchecked += 1,
            Opening::Failed(failed) => {
                *tally.failed.entry(failed.why).or_default() += 1;
                if !sas.contains(&failed.sa) {
                    sas.push(failed.sa);
                }
            }
        }
    }

    /// Names a key.
    pub(super) fn name(&mut self, id: SaId, key: &KeyUsed) {
        self.keys.insert(id, key.clone());
    }

    /// The wrong keys, by their SPIs.
    pub(super) fn wrong(&self) -> Vec<WrongKey> {
        let tallies = self.tallies.iter();
        let wrong = tallies.filter(|(_, (tally, _))| tally.is_wrong_key());
        wrong
            .map(|((spi, _), (tally, sas))| WrongKey {
                spi: *spi,
                packets: tally.packets(),
                keys: sas
                    .iter()
                    .filter_map(|id| self.keys.get(id).cloned())
                    .collect(),
            })
            .collect()
    }
}
