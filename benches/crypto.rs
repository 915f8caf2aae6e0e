//! How fast ESP is opened: throughput in octets of ciphertext, on one core.
//!
//!     cargo bench --bench crypto

// What is wrong here is a mistake of the measurement: it may panic.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

use aead::{AeadInOut, KeyInit, Nonce};
use aes::cipher::{Array, BlockModeEncrypt, KeyIvInit};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use espial::crypto::{Cipher, Integrity, Protection};
use hmac::Mac;
use std::hint::black_box;

/// Octets of ciphertext: a full packet and a small one, both whole blocks.
const SIZES: [usize; 2] = [1408, 64];

const HEAD: [u8; 8] = [0, 0, 0x43, 0x21, 0, 0, 0, 7];
const SALT: [u8; 4] = [1; 4];
const KEY: [u8; 32] = [2; 32];

fn opening(c: &mut Criterion) {
    let gcm = |octets| sealed::<aes_gcm::Aes128Gcm>(&KEY[..16], octets);
    let gcm_256 = |octets| sealed::<aes_gcm::Aes256Gcm>(&KEY, octets);
    let chacha = |octets| sealed::<chacha20poly1305::ChaCha20Poly1305>(&KEY, octets);
    measure(c, "AES-GCM-16 128", &combined(20, &KEY[..16]), gcm);
    measure(c, "AES-GCM-16 256", &combined(20, &KEY), gcm_256);
    measure(c, "ChaCha20-Poly1305", &combined(28, &KEY), chacha);
    measure(c, "AES-CBC 128 + SHA2-256-128", &chained(), cbc_sha2);
}

fn measure(c: &mut Criterion, name: &str, opener: &Protection, seal: impl Fn(usize) -> Vec<u8>) {
    let mut group = c.benchmark_group(name);
    for octets in SIZES {
        let packet = seal(octets);
        let mut text = Vec::new();
        group.throughput(Throughput::Bytes(octets as u64));
        group.bench_function(format!("{octets} octets"), |b| {
            b.iter(|| {
                opener
                    .open_esp(black_box(&packet), None, &mut text)
                    .expect("the packet was sealed under the same key");
            });
        });
    }
    group.finish();
}

fn combined(id: u16, key: &[u8]) -> Protection {
    let cipher = Cipher::new(id, None, &[key, &SALT].concat()).expect("a key of its length");
    Protection::new(cipher, None).expect("it checks by itself")
}

fn chained() -> Protection {
    let cipher = Cipher::new(12, None, &KEY[..16]).expect("a key of its length");
    let integrity = Integrity::new(12, None, &KEY).expect("a key of its length");
    Protection::new(cipher, Some(integrity)).expect("a cipher that does not check")
}

/// A packet of a cipher that checks by itself.
fn sealed<A: AeadInOut + KeyInit>(key: &[u8], octets: usize) -> Vec<u8> {
    let iv = [3; 8];
    let nonce = Nonce::<A>::try_from(&[&SALT[..], &iv].concat()[..]).expect("12 octets");
    let mut body = vec![4; octets];
    let tag = A::new_from_slice(key)
        .expect("a key of its length")
        .encrypt_inout_detached(&nonce, &HEAD, body.as_mut_slice().into())
        .expect("short enough");
    [&HEAD[..], &iv, &body, &tag].concat()
}

/// A packet of AES-CBC with HMAC-SHA2-256-128.
fn cbc_sha2(octets: usize) -> Vec<u8> {
    let iv = [3; 16];
    let mut body = vec![4; octets];
    let (blocks, _) = Array::slice_as_chunks_mut(&mut body);
    cbc::Encryptor::<aes::Aes128>::new_from_slices(&KEY[..16], &iv)
        .expect("a key of its length")
        .encrypt_blocks(blocks);
    let mut packet = [&HEAD[..], &iv, &body].concat();
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&KEY).expect("a key of any length");
    mac.update(&packet);
    packet.extend_from_slice(&mac.finalize().into_bytes()[..16]);
    packet
}

criterion_group!(benches, opening);
criterion_main!(benches);
