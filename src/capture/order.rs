//! Byte order of a file's own fields.

/// How a file writes its numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ByteOrder {
    /// Least significant octet first.
    Little,
    /// Most significant octet first.
    Big,
}

impl ByteOrder {
    #[inline(always)]
    pub(super) fn u16(self, octets: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(octets),
            Self::Big => u16::from_be_bytes(octets),
        }
    }

    #[inline(always)]
    pub(super) fn u32(self, octets: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(octets),
            Self::Big => u32::from_be_bytes(octets),
        }
    }

    pub(super) fn u64(self, octets: [u8; 8]) -> u64 {
        match self {
            Self::Little => u64::from_le_bytes(octets),
            Self::Big => u64::from_be_bytes(octets),
        }
    }

    /// The first `N` words of 32 bits; `None` if there are fewer octets.
    #[inline(always)]
    pub(super) fn words<const N: usize>(self, octets: &[u8]) -> Option<[u32; N]> {
        let mut words = [0; N];
        let mut rest = octets.get(..N * 4)?;
        for word in &mut words {
            let (octets, after) = rest.split_first_chunk::<4>()?;
            *word = self.u32(*octets);
            rest = after;
        }
        Some(words)
    }
}
