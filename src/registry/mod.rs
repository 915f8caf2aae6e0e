//! Open registries: a newtype over the wire integer, its known values, their names.
//!
//! An unknown number keeps its number. Names are spelt as IANA spells them, and each line cites
//! the document that gives the number its meaning.

pub mod ikev1;
pub mod ikev2;
pub mod shared;
pub mod transform;
pub mod vendor_id;

pub use ikev1::NotifyV1;
pub use ikev2::{
    AuthMethod, ConfigurationAttributeType, ConfigurationType, NotifyType, TransformType, TsType,
};
pub use shared::{
    CertificateEncoding, EapType, ExchangeType, IdType, PayloadType, SecurityProtocol,
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
        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}", self.0),
                }
            }
        }
    };
}
pub(crate) use registry;
