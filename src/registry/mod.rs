//! Open registries: a newtype over the wire integer, its known values, their names.
//!
//! An unknown number keeps its number. Names are spelt as IANA spells them, and each line cites
//! the document that gives the number its meaning.

#![warn(
    clippy::alloc_instead_of_core,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core
)]

pub(crate) mod eap;
pub(crate) mod g_ikev2;
pub(crate) mod gdoi;
pub(crate) mod ikev1;
pub(crate) mod ikev2;
#[cfg(feature = "std")]
pub(crate) mod product;
pub(crate) mod shared;
pub mod transform;
pub mod vendor_id;

pub use eap::{AkaAttribute, AkaSubtype, MschapOpcode};
pub use g_ikev2::{
    GroupKeyBagAttribute, GroupWidePolicyAttribute, GsaAttribute, MemberKeyBagAttribute,
};
pub use gdoi::{
    GapAttribute, GdoiExchange, KekAlgorithm, KekAttribute, KekKeyAttribute,
    KekManagementAlgorithm, KeyDownloadType, LkhAttribute, PopAlgorithm, SidAttribute,
    SigAlgorithm, SigHashAlgorithm, TekKeyAttribute, TekProtocol, kek_value_name,
};
pub use ikev1::{
    AddressPreservation, AhTransform, AuthMethodV1, AuthenticationAlgorithm, Doi, EcnTunnel,
    EncapsulationMode, EncryptionV1, EspTransform, ExtendedSequenceNumber, GroupType, GroupV1,
    HashV1, IsakmpTransform, LifeType, NotifyV1, Phase, Phase1Attribute, Phase2Attribute,
    ProtocolV1, SaDirection, SignatureEncoding, Situation, attribute_name, attribute_value_name,
    transform_name,
};
pub use ikev2::{
    AuthMethod, ConfigurationAttributeType, ConfigurationType, GatewayIdentityType, HashAlgorithm,
    IpcompTransform, NotifyType, PpkIdType, RohcAttribute, SecurePasswordMethod,
    TransformAttributeType, TransformType, TsType,
};
pub use shared::{
    CertificateEncoding, EapType, ExchangeType, IdType, IpProtocol, PayloadType, SecurityProtocol,
};

/// Declares an open registry.
///
/// ```text
/// registry! { /// Doc. pub struct Kind(u8) { FIRST = 1, "First", "RFC 1"; } }
/// ```
///
/// becomes
///
/// ```text
/// /// Doc.
/// pub struct Kind(pub u8);
/// impl Kind {
///     /// First (RFC 1).
///     pub const FIRST: Self = Self(1);
///     pub const NAMED: &'static [(Self, &'static str, &'static str)] = &[(Self::FIRST, "First", "RFC 1")];
///     pub fn name(self) -> Option<&'static str>;       // "First"
///     pub fn reference(self) -> Option<&'static str>;  // "RFC 1"
/// }
/// impl Display: the name, or the number where there is none.
/// ```
macro_rules! registry {
    ($(#[$meta:meta])* pub struct $Name:ident($int:ty) {
        $($KEY:ident = $value:literal, $name:literal, $reference:literal;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $Name(pub $int);

        impl $Name {
            $(
                #[doc = concat!($name, " (", $reference, ").")]
                pub const $KEY: Self = Self($value);
            )*

            /// Every known value: itself, its name, the document that defines it.
            pub const NAMED: &'static [(Self, &'static str, &'static str)] =
                &[$((Self::$KEY, $name, $reference),)*];

            /// The name IANA gives the value, if it has one.
            pub fn name(self) -> Option<&'static str> {
                Self::NAMED.iter().find(|row| row.0 == self).map(|row| row.1)
            }

            /// The document that defines the value, if it is known.
            pub fn reference(self) -> Option<&'static str> {
                Self::NAMED.iter().find(|row| row.0 == self).map(|row| row.2)
            }
        }

        /// The name, or the number where there is none.
        impl core::fmt::Display for $Name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}", self.0),
                }
            }
        }
    };
}
pub(crate) use registry;

#[cfg(test)]
mod tests {
    use super::eap::{AkaAttribute, AkaSubtype, MschapOpcode};
    use super::g_ikev2::*;
    use super::gdoi::*;
    use super::ikev1::*;
    use super::ikev2::*;
    use super::shared::*;
    use std::collections::HashSet;

    /// A registry, flattened: its name, then the number, name and document of each value.
    type Rows = (&'static str, Vec<(u64, &'static str, &'static str)>);

    fn every_registry() -> Vec<Rows> {
        macro_rules! rows {
            ($($Name:ident),*) => {
                vec![$((
                    stringify!($Name),
                    $Name::NAMED.iter().map(|row| (u64::from(row.0.0), row.1, row.2)).collect(),
                )),*]
            };
        }
        rows![
            AddressPreservation,
            AhTransform,
            AkaAttribute,
            AkaSubtype,
            AuthMethod,
            AuthMethodV1,
            AuthenticationAlgorithm,
            CertificateEncoding,
            ConfigurationAttributeType,
            ConfigurationType,
            Doi,
            EapType,
            EcnTunnel,
            EncapsulationMode,
            EncryptionV1,
            EspTransform,
            ExchangeType,
            ExtendedSequenceNumber,
            GapAttribute,
            GatewayIdentityType,
            GdoiExchange,
            GroupKeyBagAttribute,
            GroupType,
            GroupV1,
            GroupWidePolicyAttribute,
            GsaAttribute,
            HashAlgorithm,
            HashV1,
            IdType,
            IpProtocol,
            IpcompTransform,
            IsakmpTransform,
            KekAlgorithm,
            KekAttribute,
            KekKeyAttribute,
            KekManagementAlgorithm,
            KeyDownloadType,
            LifeType,
            LkhAttribute,
            MemberKeyBagAttribute,
            MschapOpcode,
            NotifyType,
            NotifyV1,
            PayloadType,
            Phase1Attribute,
            Phase2Attribute,
            PopAlgorithm,
            PpkIdType,
            ProtocolV1,
            RohcAttribute,
            SaDirection,
            SecurePasswordMethod,
            SecurityProtocol,
            SidAttribute,
            SigAlgorithm,
            SigHashAlgorithm,
            SignatureEncoding,
            Situation,
            TekKeyAttribute,
            TekProtocol,
            TransformAttributeType,
            TransformType,
            TsType
        ]
    }

    #[test]
    fn no_registry_names_a_number_twice_and_all_go_up() {
        for (registry, rows) in every_registry() {
            for pair in rows.windows(2) {
                assert!(pair[0].0 < pair[1].0, "{registry}: {pair:?}");
            }
        }
    }

    #[test]
    fn every_value_has_a_name_and_a_document() {
        for (registry, rows) in every_registry() {
            assert!(!rows.is_empty(), "{registry}");
            for (value, name, reference) in rows {
                assert!(
                    !name.is_empty() && !reference.is_empty(),
                    "{registry} {value}"
                );
            }
        }
    }

    #[test]
    fn no_registry_is_left_out_of_these_laws() {
        let sources = [
            include_str!("eap.rs"),
            include_str!("g_ikev2.rs"),
            include_str!("gdoi.rs"),
            include_str!("ikev1.rs"),
            include_str!("ikev2.rs"),
            include_str!("shared.rs"),
        ];
        let declared = sources.map(|text| text.matches("\nregistry! {").count());
        assert_eq!(declared.iter().sum::<usize>(), every_registry().len());
    }

    #[test]
    fn names_of_numbers_in_use_once_are_used_once() {
        // Payload types name alike what the versions share, and IANA two groups over one field;
        // nothing else may repeat a name.
        for (registry, rows) in every_registry() {
            let names: HashSet<_> = rows.iter().map(|row| row.1).collect();
            assert!(
                matches!(registry, "PayloadType" | "GroupV1") || names.len() == rows.len(),
                "{registry}"
            );
        }
    }

    #[test]
    fn an_unknown_number_shows_as_its_number() {
        assert_eq!(NotifyType(40000).to_string(), "40000");
        assert_eq!(NotifyType(40000).name(), None);
        assert_eq!(NotifyType(14).to_string(), "NO_PROPOSAL_CHOSEN");
    }

    #[test]
    fn every_payload_type_but_none_has_a_notation() {
        for (kind, name, _) in PayloadType::NAMED {
            assert_eq!(
                kind.notation().is_none(),
                *kind == PayloadType::NONE,
                "{name}"
            );
        }
    }

    #[test]
    fn errors_lie_below_16384() {
        assert!(NotifyType::CONGESTION.is_error());
        assert!(!NotifyType::INITIAL_CONTACT.is_error());
    }
}
