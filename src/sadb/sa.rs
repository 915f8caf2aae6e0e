//! One SA: the algorithms of one direction under their keys.

use crate::crypto::{Cipher, Integrity, KeyError, Protection};
use crate::keys::{AddressPattern, EspKeys, IntegrityId, Origin, SpiPattern};
use crate::language::Text;
use crate::registry::transform;
use std::net::IpAddr;

/// One direction of an SA.
#[derive(Debug)]
pub struct Sa {
    /// The SPI of its packets.
    pub spi: SpiPattern,
    /// Who sends, as the key file tells it.
    pub from: AddressPattern,
    /// Who receives.
    pub to: AddressPattern,
    /// Whether sequence numbers are extended (RFC 4304); `None` if nobody tells.
    pub esn: Option<bool>,
    /// What opens its packets.
    pub protection: Protection,
    /// Its algorithms by their IANA names.
    pub suite: String,
    /// Where its keys were found, or those that they follow from.
    pub origin: Origin,
}

/// Octets of checksums that are tried where nobody tells: those of HMAC with MD5 and SHA-1, of
/// SHA2-256, SHA2-384 and SHA2-512 (RFC 4868), and none.
const ICV_OCTETS: [usize; 5] = [12, 16, 24, 32, 0];

/// HMAC with SHA2-256, whose checksum RFC 4868 cuts to 128 bits (IANA's transform ID).
const SHA2_256_128: u16 = 12;

/// Octets to which a draft before RFC 4868 cut it, as some systems still do though the other length was
/// negotiated.
const OF_THE_DRAFT: usize = 12;

impl Sa {
    /// The SA of these keys; several where they leave the length of the checksum open, or senders cut it to
    /// another than was negotiated, and none if they cannot be used, with the reason.
    pub(super) fn of(keys: &EspKeys) -> (Vec<Self>, Option<Text>) {
        match protections(keys) {
            Ok(protections) => {
                let sas = protections.into_iter().map(|(protection, suite)| Self {
                    spi: keys.spi,
                    from: keys.from,
                    to: keys.to,
                    esn: keys.esn,
                    protection,
                    suite,
                    origin: keys.origin.clone(),
                });
                (sas.collect(), None)
            }
            Err(why) => (Vec::new(), Some(why)),
        }
    }

    /// Whether the key file tells these ends.
    pub fn is_between(&self, from: IpAddr, to: IpAddr) -> bool {
        is_of(self.from, from) && is_of(self.to, to)
    }

    /// Whether it is of one SPI.
    pub(super) fn is_of_one_spi(&self) -> bool {
        self.spi.mask == u32::MAX
    }
}

fn is_of(pattern: AddressPattern, address: IpAddr) -> bool {
    match pattern {
        AddressPattern::Any => true,
        AddressPattern::AnyV4 => address.is_ipv4(),
        AddressPattern::AnyV6 => address.is_ipv6(),
        AddressPattern::One(one) => one == address,
        AddressPattern::Prefix(IpAddr::V4(prefix), bits) => match address {
            IpAddr::V4(address) => {
                let differ = prefix.to_bits() ^ address.to_bits();
                differ.leading_zeros() >= u32::from(bits)
            }
            IpAddr::V6(_) => false,
        },
        AddressPattern::Prefix(IpAddr::V6(prefix), bits) => match address {
            IpAddr::V6(address) => {
                let differ = prefix.to_bits() ^ address.to_bits();
                differ.leading_zeros() >= u32::from(bits)
            }
            IpAddr::V4(_) => false,
        },
    }
}

/// What opens packets under these keys, each with the names of its algorithms.
fn protections(keys: &EspKeys) -> Result<Vec<(Protection, String)>, Text> {
    let Some(encryption) = keys.encryption else {
        return Err("no cipher is told".into());
    };
    let cipher = || {
        Cipher::new(
            encryption.id,
            encryption.key_bits,
            keys.encryption_key.expose(),
        )
    };
    let unchecked = |lengths: &[usize]| {
        let each = lengths.iter().map(|octets| {
            let cipher = cipher()?;
            let suite = format!("{}, {octets} octets unchecked", cipher.name());
            Ok((Protection::unchecked(cipher, *octets), suite))
        });
        each.collect::<Result<Vec<_>, KeyError>>()
    };
    let aead = cipher()?.is_aead();
    let made = match keys.integrity {
        None if aead => alone(cipher()),
        Some(IntegrityId { id: 0, .. }) => alone(cipher()),
        None => unchecked(&ICV_OCTETS),
        Some(IntegrityId {
            id: IntegrityId::UNTOLD,
            icv_octets: None,
        }) => unchecked(&ICV_OCTETS),
        Some(IntegrityId {
            id: IntegrityId::UNTOLD,
            icv_octets: Some(octets),
        }) => unchecked(&[octets.into()]),
        // The cipher is told with its key, the other algorithm without: it still opens.
        Some(IntegrityId { id, icv_octets }) if keys.integrity_key.is_empty() => {
            let usual = transform::integrity(id).map(|row| row.octets.into());
            match icv_octets.map(usize::from).or(usual) {
                Some(octets) => unchecked(&[octets]),
                None => unchecked(&ICV_OCTETS),
            }
        }
        Some(IntegrityId {
            id: SHA2_256_128,
            icv_octets: None,
        }) => {
            let key = keys.integrity_key.expose();
            let cut = Integrity::new(SHA2_256_128, Some(OF_THE_DRAFT), key);
            checked(cipher(), Integrity::new(SHA2_256_128, None, key)).and_then(|mut made| {
                let draft = checked(cipher(), cut)?.into_iter();
                made.extend(draft.map(|(protection, suite)| {
                    (
                        protection,
                        format!("{suite}, cut to {} bits", 8 * OF_THE_DRAFT),
                    )
                }));
                Ok(made)
            })
        }
        Some(IntegrityId { id, icv_octets }) => checked(
            cipher(),
            Integrity::new(id, icv_octets.map(usize::from), keys.integrity_key.expose()),
        ),
    };
    made.map_err(Text::from)
}

/// A cipher without an integrity algorithm.
fn alone(cipher: Result<Cipher, KeyError>) -> Result<Vec<(Protection, String)>, KeyError> {
    let cipher = cipher?;
    let suite = cipher.name().to_owned();
    Ok(vec![(Protection::new(cipher, None)?, suite)])
}

/// A cipher with one.
fn checked(
    cipher: Result<Cipher, KeyError>,
    integrity: Result<Integrity, KeyError>,
) -> Result<Vec<(Protection, String)>, KeyError> {
    let (cipher, integrity) = (cipher?, integrity?);
    let suite = format!("{} with {}", cipher.name(), integrity.name());
    Ok(vec![(Protection::new(cipher, Some(integrity))?, suite)])
}
