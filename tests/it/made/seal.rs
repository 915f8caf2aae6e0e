//! Seals anew what the recorded keys open. The suite of all that is sealed here is
//! ENCR_AES_GCM_16 with keys of 256 bits (RFC 4106, RFC 5282).

use aead::AeadInOut;
use aes::Aes256;
use aes::cipher::consts::{U12, U16};
use aes_gcm::{AesGcm, KeyInit};
use espial::crypto::{Cipher, Protection};
use espial::keys::KeyRing;

type Gcm = AesGcm<Aes256, U12, U16>;

const ENCR_AES_GCM_16: u16 = 20;

/// Octets of the key; the salt follows.
const KEY: usize = 32;
const IV: usize = 8;
const ICV: usize = 16;

/// What an ESP packet carries.
pub(super) struct Plain {
    pub(super) next_header: u8,
    pub(super) payload: Vec<u8>,
}

/// The key that opens an ESP packet: a log may leave open which of several belongs to its SPI.
pub(super) fn esp_key(ring: &KeyRing, esp: &[u8]) -> Vec<u8> {
    let spi = u32::from_be_bytes(esp[..4].try_into().unwrap());
    let keys = ring.esp.iter().filter(|keys| keys.spi.spi.0 == spi);
    let opens = |key: &&[u8]| {
        let opened = protection(key).open_esp(esp, None, &mut Vec::new());
        opened.is_ok()
    };
    let mut keys = keys.map(|keys| keys.encryption_key.expose());
    keys.find(opens).unwrap().to_vec()
}

pub(super) fn open_esp(ring: &KeyRing, esp: &[u8]) -> Plain {
    let mut text = Vec::new();
    let protection = protection(&esp_key(ring, esp));
    protection.open_esp(esp, None, &mut text).unwrap();
    let [.., pad_length, next_header] = text[..] else {
        panic!("no trailer")
    };
    text.truncate(text.len() - 2 - usize::from(pad_length));
    Plain {
        next_header,
        payload: text,
    }
}

/// An ESP packet with an extended sequence number if there is a high half (RFC 4106 section 5).
/// The IV is the sequence number, as RFC 4106 section 3.1 allows.
pub(super) fn seal_esp(
    key: &[u8],
    spi: u32,
    [high, low]: [Option<u32>; 2],
    plain: &Plain,
) -> Vec<u8> {
    let (spi, low) = (spi.to_be_bytes(), low.unwrap().to_be_bytes());
    let number = [high.unwrap_or(0).to_be_bytes(), low].concat();
    let aad = match high {
        Some(_) => [&spi[..], &number].concat(),
        None => [spi, low].concat(),
    };
    let mut text = plain.payload.clone();
    let mut pad_length = 0;
    while !(text.len() + 2).is_multiple_of(4) {
        pad_length += 1;
        text.push(pad_length);
    }
    text.extend([pad_length, plain.next_header]);
    [&spi[..], &low, &seal(key, &number, &aad, text)].concat()
}

/// A message of one SK payload with other payloads inside: `edit` is given the type of the first
/// and all their octets.
pub(super) fn reseal_ike(
    message: &[u8],
    key: &[u8],
    edit: impl FnOnce(&mut u8, &mut Vec<u8>),
) -> Vec<u8> {
    const SK: u8 = 46;
    let (head, sealed) = message.split_at(32);
    assert_eq!(head[16], SK);
    let mut text = Vec::new();
    protection(key).open_ike(head, sealed, &mut text).unwrap();
    let pad_length = usize::from(*text.last().unwrap());
    text.truncate(text.len() - 1 - pad_length);
    let mut head = head.to_vec();
    edit(&mut head[28], &mut text);
    text.push(0);
    let body = IV + text.len() + ICV;
    head[24..28].copy_from_slice(&u32::try_from(32 + body).unwrap().to_be_bytes());
    head[30..32].copy_from_slice(&u16::try_from(4 + body).unwrap().to_be_bytes());
    // Not the recorded IV, under which another text was sealed.
    let mut iv = sealed[..IV].to_vec();
    iv[0] ^= 0x80;
    let sealed = seal(key, &iv, &head, text);
    [head, sealed].concat()
}

/// Appends a status notification to a chain of payloads (RFC 7296 section 3.10).
pub(super) fn notify(first: &mut u8, payloads: &mut Vec<u8>, kind: u16, data: &[u8]) {
    const NOTIFY: u8 = 41;
    let last = chain(*first, payloads).last().map(|(_, range)| range.start);
    match last {
        Some(at) => payloads[at] = NOTIFY,
        None => *first = NOTIFY,
    }
    let length = u16::try_from(8 + data.len()).unwrap().to_be_bytes();
    payloads.extend([&[0, 0][..], &length, &[0, 0], &kind.to_be_bytes(), data].concat());
}

/// The payloads of a chain: their types, and where they lie with their headers.
pub(super) fn chain(first: u8, payloads: &[u8]) -> Vec<(u8, std::ops::Range<usize>)> {
    let (mut kind, mut at) = (first, 0);
    let mut found = Vec::new();
    while kind != 0 {
        let length = usize::from(u16::from_be_bytes([payloads[at + 2], payloads[at + 3]]));
        found.push((kind, at..at + length));
        kind = payloads[at];
        at += length;
    }
    found
}

fn protection(key: &[u8]) -> Protection {
    let cipher = Cipher::new(ENCR_AES_GCM_16, Some(256), key).unwrap();
    Protection::new(cipher, None).unwrap()
}

/// IV, ciphertext and checksum.
fn seal(key: &[u8], iv: &[u8], aad: &[u8], mut text: Vec<u8>) -> Vec<u8> {
    let (key, salt) = key.split_at(KEY);
    let cipher = Gcm::new(key.try_into().unwrap());
    let nonce = [salt, iv].concat();
    let tag = cipher
        .encrypt_inout_detached(
            nonce[..].try_into().unwrap(),
            aad,
            text.as_mut_slice().into(),
        )
        .unwrap();
    [iv, &text, &tag[..]].concat()
}

/// The key that an IKE message is sealed with: that of its sender, as its flags tell.
pub(super) fn ike_key(ring: &KeyRing, message: &[u8]) -> Vec<u8> {
    const INITIATOR: u8 = 0x08;
    let spi = u64::from_be_bytes(message[..8].try_into().unwrap());
    let keys = ring.ikev2.iter().find(|keys| keys.spis.initiator.0 == spi);
    let keys = keys.unwrap();
    let key = match message[19] & INITIATOR != 0 {
        true => &keys.sk_ei,
        false => &keys.sk_er,
    };
    key.as_ref().unwrap().expose().to_vec()
}
