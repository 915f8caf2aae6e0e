//! The Security Association Database (RFC 4301 section 4.4.2): which keys may be those of an ESP
//! packet.
//!
//! It begins with the keys that the user brings and grows by those that follow from opened IKE
//! messages. An SPI is chosen by its receiver, so that several SAs may have the same: all are
//! candidates, and the checksum decides. Addresses are no more than an order, since a NAT may have
//! changed them.

mod ah;
mod opener;
mod sa;

use ah::AhSa;
pub use opener::{Opener, Sealed, Tried};
pub use sa::Sa;

use crate::keys::{EspKeys, KeyRing, Origin};
use crate::language::Text;
use crate::limits;
use crate::net::{Ah, OpenedEsp, Opening, SaId};
use crate::units::EspSpi;
use foldhash::quality::RandomState;
use hashbrown::HashMap;
use std::sync::Arc;

/// All SAs that there are keys for. A copy shares the expanded keys, and has all that was in it.
#[derive(Clone, Debug, Default)]
pub struct Sadb {
    sas: Vec<Arc<Sa>>,
    /// SAs of one SPI.
    told: HashMap<EspSpi, Vec<SaId>, RandomState>,
    /// SAs of several.
    patterns: Vec<SaId>,
    /// SAs of AH that key files tell. Those that IKE derives are not used: a worker that knew of one
    /// would say more than a worker that did not.
    ah: Vec<Arc<AhSa>>,
    /// How many SAs key files tell: the first ones. The others follow from IKE.
    given: usize,
    grows: bool,
    unusable: Vec<Unusable>,
    beyond: u64,
}

/// Keys that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unusable {
    /// Whether they are of AH, not ESP.
    pub ah: bool,
    /// Where they were found.
    pub origin: Origin,
    /// Why not.
    pub why: Text,
}

impl Sadb {
    /// The SAs of a key ring.
    pub fn new(ring: &KeyRing) -> Self {
        let mut database = Self {
            grows: !(ring.ikev1.is_empty() && ring.ikev2.is_empty()),
            ..Self::default()
        };
        for keys in &ring.esp {
            match keys.ah {
                true => database.add_ah(keys),
                false => database.add(keys),
            }
        }
        database.given = database.sas.len();
        database
    }

    /// Adds the keys of one direction of an SA.
    pub fn add(&mut self, keys: &EspKeys) {
        if keys.ah {
            // Those that a key file tells for the same SPI are used.
            if !self.ah.iter().any(|sa| sa.fits(keys.spi.spi)) {
                self.leave_out(keys, "keys of AH that follow from IKE are not used".into());
            }
            return;
        }
        let (sas, why) = Sa::of(keys);
        if let Some(why) = why {
            self.leave_out(keys, why);
        }
        for sa in sas {
            let id = SaId(u32::try_from(self.sas.len()).unwrap_or(u32::MAX));
            let list = match sa.spi.mask {
                u32::MAX => self.told.entry(sa.spi.spi).or_default(),
                _ => &mut self.patterns,
            };
            if list.len() >= limits::SADB_CANDIDATES {
                self.beyond += 1;
                continue;
            }
            list.push(id);
            self.sas.push(Arc::new(sa));
        }
    }

    fn add_ah(&mut self, keys: &EspKeys) {
        match AhSa::of(keys) {
            Ok(_) if self.ah.len() >= limits::SADB_AH => self.beyond += 1,
            Ok(sa) => self.ah.push(Arc::new(sa)),
            Err(why) => self.leave_out(keys, why),
        }
    }

    fn leave_out(&mut self, keys: &EspKeys, why: Text) {
        self.unusable.push(Unusable {
            ah: keys.ah,
            origin: keys.origin.clone(),
            why,
        });
    }

    /// Whether the checksum of AH is right; `None` if no key is for its SPI, or the packet and the IP
    /// header before it are not known to the octet.
    pub fn proves(&self, ah: &Ah<'_>, cut: bool) -> Option<bool> {
        let around = ah.around.filter(|_| !cut)?;
        let mut candidates = self
            .ah
            .iter()
            .filter(|sa| sa.fits(ah.header.spi))
            .peekable();
        candidates.peek()?;
        Some(candidates.any(|sa| sa.proves(ah, &around)))
    }

    /// An SA by its number.
    pub fn get(&self, id: SaId) -> Option<&Sa> {
        self.sas.get(id.0 as usize).map(Arc::as_ref)
    }

    /// Whether an SA followed from IKE, and was not told by a key file.
    pub fn is_derived(&self, id: SaId) -> bool {
        id.0 as usize >= self.given
    }

    /// How many SAs there are. What is in it only grows, so the number says what is in it.
    pub fn len(&self) -> usize {
        self.sas.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sas.is_empty()
    }

    /// Whether keys of IKE may add to it.
    pub fn grows(&self) -> bool {
        self.grows
    }

    /// Whether there is nothing to open with, and never will be.
    pub fn is_idle(&self) -> bool {
        self.is_empty() && !self.grows
    }

    /// What was opened for good, so that it can be gone into: proven, or no key may come that says
    /// otherwise.
    pub fn settled<'o>(&self, opening: Option<&'o Opening>) -> Option<&'o OpenedEsp> {
        let opened = opening?.opened()?;
        (opened.checked || !self.grows).then_some(opened)
    }

    /// Keys that cannot be used, in the order in which they came.
    pub fn unusable(&self) -> &[Unusable] {
        &self.unusable
    }

    /// How many SAs were left out since too many have the same SPI.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// SAs that ESP packets of this SPI may belong to.
    pub fn candidates(&self, spi: EspSpi) -> impl Iterator<Item = (SaId, &Sa)> {
        let told = self.told.get(&spi).into_iter().flatten();
        told.chain(&self.patterns)
            .filter_map(|id| Some((*id, self.get(*id)?)))
            .filter(move |(_, sa)| sa.spi.fits(spi))
    }
}

#[cfg(test)]
mod tests;
