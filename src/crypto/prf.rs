//! Pseudorandom functions: what keys are derived with (RFC 7296 sections 2.13 and 2.14, RFC 2409
//! section 5 and appendix B).

use super::Secret;
use super::mac::{Code, MacKind};
use crate::registry::ikev1::{HashV1, prf_as_v2};

/// A pseudorandom function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Prf(MacKind);

impl Prf {
    /// The function of a transform ID (type 2); `None` for one that is not at hand.
    pub fn new(id: u16) -> Option<Self> {
        Some(Self(match id {
            1 => MacKind::HmacMd5,
            2 => MacKind::HmacSha1,
            4 => MacKind::AesXcbc,
            5 => MacKind::HmacSha2_256,
            6 => MacKind::HmacSha2_384,
            7 => MacKind::HmacSha2_512,
            8 => MacKind::AesCmac,
            _ => return None,
        }))
    }

    /// The HMAC of the hash that phase 1 of IKEv1 negotiated, which is its PRF where no other is
    /// negotiated (RFC 2409 section 4).
    pub fn ikev1(hash: HashV1) -> Option<Self> {
        Self::new(prf_as_v2(hash.0)?)
    }

    /// Octets of the output. They are also the preferred length of keys: that of SK_d, SK_pi and
    /// SK_pr (RFC 7296 section 2.14).
    pub fn octets(self) -> usize {
        self.0.octets()
    }

    /// The function of the slices, one after another, under a key of any length.
    pub fn of(self, key: &[u8], parts: &[&[u8]]) -> Secret {
        self.0.keyed(key).of(parts).as_slice().into()
    }

    /// The key of SKEYSEED when an IKE SA is made: both nonces, one after another. The functions of
    /// AES take only the first 64 bits of each (RFC 7296 section 2.14).
    pub fn key_of_nonces(self, initiator: &[u8], responder: &[u8]) -> Secret {
        let half = match self.0 {
            MacKind::AesXcbc | MacKind::AesCmac => self.octets() / 2,
            _ => usize::MAX,
        };
        let first = |nonce: &[u8]| nonce.iter().take(half).copied().collect::<Vec<u8>>();
        Secret::new([first(initiator), first(responder)].concat())
    }

    /// The first octets of prf+ (RFC 7296 section 2.13), whose seed is the slices, one after
    /// another. `None` if more are wanted than its counter of one octet can give.
    pub fn plus(self, key: &[u8], seed: &[&[u8]], octets: usize) -> Option<Secret> {
        let blocks = u8::try_from(octets.div_ceil(self.octets())).ok()?;
        let mac = self.0.keyed(key);
        let mut stream = self.stream(blocks);
        let mut last: Option<Code> = None;
        for counter in 1..=blocks {
            let counter = [counter];
            let before = last.as_ref().map_or(&[][..], Code::as_slice);
            let parts = [&[before], seed, &[&counter[..]]].concat();
            let code = mac.of(&parts);
            stream.extend_from_slice(code.as_slice());
            last = Some(code);
        }
        stream.truncate(octets);
        Some(Secret::new(stream))
    }

    /// The key of the cipher that seals IKEv1 (RFC 2409 appendix B): the first octets of SKEYID_e,
    /// stretched where it is too short. `None` if more than 255 times its length is wanted, which
    /// no cipher does.
    pub fn ikev1_cipher_key(self, skeyid_e: &[u8], octets: usize) -> Option<Secret> {
        if let Some(key) = skeyid_e.get(..octets) {
            return Some(key.into());
        }
        let blocks = u8::try_from(octets.div_ceil(self.octets())).ok()?;
        let mac = self.0.keyed(skeyid_e);
        let mut stream = self.stream(blocks);
        let mut last = mac.of(&[&[0]]);
        stream.extend_from_slice(last.as_slice());
        for _ in 1..blocks {
            last = mac.of(&[last.as_slice()]);
            stream.extend_from_slice(last.as_slice());
        }
        stream.truncate(octets);
        Some(Secret::new(stream))
    }

    /// Room for so many outputs, so that no copy of a key is left behind by growing.
    fn stream(self, blocks: u8) -> Vec<u8> {
        Vec::with_capacity(usize::from(blocks) * self.octets())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    fn prf(id: u16, key: &[u8], data: &[u8]) -> Vec<u8> {
        let prf = Prf::new(id).unwrap();
        let whole = prf.of(key, &[data]);
        assert_eq!(whole.len(), prf.octets());
        // Where the slices are cut does not matter.
        let (head, tail) = data.split_at(data.len() / 3);
        assert_eq!(prf.of(key, &[head, &[], tail]), whole);
        whole.expose().to_vec()
    }

    #[test]
    fn hmac_gives_the_codes_of_rfc_2202_and_rfc_4231() {
        const JEFE: &[u8] = b"what do ya want for nothing?";
        const LARGER: &[u8] = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let (b16, b20) = ([0x0b; 16], [0x0b; 20]);
        let (a80, a131) = ([0xaa; 80], [0xaa; 131]);
        let cases: &[(u16, &[u8], &[u8], &str)] = &[
            (1, &b16, b"Hi There", "9294727a3638bb1c13f48ef8158bfc9d"),
            (1, b"Jefe", JEFE, "750c783e6ab0b503eaa86e310a5db738"),
            (1, &a80, LARGER, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"),
            (
                2,
                &b20,
                b"Hi There",
                "b617318655057264e28bc0b6fb378c8ef146be00",
            ),
            (2, b"Jefe", JEFE, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (2, &a80, LARGER, "aa4ae5e15272d00e95705637ce8a3b55ed402112"),
            (
                5,
                &b20,
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                5,
                b"Jefe",
                JEFE,
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                5,
                &a131,
                LARGER,
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                6,
                &b20,
                b"Hi There",
                "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c\
                 faea9ea9076ede7f4af152e8b2fa9cb6",
            ),
            (
                6,
                &a131,
                LARGER,
                "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6\
                 0c2ef6ab4030fe8296248df163f44952",
            ),
            (
                7,
                &b20,
                b"Hi There",
                "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde\
                 daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
            ),
            (
                7,
                &a131,
                LARGER,
                "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352\
                 6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
            ),
        ];
        for (id, key, data, code) in cases {
            assert_eq!(prf(*id, key, data), hex(code), "PRF {id}");
        }
    }

    #[test]
    fn xcbc_and_cmac_fit_keys_of_other_lengths() {
        let message = hex("000102030405060708090a0b0c0d0e0f10111213");
        // RFC 4434 section 2.1 and RFC 4615 section 4.
        for (key, xcbc, cmac) in [
            (
                "000102030405060708090a0b0c0d0e0f",
                "47f51b4564966215b8985c63055ed308",
                "980ae87b5f4c9c5214f5b6a8455e4c2d",
            ),
            (
                "00010203040506070809",
                "0fa087af7d866e7653434e602fdde835",
                "290d9e112edb09ee141fcf64c0b72f3d",
            ),
            (
                "000102030405060708090a0b0c0d0e0fedcb",
                "8cd3c93ae598a9803006ffb67c40e9e4",
                "84a348a4a45d235babfffc0d2b4da09a",
            ),
        ] {
            assert_eq!(prf(4, &hex(key), &message), hex(xcbc));
            assert_eq!(prf(8, &hex(key), &message), hex(cmac));
        }
    }

    #[test]
    fn prf_plus_goes_on_to_any_length_its_counter_has() {
        let key: Vec<u8> = (1..25).collect();
        let rest: Vec<u8> = (0..40).collect();
        // Computed in Python from RFC 7296 section 2.13: the RFC has no vectors.
        for (id, stream) in [
            (
                1,
                "ee7b89399478955d4f2d5c62c2468edb8b78b4a60cb18910780dc65c6d13b321bdbf03de4256f055016b487e483e5f9024f5a488bc22ffad7d34acb930e6821fd8e25dbfbd2a3536549d3e05e18852e1d475132751b3282f3af44bc2f8a0a19313d00592",
            ),
            (
                2,
                "6b3d4fc5ba6dcb3d649a2b7d5538e21c0f758a2741b10dcf678ccbad3c0021efc63616501923699452acf4dbd4c5a09e65388cf42045ac8984d2ae62a2c34b1a97ccc633785e5ff50ef304b06ab24c83de2878c3ca3e903b1a899554440cfc782456a084",
            ),
            (
                4,
                "3205abbbb2e7287d628dcf4091f85c04b4e58e937ccd53904899cf4af931f20bc4644cf9cd47df9c91bcd7991352ab35818505860fdacd448e2af69e52a14711c9db69707e456ab87b8f1b6c63034bc195c1ff0dc8ecef88570074ad14bc98625d9afc57",
            ),
            (
                5,
                "b51c48459dcb24732318632eb67cb23c40241797a6151edeee17ec0414b5f4e1981eeadc1780d8fc51677a3dcdb0a6b9a8c86816d06dc84c0537b8a25961afab4443e0e27c91554691e13232d47965d7118fbf2f5eb133e7d8982f85cf3382ad84aec2cc",
            ),
            (
                6,
                "5f047499d7248b59e4d531e6b66b74deb4c2532a3f6bfe697bd6b03bc7b7aa73c9e79d688f9b806a5cc1a87860b88b18ab97ae2f8449debbe98ab3b081c62b0e45383cc01c8828e548f2799a23e7bceb967f9b9f7fdcb040a4e79037187b5ba6e1a5b2bf",
            ),
            (
                7,
                "d3147eb65d24e0c5521de9c7f4e87903e4b123393fbbcd6d48b5b72d2296a56ac8e7529f10fcc11b20fd2c99735a6bee787a3a95b877f50a4c60462a3cf9acf2e3d2d3b02970693a31d7bd15cf87384035d7609d1088da41b7025fc207b93332c4d4aff5",
            ),
            (
                8,
                "92c9f96c57012e7c963d9fb89226156f10807ad6ebf0db8cc746592d03fd783e1b54aadef2913f11688777e60b939dd0ba7749ef217a48372da2d48c6f4b1d2a90301aa38c69720785b1d12b492fbc2cfa7a26f1be0cf25bd447983ed11f039096feda4c",
            ),
        ] {
            let prf = Prf::new(id).unwrap();
            let stream = hex(stream);
            for octets in [0, 1, prf.octets(), prf.octets() + 1, 100] {
                let plus = prf.plus(&key, &[b"seed", &rest], octets).unwrap();
                assert_eq!(plus.expose(), &stream[..octets], "PRF {id}");
            }
        }
        let prf = Prf::new(2).unwrap();
        let longest = prf.plus(b"key", &[b"seed"], 255 * 20).unwrap();
        assert_eq!(
            longest.expose()[254 * 20..],
            hex("8be5db1fdf357f2fa9db8feee51e3826efb7b38c")
        );
        assert_eq!(prf.plus(b"key", &[b"seed"], 255 * 20 + 1), None);
        assert_eq!(prf.plus(b"key", &[b"seed"], usize::MAX), None);
    }

    #[test]
    fn the_key_of_skeyseed_takes_64_bits_of_each_nonce_for_aes() {
        let (initiator, responder) = ([1; 32], [2; 20]);
        for (id, octets) in [(2, [32, 20]), (5, [32, 20]), (4, [8, 8]), (8, [8, 8])] {
            let key = Prf::new(id).unwrap().key_of_nonces(&initiator, &responder);
            let [ones, twos] = [1, 2].map(|of| key.expose().iter().filter(|o| **o == of).count());
            assert_eq!([ones, twos], octets, "PRF {id}");
        }
    }

    #[test]
    fn skeyid_e_is_cut_or_stretched_to_the_key_of_the_cipher() {
        // Computed in Python from RFC 2409 appendix B: the RFC has no vectors.
        for (id, stream) in [
            (
                1,
                "5d76401b50b90caee409473960c04a9614b5f3b70b892097525b06f252c61fbeb621fedde384ff88c682ccce2c599870cca0f4e1fcd0eebdb9c94f3a0a0b728da2eda8dc0f657f3dd2fb368647a49d87c0f2cf43fcfd4e87a445f7274e82ebe729bf89a3",
            ),
            (
                2,
                "1e5fd6a5cbc98bd4c1fe20d5e5fb2ed1df330c93a33c043ca850a65fd7aeae177920debbed728c58ac1a67969ca9324cc1e704fd760b3e81ce2e19d3687e8a965c0c1e9593be219a3b14cb64c2b0ad18fca2c67f211be570acd38668e10ed9e5606e0a1f",
            ),
            (
                5,
                "e711546e3faad4c7c4aa756bc26cad6abea8241984a0f6b0839c70ca61c4ef88d7d5b72e4532e11d1238fbcb0854c7dbc4802dd4f3bf5180f3a6df775161d8db982cc2e6723690f9d22a6d6ceb103fa0a3ffe48b5a4a1becb048b0ed168a8931965ea911",
            ),
        ] {
            let prf = Prf::new(id).unwrap();
            let skeyid_e: Vec<u8> = (0..).take(prf.octets()).collect();
            let key = |octets| prf.ikev1_cipher_key(&skeyid_e, octets).unwrap();
            for octets in [8, prf.octets()] {
                assert_eq!(key(octets).expose(), &skeyid_e[..octets], "PRF {id}");
            }
            for octets in [prf.octets() + 1, 100] {
                assert_eq!(key(octets).expose(), &hex(stream)[..octets], "PRF {id}");
            }
            assert_eq!(
                prf.ikev1_cipher_key(&skeyid_e, 255 * prf.octets() + 1),
                None
            );
        }
    }

    #[test]
    fn octets_are_those_of_the_registry() {
        for row in crate::registry::transform::PRF {
            if let Some(prf) = Prf::new(row.id) {
                assert_eq!(prf.octets(), usize::from(row.octets), "{}", row.name);
            } else {
                assert!(["PRF_HMAC_TIGER", "PRF_HMAC_STREEBOG_512"].contains(&row.name));
            }
        }
        assert_eq!(Prf::ikev1(HashV1::SHA2_256), Prf::new(5));
        assert_eq!(Prf::ikev1(HashV1::TIGER), None);
    }
}
