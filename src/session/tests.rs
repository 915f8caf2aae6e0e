//! Sessions over conversations that are sealed here, octet by octet.

use super::*;
use crate::census::Census;
use crate::crypto::{Prf, Secret};
use crate::fold::Fold;
use crate::keys::{EncryptionId, EspKeys, Ikev1Keys, Ikev2Keys, Origin};
use crate::model::Opened;
use crate::net::{Body as Layer, Encap, IpFacts, Path, Stamp};
use crate::registry::{
    ExchangeType, IdType, NotifyType, PayloadType, SecurityProtocol, TransformAttributeType,
    TransformType,
};
use crate::units::{Endpoint, EspSpi, IkeSpi, IkeSpis, Vantage};
use crate::wire::ikev1::{Attribute, AttributeValue};
use crate::wire::{self, Body, Flags, Payload, ikev1, ikev2};
use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

const SPIS: IkeSpis = IkeSpis {
    initiator: IkeSpi(0x11),
    responder: IkeSpi(0x22),
};
const NONCES: [&[u8]; 2] = [&[0x61; 32], &[0x72; 32]];
const HMAC_SHA2_256: u16 = 5;
const HMAC_SHA2_256_128: u16 = 12;
const NULL: u16 = 11;

/// Feeds a session, a frame for each message.
struct Tap {
    session: Session,
    frame: u64,
}

impl Tap {
    fn new(ring: KeyRing) -> Self {
        Self {
            session: Session::new(Arc::new(ring)),
            frame: 0,
        }
    }

    fn see(&mut self, octets: &[u8]) -> Reading {
        self.frame += 1;
        let frame = FrameId {
            input: 0,
            number: self.frame,
        };
        let datagram = datagram(frame, octets);
        self.session.see(octets, &datagram, Timestamp(0), &[frame])
    }

    fn opened(&mut self, octets: &[u8]) -> Arc<Opened> {
        match self.see(octets).plain {
            Plain::Opened(opened) => opened,
            other => panic!("not opened: {other:?}"),
        }
    }

    fn failed(&mut self, octets: &[u8]) -> Why {
        match self.see(octets).plain {
            Plain::Failed(why) => why,
            other => panic!("did not fail: {other:?}"),
        }
    }
}

fn datagram(frame: FrameId, octets: &[u8]) -> Datagram<'_> {
    let end = |last| Endpoint {
        address: [192, 0, 2, last].into(),
        port: Some(500),
    };
    Datagram {
        stamp: Stamp {
            frame,
            time: None,
            vantage: Vantage {
                input: 0,
                interface: 0,
            },
            station: None,
            wire_len: 0,
        },
        path: Path {
            from: end(1),
            to: end(2),
            encap: Encap::default(),
        },
        ip: IpFacts::default(),
        cut: false,
        body: Layer::Ike(octets),
    }
}

fn origin() -> Origin {
    Origin {
        file: "keys".to_owned(),
        line: 1,
    }
}

fn payload(kind: PayloadType, body: Body<'_>) -> Payload<'_> {
    Payload {
        kind,
        critical: false,
        at: 0,
        length: 0,
        body,
    }
}

fn kinds(opened: &Opened, version: Version) -> Vec<u8> {
    let mut faults = wire::fault::Faults::default();
    let payloads = opened.payloads(version, &mut faults);
    assert!(faults.list.is_empty(), "{:?}", faults.list);
    payloads.iter().map(|payload| payload.kind.0).collect()
}

mod v2 {
    use super::*;

    fn key(octet: u8) -> Secret {
        Secret::new(vec![octet; 32])
    }

    /// Keys of null encryption, so that tests can seal without a cipher: integrity is what counts.
    fn keys(octet: u8) -> Ikev2Keys {
        Ikev2Keys {
            encryption: Some(EncryptionId {
                id: NULL,
                key_bits: None,
            }),
            integrity: Some(HMAC_SHA2_256_128),
            prf: Some(HMAC_SHA2_256),
            sk_d: Some(key(0xd0)),
            sk_ai: Some(key(octet)),
            sk_ar: Some(key(octet + 1)),
            ..Ikev2Keys::new(SPIS, origin())
        }
    }

    fn ring(rows: impl IntoIterator<Item = Ikev2Keys>) -> KeyRing {
        KeyRing {
            ikev2: rows.into_iter().collect(),
            ..KeyRing::default()
        }
    }

    fn header(exchange: ExchangeType, response: bool, message_id: u32) -> Header {
        Header {
            spis: SPIS,
            next_payload: PayloadType::NONE,
            version: Version::V2,
            exchange,
            flags: Flags(if response { 0x20 } else { 0x08 }),
            message_id,
            length: 0,
        }
    }

    fn clear(header: Header, payloads: Vec<Payload<'_>>) -> Vec<u8> {
        Message {
            header,
            payloads,
            sealed: None,
            faults: Vec::new(),
        }
        .emit()
    }

    /// Seals octets into SK, or into SKF if they are a fragment.
    fn seal(
        header: Header,
        first: PayloadType,
        text: &[u8],
        piece: Option<(u16, u16)>,
        integrity: &Secret,
    ) -> Vec<u8> {
        // Two octets of padding, and their number; a checksum to be filled in.
        let data = [text, &[0, 0, 2], &[0; 16]].concat();
        let (kind, body) = match piece {
            None => (
                PayloadType::SK,
                ikev2::Body::Sk(ikev2::Encrypted { first, data: &data }),
            ),
            Some((number, total)) => (
                PayloadType::SKF,
                ikev2::Body::Skf(ikev2::EncryptedFragment {
                    first,
                    number,
                    total,
                    data: &data,
                }),
            ),
        };
        let mut octets = clear(header, vec![payload(kind, Body::V2(body))]);
        let end = octets.len() - 16;
        let prf = Prf::new(HMAC_SHA2_256).unwrap();
        let code = prf.of(integrity.expose(), &[&octets[..end]]);
        octets[end..].copy_from_slice(&code.expose()[..16]);
        octets
    }

    fn chain(payloads: &[Payload<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        Message::emit_chain(payloads, &mut out);
        out
    }

    fn nonce(octets: &[u8]) -> Payload<'_> {
        payload(PayloadType::NONCE, Body::V2(ikev2::Body::Nonce(octets)))
    }

    /// An empty informational request of the initiator.
    fn probe(message_id: u32, integrity: &Secret) -> Vec<u8> {
        let header = header(ExchangeType::INFORMATIONAL, false, message_id);
        seal(header, PayloadType::NONE, &[], None, integrity)
    }

    fn transform(kind: TransformType, id: u16, bits: Option<u16>) -> ikev2::Transform<'static> {
        let attributes = bits.map(|bits| Attribute {
            kind: TransformAttributeType::KEY_LENGTH.0,
            value: AttributeValue::Short(bits),
        });
        ikev2::Transform::new(kind, id, attributes.into_iter().collect())
    }

    fn proposal<'a>(
        protocol: SecurityProtocol,
        spi: &'a [u8],
        transforms: Vec<ikev2::Transform<'static>>,
    ) -> Payload<'a> {
        let proposals = vec![ikev2::Proposal {
            number: 1,
            protocol,
            spi,
            transforms,
        }];
        let sa = ikev2::SecurityAssociation { proposals };
        payload(PayloadType::SA, Body::V2(ikev2::Body::Sa(sa)))
    }

    fn esp(spi: &[u8]) -> Payload<'_> {
        let transforms = vec![
            transform(TransformType::ENCR, 12, Some(128)),
            transform(TransformType::INTEG, HMAC_SHA2_256_128, None),
            transform(TransformType::ESN, 0, None),
        ];
        proposal(SecurityProtocol::ESP, spi, transforms)
    }

    /// `IKE_SA_INIT`: request and response.
    fn init() -> [Vec<u8>; 2] {
        let suite = || {
            let transforms = vec![
                transform(TransformType::ENCR, NULL, None),
                transform(TransformType::INTEG, HMAC_SHA2_256_128, None),
                transform(TransformType::PRF, HMAC_SHA2_256, None),
            ];
            proposal(SecurityProtocol::IKE, &[], transforms)
        };
        let mut first = header(ExchangeType::IKE_SA_INIT, false, 0);
        first.spis.responder = IkeSpi(0);
        let second = header(ExchangeType::IKE_SA_INIT, true, 0);
        [
            clear(first, vec![suite(), nonce(NONCES[0])]),
            clear(second, vec![suite(), nonce(NONCES[1])]),
        ]
    }

    #[test]
    fn what_is_sealed_opens_with_its_keys_only() {
        let octets = chain(&[nonce(b"0123456789abcdef")]);
        let request = header(ExchangeType::INFORMATIONAL, false, 2);
        let sealed = seal(request, PayloadType::NONCE, &octets, None, &key(1));

        let opened = Tap::new(ring([keys(1)])).opened(&sealed);
        assert_eq!(kinds(&opened, Version::V2), [PayloadType::NONCE.0]);
        assert_eq!((opened.pad_length, opened.icv_ok), (2, Some(true)));
        assert_eq!(opened.octets, octets);

        assert_eq!(Tap::new(ring([keys(7)])).failed(&sealed), Why::WrongKey);
        let mut other = keys(1);
        other.spis.responder = IkeSpi(0x33);
        assert_eq!(Tap::new(ring([other])).failed(&sealed), Why::NoKey);
        let one_side = Ikev2Keys {
            encryption: Some(EncryptionId {
                id: 12,
                key_bits: None,
            }),
            sk_er: Some(Secret::new(vec![0; 16])),
            ..keys(1)
        };
        assert_eq!(
            Tap::new(ring([one_side])).failed(&sealed),
            Why::NoKeyOfDirection
        );
        let without = Session::default();
        let mut tap = Tap {
            session: without,
            frame: 0,
        };
        assert_eq!(tap.see(&sealed).plain, Plain::Sealed);
    }

    #[test]
    fn a_checksum_of_its_own_does_not_prove_the_key_of_the_cipher() {
        let cbc = |octet: u8| Ikev2Keys {
            encryption: Some(EncryptionId {
                id: 12,
                key_bits: None,
            }),
            sk_ei: Some(Secret::new(vec![octet; 16])),
            ..keys(1)
        };
        let request = || header(ExchangeType::INFORMATIONAL, false, 2);
        // An IV and two blocks, and what any key makes of them.
        let sealed = seal(request(), PayloadType::NONCE, &[0x5a; 45], None, &key(1));
        for octet in 0..=u8::MAX {
            assert_eq!(
                Tap::new(ring([cbc(octet)])).failed(&sealed),
                Why::Senseless,
                "{octet}"
            );
        }
        // What is not encrypted was sent as it is.
        let broken = seal(request(), PayloadType::NONCE, &[0, 0, 0, 99], None, &key(1));
        Tap::new(ring([keys(1)])).opened(&broken);
    }

    #[test]
    fn lengths_lead_from_payload_to_payload_to_the_end() {
        let chain = chain(&[nonce(&[7; 20]), nonce(&[8; 16])]);
        let is_chain = super::super::ikev2::is_chain;
        assert!(is_chain(PayloadType::NONCE, &chain));
        assert!(is_chain(PayloadType::NONE, &[]));
        for cut in [&chain[..chain.len() - 1], &[&chain[..], &[0]].concat(), &[]] {
            assert!(!is_chain(PayloadType::NONCE, cut), "{cut:?}");
        }
        assert!(!is_chain(PayloadType::NONE, &chain));
    }

    #[test]
    fn no_change_of_one_octet_and_no_prefix_is_opened() {
        let octets = chain(&[nonce(b"0123456789abcdef")]);
        let request = header(ExchangeType::INFORMATIONAL, false, 2);
        let sealed = seal(request, PayloadType::NONCE, &octets, None, &key(1));
        let mut tap = Tap::new(ring([keys(1)]));
        tap.opened(&sealed);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 0x40;
            let changed = tap.see(&changed).plain;
            assert!(!matches!(changed, Plain::Opened(_)), "octet {at}");
            let prefix = tap.see(&sealed[..at]).plain;
            assert!(!matches!(prefix, Plain::Opened(_)), "prefix {at}");
        }
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(tap.failed(&changed), Why::Corrupted);
    }

    #[test]
    fn of_several_key_sets_the_one_that_verifies_wins() {
        let mut tap = Tap::new(ring([keys(1), keys(3), keys(5)]));
        for octet in [1, 3, 5, 3, 1] {
            tap.opened(&probe(2, &key(octet)));
        }
        // As of a log, which may not tell the SPIs.
        let mut untold = keys(9);
        untold.spis = IkeSpis::default();
        Tap::new(ring([keys(1), untold])).opened(&probe(2, &key(9)));
    }

    #[test]
    fn algorithms_that_the_key_file_does_not_tell_are_those_of_the_negotiation() {
        let untold = || Ikev2Keys {
            encryption: None,
            integrity: None,
            prf: None,
            sk_ei: Some(Secret::default()),
            ..keys(1)
        };
        let mut tap = Tap::new(ring([untold()]));
        for octets in init() {
            assert_eq!(tap.see(&octets).plain, Plain::Clear);
        }
        tap.opened(&probe(2, &key(1)));
        // Or those that fit, if it was not captured.
        Tap::new(ring([untold()])).opened(&probe(2, &key(1)));
    }

    #[test]
    fn fragments_are_opened_each_and_read_as_a_whole_where_they_are_complete() {
        let octets = chain(&[nonce(&[7; 64]), nonce(&[8; 64])]);
        let request = header(ExchangeType::IKE_AUTH, false, 1);
        let piece = |number: u16| {
            let at = usize::from(number - 1) * 60;
            let text = &octets[at..(at + 60).min(octets.len())];
            let first = match number {
                1 => PayloadType::NONCE,
                _ => PayloadType::NONE,
            };
            seal(request, first, text, Some((number, 3)), &key(1))
        };
        let mut tap = Tap::new(ring([keys(1)]));
        tap.opened(&piece(3));
        let early = tap.see(&piece(1));
        let Plain::Opened(part) = &early.plain else {
            panic!("not opened");
        };
        assert!(part.is_part && part.octets.is_empty());
        assert_eq!(early.standing.unwrap().seen, 2);
        // One that is not authentic takes no place.
        let mut forged = piece(2);
        *forged.last_mut().unwrap() ^= 1;
        let forged = tap.see(&forged);
        assert_eq!(forged.plain, Plain::Failed(Why::Corrupted));
        assert_eq!(forged.standing, None);
        let whole = tap.see(&piece(2));
        let Plain::Opened(opened) = &whole.plain else {
            panic!("not opened");
        };
        assert_eq!(kinds(opened, Version::V2), [40, 40]);
        assert_eq!(opened.octets, octets);
        let frames: Vec<u64> = whole.frames.iter().map(|frame| frame.number).collect();
        assert_eq!(frames, [1, 2, 4]);
        assert!(tap.session.finish().is_empty());
    }

    #[test]
    fn the_assembly_reads_opened_fragments_as_one_message() {
        let octets = chain(&[nonce(&[7; 64])]);
        let (one, two) = octets.split_at(40);
        let request = header(ExchangeType::IKE_AUTH, false, 1);
        let piece = |number, first, text| seal(request, first, text, Some((number, 2)), &key(1));
        let session = Session::new(Arc::new(ring([keys(1)])));
        let mut census = Census::new(session);
        let [init, _] = init();
        let pieces = [
            init,
            piece(2, PayloadType::NONE, two),
            piece(1, PayloadType::NONCE, one),
        ];
        for (number, octets) in (1..).zip(&pieces) {
            let frame = FrameId { input: 0, number };
            census.datagram(&datagram(frame, octets), Timestamp(0), &[frame]);
        }
        let mut model = census.finish();
        crate::assemble::assemble(&mut model, &crate::each::in_turn);
        let auth = model
            .exchanges
            .iter()
            .find(|exchange| exchange.kind == ExchangeType::IKE_AUTH)
            .unwrap();
        let flight = auth.request().unwrap();
        assert!(flight.is_whole());
        let part = &model.messages[flight.first().unwrap()];
        assert!(part.plain.is_encrypted() && !part.plain.is_readable());
        let whole = &model.messages[flight.message().unwrap()];
        assert!(whole.plain.is_readable());
        assert_eq!(whole.open().nonce(), Some(&[7; 64][..]));
        assert_eq!(whole.read().nonce(), None);
        assert_eq!(whole.frames().len(), 2);
    }

    #[test]
    fn what_was_opened_takes_room_and_counts_as_failed_where_there_is_none() {
        let text = chain(&[nonce(&[7; 64])]);
        let request = header(ExchangeType::INFORMATIONAL, false, 2);
        let sealed = seal(request, PayloadType::NONCE, &text, None, &key(1));
        let counted = |message_octets| {
            let bounds = crate::limits::Bounds {
                message_octets,
                ..crate::limits::Bounds::default()
            };
            let session = Session::new(Arc::new(ring([keys(1)])));
            let mut census = Census::within(bounds, session, crate::each::in_turn);
            let frame = FrameId {
                input: 0,
                number: 1,
            };
            census.datagram(&datagram(frame, &sealed), Timestamp(0), &[frame]);
            census.finish()
        };
        let room = sealed.len() + text.len();
        let whole = counted(room);
        assert!(whole.opened_any && whole.blind.is_empty());
        let cut = counted(room - 1);
        assert!(!cut.opened_any && cut.blind.len() == 1);
        let message = cut.messages.iter().next().unwrap();
        assert_eq!(message.plain, Plain::Failed(Why::Limit));
    }

    #[test]
    fn opened_fragments_that_stay_alone_are_told() {
        let request = header(ExchangeType::IKE_AUTH, false, 1);
        let piece = seal(request, PayloadType::NONCE, &[0; 8], Some((1, 2)), &key(1));
        let mut tap = Tap::new(ring([keys(1)]));
        tap.opened(&piece);
        let blind = tap.session.finish();
        assert_eq!(blind.len(), 1);
        assert_eq!(
            blind[0].what.to_string(),
            "what 1 message in IKE fragments says"
        );
    }

    /// A child SA asked for in one message and given in another.
    fn child(exchange: ExchangeType, message_id: u32, more: &[Payload<'_>]) -> [Vec<u8>; 2] {
        [false, true].map(|response| {
            let spi = [0xc0, 0, 0, u8::from(response)];
            let mut payloads = vec![esp(&spi)];
            if exchange == ExchangeType::CREATE_CHILD_SA {
                payloads.push(nonce(NONCES[usize::from(response)]));
            }
            payloads.extend(more.iter().cloned());
            let integrity = if response { key(2) } else { key(1) };
            seal(
                header(exchange, response, message_id),
                PayloadType::SA,
                &chain(&payloads),
                None,
                &integrity,
            )
        })
    }

    /// RFC 7296 section 2.17, written out: what the initiator sends first, the cipher first.
    fn expected() -> [(EspSpi, [Secret; 2]); 2] {
        let prf = Prf::new(HMAC_SHA2_256).unwrap();
        let keymat = prf
            .plus(key(0xd0).expose(), &NONCES, 2 * (16 + 32))
            .unwrap();
        let cut = |at: usize, octets: usize| Secret::from(&keymat.expose()[at..at + octets]);
        [
            (EspSpi(0xc000_0001), [cut(0, 16), cut(16, 32)]),
            (EspSpi(0xc000_0000), [cut(48, 16), cut(64, 32)]),
        ]
    }

    fn told(derived: Vec<Derived>) -> Vec<(EspSpi, [Secret; 2])> {
        let keys = derived.into_iter().map(|one| {
            let EspKeys {
                encryption_key,
                integrity_key,
                ..
            } = one.keys.unwrap();
            (one.spi, [encryption_key, integrity_key])
        });
        keys.collect()
    }

    #[test]
    fn keys_of_child_sas_follow_from_what_was_negotiated() {
        for exchange in [ExchangeType::IKE_AUTH, ExchangeType::CREATE_CHILD_SA] {
            let mut tap = Tap::new(ring([keys(1)]));
            for octets in init().iter().chain(&child(exchange, 1, &[])) {
                tap.see(octets);
            }
            assert_eq!(told(tap.session.take_derived()), expected(), "{exchange}");
            // Sent again, it gives nothing new.
            for octets in child(exchange, 1, &[]) {
                tap.opened(&octets);
            }
            assert!(tap.session.take_derived().is_empty());
            assert!(tap.session.finish().is_empty());
        }
    }

    #[test]
    fn keys_that_cannot_be_derived_are_told_with_the_reason() {
        let ke = || {
            let ke = ikev2::KeyExchange {
                group: 19,
                data: &[4; 64],
            };
            payload(PayloadType::KE, Body::V2(ikev2::Body::Ke(ke)))
        };
        let rootless = Ikev2Keys {
            sk_d: None,
            ..keys(1)
        };
        let create = ExchangeType::CREATE_CHILD_SA;
        for (row, exchange, more, why) in [
            (keys(1), create, vec![ke()], Underivable::Pfs),
            (rootless, create, vec![], Underivable::NoRoot),
            (
                keys(1),
                ExchangeType::IKE_AUTH,
                vec![],
                Underivable::NoNonce,
            ),
        ] {
            let mut tap = Tap::new(ring([row]));
            for octets in child(exchange, 1, &more) {
                tap.opened(&octets);
            }
            let derived = tap.session.take_derived();
            assert_eq!(derived.len(), 2);
            assert!(derived.iter().all(|one| one.keys == Err(why)), "{why}");
            let blind = tap.session.finish();
            assert_eq!(blind[0].why, why.into());
        }
    }

    #[test]
    fn a_post_quantum_preshared_key_is_mixed_into_the_root() {
        let notify = ikev2::Notify {
            protocol: SecurityProtocol(0),
            spi: &[],
            kind: NotifyType::PPK_IDENTITY,
            data: &[],
        };
        let ppk: &[_] = &[payload(
            PayloadType::NOTIFY,
            Body::V2(ikev2::Body::Notify(notify)),
        )];
        let row = |octet| Ikev2Keys {
            sk_d: Some(key(octet)),
            ..keys(1)
        };
        let mixed = |octet| Ikev2Keys {
            // A cipher without a key, so that it opens nothing.
            encryption: Some(EncryptionId {
                id: 12,
                key_bits: None,
            }),
            sk_d: Some(key(octet)),
            ..Ikev2Keys::new(SPIS, origin())
        };
        let run = |rows: &[Ikev2Keys], exchanges: &[(ExchangeType, &[Payload<'_>])]| {
            let mut tap = Tap::new(ring(rows.iter().cloned()));
            for octets in init() {
                tap.see(&octets);
            }
            for (exchange, more) in exchanges {
                for octets in child(*exchange, 1, more) {
                    tap.opened(&octets);
                }
            }
            tap
        };
        let (auth, create) = (ExchangeType::IKE_AUTH, ExchangeType::CREATE_CHILD_SA);
        // What comes of it stands in a row of its own, or nowhere.
        let mut tap = run(&[row(0x0d), mixed(0xd0)], &[(auth, ppk)]);
        assert_eq!(told(tap.session.take_derived()), expected());
        for exchanges in [&[(auth, ppk), (create, &[])][..], &[(create, ppk)]] {
            let mut tap = run(&[row(0x0d)], exchanges);
            let derived = tap.session.take_derived();
            assert!(!derived.is_empty());
            assert!(derived.iter().all(|one| one.keys == Err(Underivable::Ppk)));
            assert_eq!(tap.session.finish()[0].why, Underivable::Ppk.into());
        }
        // Without it the key is the one that there was.
        let mut tap = run(&[row(0xd0), mixed(0x0d)], &[(auth, &[])]);
        assert_eq!(told(tap.session.take_derived()), expected());
    }

    #[test]
    fn no_key_shows_in_what_is_printed_for_debugging() {
        let mut tap = Tap::new(ring([keys(1)]));
        for octets in init().iter().chain(&child(ExchangeType::IKE_AUTH, 1, &[])) {
            tap.see(octets);
        }
        let derived = tap.session.take_derived();
        let key = match &derived[0].keys {
            Ok(keys) => keys.encryption_key.expose().to_vec(),
            Err(why) => panic!("{why}"),
        };
        let shown = format!("{:?} {derived:?}", tap.session);
        assert!(!shown.contains(&format!("{:?}", &key[..4]).replace(['[', ']'], "")));
        assert!(!shown.contains("208, 208, 208"));
    }
}

mod v1 {
    use super::*;
    use crate::crypto::Hash;
    use crate::registry::ikev1::HashV1;

    const KEY: [u8; 16] = [0x5a; 16];
    const QUICK: u32 = 0x0102_0304;

    fn keys() -> Ikev1Keys {
        Ikev1Keys {
            encryption_key: Some(Secret::from(&KEY[..])),
            skeyid: Some(Secret::new(vec![0xee; 20])),
            skeyid_a: Some(Secret::new(vec![0xaa; 20])),
            skeyid_d: Some(Secret::new(vec![0xdd; 20])),
            ..Ikev1Keys::new(SPIS.initiator, origin())
        }
    }

    fn tap(row: Ikev1Keys) -> Tap {
        Tap::new(KeyRing {
            ikev1: vec![row],
            ..KeyRing::default()
        })
    }

    fn prf(key: u8, parts: &[&[u8]]) -> Vec<u8> {
        let prf = Prf::ikev1(HashV1::SHA).unwrap();
        prf.of(&[key; 20], parts).expose().to_vec()
    }

    fn hash(parts: &[&[u8]]) -> Vec<u8> {
        Hash::Sha1.of(parts)[..16].to_vec()
    }

    fn header(exchange: ExchangeType, message_id: u32) -> Header {
        Header {
            spis: SPIS,
            next_payload: PayloadType::NONE,
            version: Version::V1,
            exchange,
            flags: Flags(0),
            message_id,
            length: 0,
        }
    }

    fn clear(payloads: Vec<Payload<'_>>) -> Vec<u8> {
        let header = header(ExchangeType::IDENTITY_PROTECTION, 0);
        Message {
            header,
            payloads,
            sealed: None,
            faults: Vec::new(),
        }
        .emit()
    }

    /// Encrypts a chain of payloads; the IV of the next message is left behind.
    fn seal(
        exchange: ExchangeType,
        message_id: u32,
        payloads: &[Payload<'_>],
        iv: &mut Vec<u8>,
    ) -> Vec<u8> {
        let mut text = Vec::new();
        Message::emit_chain(payloads, &mut text);
        text.resize(text.len().next_multiple_of(16), 0);
        let cipher = Aes128::new(&KEY.into());
        for block in text.chunks_exact_mut(16) {
            block
                .iter_mut()
                .zip(iv.iter())
                .for_each(|(octet, iv)| *octet ^= iv);
            let mut one: [u8; 16] = block.try_into().unwrap();
            let mut sealed = one.into();
            cipher.encrypt_block(&mut sealed);
            one = sealed.into();
            block.copy_from_slice(&one);
            *iv = one.to_vec();
        }
        let header = Header {
            next_payload: payloads[0].kind,
            flags: Flags(1),
            ..header(exchange, message_id)
        };
        Message {
            header,
            payloads: Vec::new(),
            sealed: Some(&text),
            faults: Vec::new(),
        }
        .emit()
    }

    fn v1(kind: PayloadType, body: ikev1::Body<'_>) -> Payload<'_> {
        payload(kind, Body::V1(body))
    }

    fn hashed<'a>(hash: &'a [u8], others: &[Payload<'a>]) -> Vec<Payload<'a>> {
        let mut all = vec![v1(PayloadType::HASH_V1, ikev1::Body::Hash(hash))];
        all.extend(others.iter().cloned());
        all
    }

    /// A proposal of one transform: 3DES with SHA-1 has no key length, AES-128 has.
    fn sa<'a>(protocol: u8, spi: &'a [u8], id: u8, attributes: &[(u16, u16)]) -> Payload<'a> {
        let attributes = attributes
            .iter()
            .map(|(kind, value)| Attribute {
                kind: *kind,
                value: AttributeValue::Short(*value),
            })
            .collect();
        let sa = ikev1::SecurityAssociation {
            doi: 1,
            situation: 1,
            proposals: vec![ikev1::Proposal {
                number: 1,
                protocol: SecurityProtocol(protocol),
                spi,
                transforms: vec![ikev1::Transform {
                    number: 1,
                    id,
                    attributes,
                }],
            }],
        };
        v1(PayloadType::SA_V1, ikev1::Body::Sa(sa))
    }

    fn nonce(octets: &[u8]) -> Payload<'_> {
        v1(PayloadType::NONCE_V1, ikev1::Body::Nonce(octets))
    }

    fn ke(octets: &[u8]) -> Payload<'_> {
        v1(PayloadType::KE_V1, ikev1::Body::Ke(octets))
    }

    fn chain(payloads: &[Payload<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        Message::emit_chain(payloads, &mut out);
        out
    }

    /// A whole conversation: main mode, a quick mode, an informational between its messages.
    fn conversation(pfs: bool) -> Vec<Vec<u8>> {
        let main = ExchangeType::IDENTITY_PROTECTION;
        let phase1 = || sa(1, &[], 1, &[(1, 7), (2, 2), (14, 128)]);
        let public = [[0x31; 96], [0x32; 96]];
        let mut offer = clear(vec![phase1()]);
        offer[8..16].fill(0);
        let mut told = vec![
            offer,
            clear(vec![phase1()]),
            clear(vec![ke(&public[0]), nonce(NONCES[0])]),
            clear(vec![ke(&public[1]), nonce(NONCES[1])]),
        ];
        let mut iv = hash(&[&public[0], &public[1]]);
        let identity = [1, 0, 0, 0, 192, 0, 2, 1];
        let mut offered = Vec::new();
        if let Body::V1(sa) = phase1().body {
            sa.emit(&mut offered);
        }
        let [own, theirs] = [SPIS.initiator, SPIS.responder].map(|spi| spi.0.to_be_bytes());
        for (public, other, own, theirs) in [
            (&public[0], &public[1], own, theirs),
            (&public[1], &public[0], theirs, own),
        ] {
            let proof = prf(0xee, &[public, other, &own, &theirs, &offered, &identity]);
            let id = ikev1::Identification {
                id_type: IdType(1),
                protocol: 0,
                port: 0,
                data: &identity[4..],
            };
            let chain = [
                v1(PayloadType::ID_V1, ikev1::Body::Id(id)),
                v1(PayloadType::HASH_V1, ikev1::Body::Hash(&proof)),
            ];
            told.push(seal(main, 0, &chain, &mut iv));
        }
        let last = iv;

        let quick = ExchangeType::QUICK_MODE;
        let id = QUICK.to_be_bytes();
        let mut iv = hash(&[&last, &id]);
        let side = |spi: &'static [u8], of: usize| {
            let esp = sa(3, spi, 12, &[(4, 1), (5, 2), (6, 128)]);
            let mut all = vec![esp, nonce(NONCES[of])];
            if pfs {
                all.push(ke(&[0x33; 96]));
            }
            all
        };
        let asked = side(&[0xc0, 0, 0, 0], 0);
        let hash1 = prf(0xaa, &[&id, &chain(&asked)]);
        told.push(seal(quick, QUICK, &hashed(&hash1, &asked), &mut iv));

        let other = 0x0a0b_0c0d_u32;
        let mut own = hash(&[&last, &other.to_be_bytes()]);
        let notify = ikev1::Notification {
            doi: 1,
            protocol: SecurityProtocol(1),
            kind: crate::registry::ikev1::NotifyV1::INITIAL_CONTACT,
            spi: &[7; 16],
            data: &[],
        };
        let notify = [v1(PayloadType::NOTIFY_V1, ikev1::Body::Notify(notify))];
        let right = prf(0xaa, &[&other.to_be_bytes(), &chain(&notify)]);
        let information = ExchangeType::INFORMATIONAL_V1;
        told.push(seal(information, other, &hashed(&right, &notify), &mut own));

        let answered = side(&[0xc0, 0, 0, 1], 1);
        let hash2 = prf(0xaa, &[&id, NONCES[0], &chain(&answered)]);
        told.push(seal(quick, QUICK, &hashed(&hash2, &answered), &mut iv));
        let hash3 = prf(0xaa, &[&[0], &id, NONCES[0], NONCES[1]]);
        told.push(seal(quick, QUICK, &hashed(&hash3, &[]), &mut iv));
        told
    }

    /// Number of the first sealed message of a conversation, of its quick mode's three, and of the
    /// informational.
    const SEALED: usize = 4;
    const QM: [usize; 3] = [6, 8, 9];
    const INFORMATION: usize = 7;

    #[test]
    fn a_conversation_opens_and_every_hash_is_right() {
        let mut tap = tap(keys());
        let told = conversation(false);
        for octets in &told[..SEALED] {
            assert_eq!(tap.see(octets).plain, Plain::Clear);
        }
        for (at, octets) in told.iter().enumerate().skip(SEALED) {
            let opened = tap.opened(octets);
            let kinds = kinds(&opened, Version::V1);
            let first = if at < QM[0] {
                PayloadType::ID_V1
            } else {
                PayloadType::HASH_V1
            };
            assert_eq!(kinds[0], first.0, "message {at}");
            assert_eq!(opened.hash_ok, Some(true), "message {at}");
        }
    }

    #[test]
    fn what_is_sent_again_opens_again_and_does_not_disturb() {
        let mut tap = tap(keys());
        for octets in conversation(false) {
            for _ in 0..3 {
                assert!(tap.see(&octets).plain.is_readable());
            }
        }
        for octets in conversation(false) {
            assert!(tap.see(&octets).plain.is_readable());
        }
    }

    #[test]
    fn a_lost_message_costs_only_what_follows_from_it() {
        for lost in SEALED..10 {
            let mut tap = tap(keys());
            for (at, octets) in conversation(false).iter().enumerate() {
                if at == lost {
                    continue;
                }
                // Each sealed message needs the one before it of its exchange; the first of an
                // exchange needs the last of phase 1.
                let needed = match at {
                    5 => Some(4),
                    6 | 7 => Some(5),
                    8 | 9 => QM.iter().rev().copied().find(|before| *before < at),
                    _ => None,
                };
                let whole = match tap.see(octets).plain {
                    Plain::Clear => true,
                    Plain::Opened(opened) => !opened.iv.is_empty(),
                    _ => false,
                };
                assert_eq!(whole, needed != Some(lost), "{at} without {lost}");
            }
        }
    }

    #[test]
    fn without_phase_1_all_is_opened_but_a_part_of_the_first_hash() {
        let told = conversation(false);
        let mut one = tap(keys());
        for (at, first) in [
            (QM[0], true),
            (INFORMATION, true),
            (QM[1], false),
            (QM[2], false),
        ] {
            let opened = one.opened(&told[at]);
            assert_eq!(opened.iv.is_empty(), first, "message {at}");
            assert_eq!(opened.hash_ok, (!first).then_some(true), "message {at}");
            let kinds = kinds(&opened, Version::V1);
            assert_eq!(kinds[0], PayloadType::HASH_V1.0);
            if at == INFORMATION {
                assert_eq!(kinds, [8, 11]);
            }
        }
        assert_eq!(one.session.take_derived().len(), 2);
        let wrong = Ikev1Keys {
            encryption_key: Some(Secret::from(&[1; 16][..])),
            ..keys()
        };
        assert_eq!(tap(wrong).failed(&told[QM[0]]), Why::NoIv);
    }

    #[test]
    fn a_wrong_hash_is_told() {
        let wrong = Ikev1Keys {
            skeyid: Some(Secret::new(vec![0xef; 20])),
            skeyid_a: Some(Secret::new(vec![0xab; 20])),
            ..keys()
        };
        let mut tap = tap(wrong);
        for (at, octets) in conversation(false).iter().enumerate() {
            let reading = tap.see(octets);
            if at >= SEALED {
                let Plain::Opened(opened) = reading.plain else {
                    panic!("not opened");
                };
                assert_eq!(opened.hash_ok, Some(false), "message {at}");
            }
        }
    }

    #[test]
    fn what_the_capture_does_not_tell_is_tried() {
        // Nobody saw what was accepted, nor offered: only public values, the key and its length.
        let mut tap = tap(keys());
        for octets in &conversation(false)[2..] {
            assert!(tap.see(octets).plain.is_readable());
        }
    }

    #[test]
    fn a_wrong_key_and_a_late_start_are_told_apart() {
        let told = conversation(false);
        let wrong = Ikev1Keys {
            encryption_key: Some(Secret::from(&[1; 16][..])),
            ..keys()
        };
        let mut one = tap(wrong);
        for octets in &told[..SEALED] {
            one.see(octets);
        }
        assert_eq!(one.failed(&told[SEALED]), Why::Senseless);
        assert_eq!(tap(keys()).failed(&told[SEALED]), Why::NoIv);
        let mut other = keys();
        other.initiator = IkeSpi(9);
        assert_eq!(tap(other).failed(&told[SEALED]), Why::NoKey);
    }

    #[test]
    fn keys_of_a_quick_mode_follow_from_skeyid_d_unless_it_has_a_key_exchange() {
        let mut one = tap(keys());
        for octets in conversation(false) {
            one.see(&octets);
        }
        // RFC 2409 section 5.5, written out: 16 octets for the cipher, 20 for HMAC-SHA-1.
        let expected = [EspSpi(0xc000_0001), EspSpi(0xc000_0000)].map(|spi| {
            let octets = spi.0.to_be_bytes();
            let k1 = prf(0xdd, &[&[3], &octets, NONCES[0], NONCES[1]]);
            let k2 = prf(0xdd, &[&k1, &[3], &octets, NONCES[0], NONCES[1]]);
            let keymat = [k1, k2].concat();
            let (cipher, integrity) = (&keymat[..16], &keymat[16..36]);
            (spi, Secret::from(cipher), Secret::from(integrity))
        });
        let told: Vec<(EspSpi, Secret, Secret)> = one
            .session
            .take_derived()
            .into_iter()
            .map(|one| {
                let keys = one.keys.unwrap();
                (one.spi, keys.encryption_key, keys.integrity_key)
            })
            .collect();
        assert_eq!(told, expected);

        let mut other = tap(keys());
        for octets in conversation(true) {
            other.see(&octets);
        }
        let derived = other.session.take_derived();
        assert!(derived.iter().all(|one| one.keys == Err(Underivable::Pfs)));
        assert_eq!(derived.len(), 2);
    }

    #[test]
    fn no_change_of_one_octet_stops_the_session() {
        for (at, octets) in conversation(true).iter().enumerate() {
            for place in 0..octets.len() {
                let mut changed = octets.clone();
                changed[place] ^= 0x11;
                let mut tap = tap(keys());
                for octets in &conversation(true)[..at] {
                    tap.see(octets);
                }
                tap.see(&changed);
                tap.see(&changed[..place]);
            }
        }
    }

    /// The pieces of a message, cut after so many octets.
    fn pieces(octets: &[u8], at: usize) -> [Vec<u8>; 2] {
        let (one, two) = octets.split_at(at);
        [(1, one), (2, two)].map(|(number, data)| {
            let fragment = ikev1::Fragment {
                id: 1,
                number,
                last: number == 2,
                data,
            };
            clear(vec![v1(
                PayloadType::FRAGMENT_V1,
                ikev1::Body::Fragment(fragment),
            )])
        })
    }

    #[test]
    fn the_assembly_reads_a_message_in_fragments_as_one() {
        let told = conversation(false);
        let [one, two] = pieces(&told[1], 50);
        let session = Session::new(Arc::new(KeyRing {
            ikev1: vec![keys()],
            ..KeyRing::default()
        }));
        let mut census = Census::new(session);
        let messages = [&told[0], &two, &one].into_iter().chain(&told[2..]);
        for (number, octets) in (1..).zip(messages) {
            let responder = matches!(number, 2 | 3 | 5 | 7 | 10);
            let frame = FrameId { input: 0, number };
            let mut datagram = datagram(frame, octets);
            if responder {
                let Path { from, to, encap } = datagram.path;
                datagram.path = Path {
                    from: to,
                    to: from,
                    encap,
                };
            }
            census.datagram(&datagram, Timestamp(0), &[frame]);
        }
        let mut model = census.finish();
        crate::assemble::assemble(&mut model, &crate::each::in_turn);
        let sa = model.ike_sas.iter().next().unwrap();
        assert_eq!(sa.suite.as_ref().unwrap().encryption, Some(12));
        let main = &model.exchanges[sa.exchanges[0]];
        let answer = main.response().unwrap();
        assert_eq!(answer.parts.len(), 2);
        let whole = &model.messages[answer.message().unwrap()];
        assert_eq!(whole.frame.number, 3);
        assert_eq!(whole.frames().len(), 2);
        assert!(whole.read().sa_v1().is_some());
        assert_eq!(whole.length(), told[1].len());
        // What was opened is read like what is in clear.
        let quick = &model.exchanges[sa.exchanges[1]];
        let asked = &model.messages[quick.request().unwrap().message().unwrap()];
        assert!(asked.read().sa_v1().is_none());
        assert!(asked.open().sa_v1().is_some());
    }

    #[test]
    fn an_encrypted_message_in_fragments_is_opened_where_it_is_complete() {
        let mut tap = tap(keys());
        let told = conversation(false);
        for octets in &told[..SEALED] {
            tap.see(octets);
        }
        let [one, two] = pieces(&told[SEALED], 40);
        assert!(tap.see(&two).whole.is_none());
        let whole = tap.see(&one).whole.unwrap();
        assert_eq!(whole.bytes, told[SEALED]);
        assert!(matches!(whole.reading.plain, Plain::Opened(_)));
        assert_eq!(whole.reading.frames.len(), 2);
        // The message after it follows from it.
        tap.opened(&told[SEALED + 1]);
    }
}
