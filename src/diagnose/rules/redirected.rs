//! The peer sends the other to another gateway.

use crate::diagnose::facts::{clear, end_of};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, all_of, one_of, parted};
use crate::model::{IkeSa, IkeSaId, IkeState, Message, Model, Notice, Role, Tunnel};
use crate::registry::{ExchangeType, NotifyType, SecurityProtocol};
use crate::say;
use crate::units::Span;
use crate::wire::ikev2::{Gateway, Notify, NotifyMeaning};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "redirected",
    code: "INF511",
    severity: Severity::Info,
    summary: "The peer sends the other to another gateway",
    document: DOCUMENT,
    // What came of the tunnel that was left; see [`AWAY`].
    explains: &[],
    needs: READABLE.or(Signs::DELETED).or(Signs::NOTICE),
    check,
};

/// Signs of a message that may be read and may hold REDIRECT.
const READABLE: Signs = Signs::OPENED.or(Signs::BARE).or(Signs::UNAGREED);

const DOCUMENT: &str = "\
## What it means
A gateway asks a client to go to another one (RFC 5685): it is busy, will be taken down, or another is nearer.

## How it is seen
A REDIRECT notification: in clear in the IKE_SA_INIT response, or, with the keys of the IKE SA, in IKE_AUTH or an informational exchange. The client then begins anew with the gateway that it names, and tells that one in clear, by REDIRECTED_FROM in its IKE_SA_INIT, which gateway sent it: so it is seen without keys, too.

Gateways that send a client to each other, two or several in a ring, are an error of theirs: it gets through to none (RFC 5685 section 3).

## What else looks like it
Notifications in clear can be forged by anyone on the path.

## What to do
1. Nothing, if the client gets through to the other gateway. If it does not, look there.
2. Where gateways send it to each other, let one of them take it.
";

/// What ends the tunnel to a gateway that sends its client away.
const AWAY: &[&str] = &[
    "ike-refused",
    "auth-failed",
    "child-setup-failed",
    "tunnel-deleted",
];

/// What comes of the tunnel that a client left, where only its word at the next gateway is known: anyone may write
/// that in the first message (RFC 7296 section 2.15), so it excuses no error.
const LEFT: &[&str] = &["tunnel-deleted"];

/// How many other tunnels of an end are looked at, before and after, and IKE SAs of each: who is sent elsewhere
/// begins there at once.
const BESIDE: usize = 8;

/// One word of a gateway that sends a client elsewhere.
struct Told {
    at: Cite,
    note: NotifyType,
    from: Text,
    client: IpAddr,
    /// Where to.
    gateway: Text,
    /// What it explains of the tunnel that it is told of.
    explains: &'static [&'static str],
    confidence: Confidence,
}

fn check(case: &Case<'_>) -> Vec<Finding> {
    let readable = case.signs().meet(READABLE);
    let read = case.ike_sas().filter(|_| readable).flat_map(|sa| {
        redirections(case.model, sa).map(|(message, gateway)| Told {
            at: (message.frame, message.time),
            note: NotifyType::REDIRECT,
            from: Text::verbatim(message.path.from().address),
            client: message.path.to().address,
            gateway: match gateway {
                Some(gateway) => Text::verbatim(gateway),
                None => "another gateway".into(),
            },
            explains: AWAY,
            confidence: Confidence::Certain,
        })
    });
    let mut found: Option<Finding> = None;
    for told in read.chain(left(case)).chain(come(case)) {
        let note = Text::verbatim(told.note);
        let Told {
            at,
            from,
            client: to,
            gateway,
            explains,
            confidence,
            ..
        } = told;
        if let Some(finding) = found {
            found = Some(finding.also(at, note));
            continue;
        }
        let finding = Finding::new(&RULE, confidence, case.id, at, note)
            .explaining(explains)
            .title(say!(
                "{from} redirects to {gateway}",
                from = &from,
                gateway = &gateway
            ))
            .says(say!(
                "{from} asks {to} to go to {gateway}.",
                from,
                to,
                gateway = &gateway
            ))
            .advise(say!(
                "Where {to} does not get through, record what passes between it and {gateway}.",
                to,
                gateway
            ));
        found = Some(match confidence {
            Confidence::Certain => finding,
            _ => finding.or("Notifications in clear can be forged by anyone on the path."),
        });
    }
    let found = found.map(|finding| match circle(case) {
        Some(circle) => circle.tell(finding),
        None => finding,
    });
    found.into_iter().collect()
}

/// One address that a gateway sends a client to.
struct Sent {
    at: Cite,
    from: IpAddr,
    client: IpAddr,
    to: IpAddr,
}

/// Where the clients of a tunnel are sent, in order.
fn sent(model: &Model, tunnel: &Tunnel) -> Vec<Sent> {
    let sas = tunnel.ike_sas.iter().take(BESIDE);
    let redirections = sas.flat_map(|id| redirections(model, &model.ike_sas[*id]));
    let sent = redirections.filter_map(|(message, gateway)| match gateway? {
        Gateway::Address(to) => Some(Sent {
            at: (message.frame, message.time),
            from: message.path.from().address,
            client: message.path.to().address,
            to,
        }),
        Gateway::Name(_) => None,
    });
    sent.collect()
}

/// Gateways that send a client to each other.
struct Circle {
    /// From each to the next, and from the last to the first.
    way: Vec<Sent>,
    /// The first sends it on once more.
    again: Sent,
}

/// The circle that begins with this tunnel, if its client comes back from the gateways that it is sent to, is sent
/// there again, and gets through to none.
fn circle(case: &Case<'_>) -> Option<Circle> {
    /// A client looks so far back for a loop (RFC 5685 section 3).
    const REDIRECT_LOOP_DETECT_PERIOD: Span = Span::from_secs(300);
    let model = case.model;
    let mut sent_here = sent(model, case.tunnel).into_iter();
    let first = sent_here.next()?;
    let (begin, client, mut next, mut since) = (first.from, first.client, first.to, first.at.1);
    let (mut way, mut tunnels) = (vec![first], vec![case.tunnel]);
    while next != begin {
        let mut others = model.tunnels_beside(case.id, client, BESIDE);
        let other = others.find(|other| model.tunnels[*other].ends.contains(&next))?;
        let other = &model.tunnels[other];
        // It is told of the tunnel where it begins.
        let sent = sent(model, other).into_iter().next()?;
        if way.len() > BESIDE || sent.from != next || sent.client != client || sent.at.1 < since {
            return None;
        }
        (next, since) = (sent.to, sent.at.1);
        way.push(sent);
        tunnels.push(other);
    }
    let (first, last) = (way.first()?, way.last()?);
    let again = sent_here.find(|again| again.to == first.to && again.at.1 > last.at.1)?;
    let stands = |id: &IkeSaId| {
        let sa = &model.ike_sas[*id];
        sa.state.was_up() && redirections(model, sa).next().is_none()
    };
    let mut sas = tunnels.iter().flat_map(|tunnel| &tunnel.ike_sas);
    let soon = again.at.1.since(first.at.1) <= REDIRECT_LOOP_DETECT_PERIOD;
    (soon && !sas.any(stands)).then_some(Circle { way, again })
}

impl Circle {
    /// A redirection that is one of a circle: nobody gets through.
    fn tell(self, finding: Finding) -> Finding {
        let Self { way, again } = self;
        let Sent {
            from, client, to, ..
        } = again;
        let gateways = || way.iter().map(|sent| Text::verbatim(sent.from));
        let onward = way.iter().skip(1);
        let finding = onward.clone().fold(finding, |finding, sent| {
            finding.also(
                sent.at,
                say!(
                    "{from} redirects to {gateway}",
                    from = sent.from,
                    gateway = sent.to
                ),
            )
        });
        let mut finding = finding
            .severity(Severity::Error)
            .title(say!(
                "{gateways} redirect {client} to each other",
                gateways = all_of(gateways()),
                client
            ))
            .also(again.at, "and again")
            .advise(say!(
                "Let {gateways} take {client} itself.",
                gateways = one_of(gateways()),
                client
            ));
        finding.says.add(match onward.len() {
            1 => say!(
                "{to} sends it back, and {from} on again: {client} gets through to neither.",
                to,
                from,
                client
            ),
            _ => say!(
                "From there it is sent on to {gateways}, and {from} sends it on again: {client} gets through to none.",
                gateways = parted(
                    ", then to ",
                    onward.map(|sent| Text::verbatim(sent.to))
                ),
                from,
                client
            ),
        });
        finding
    }
}

/// The gateways that initiators of an IKE SA say they were sent by, each with the notice that says so.
fn sent_by(sa: &IkeSa) -> impl Iterator<Item = (&IkeSa, &Notice, Gateway)> {
    let notices = clear::refusals(sa, NotifyType::REDIRECTED_FROM);
    notices.filter_map(move |notice| {
        let notify = Notify {
            protocol: SecurityProtocol(0),
            spi: &[],
            kind: NotifyType::REDIRECTED_FROM,
            data: &notice.data,
        };
        match notify.meaning()? {
            NotifyMeaning::Redirect { gateway, .. } if notice.by == Role::Initiator => {
                Some((sa, notice, gateway))
            }
            _ => None,
        }
    })
}

/// The gateway that the initiator of an IKE SA says it was sent by, and where it says so.
pub(super) fn sender(sa: &IkeSa) -> Option<(Gateway, Cite)> {
    let (_, notice, gateway) = sent_by(sa).next()?;
    Some((gateway, notice.at))
}

/// What an end tells another gateway of why it left this tunnel, whose IKE SA was deleted.
fn left(case: &Case<'_>) -> Vec<Told> {
    if !case.model.any_redirected_from || !case.signs().meet(Signs::DELETED) {
        return Vec::new();
    }
    let [one, two] = case.tunnel.ends;
    let ends = [(one, two), (two, one)].into_iter();
    let beside = ends.flat_map(|(client, gateway)| {
        let others = case.model.tunnels_beside(case.id, client, BESIDE);
        others.map(move |other| (client, gateway, &case.model.tunnels[other]))
    });
    let told = beside.flat_map(|(client, gateway, other)| {
        let sas = other.ike_sas.iter().take(BESIDE);
        let notices = sas.flat_map(|id| sent_by(&case.model.ike_sas[*id]));
        let ours = notices.filter(move |(_, notice, sender)| {
            notice.from == client
                && *sender == Gateway::Address(gateway)
                && case.ike_sas().any(|sa| is_left(sa, notice))
        });
        ours.filter_map(move |(sa, notice, _)| {
            let to = other.ends.into_iter().find(|end| *end != client)?;
            Some(Told {
                at: notice.at,
                note: NotifyType::REDIRECTED_FROM,
                from: Text::verbatim(gateway),
                client,
                gateway: Text::verbatim(to),
                explains: LEFT,
                confidence: Confidence::Certain.lower_if(!sa.state.was_up()),
            })
        })
    });
    told.collect()
}

/// Whether an IKE SA was deleted about when its initiator turned to another gateway: either may come first (RFC 5685
/// section 5).
fn is_left(sa: &IkeSa, notice: &Notice) -> bool {
    /// Who is sent away goes at once; a dead peer in between would take longer.
    const SOON: Span = Span::from_secs(60);
    let apart = notice.at.1.since(sa.seen.last.1);
    sa.state == IkeState::Deleted
        && sa.seen.first.1 <= notice.at.1
        && (Span(-SOON.0)..=SOON).contains(&apart)
}

/// Who sent the initiator of this tunnel here, where nothing was recorded of the tunnel to that gateway.
fn come<'m>(case: &Case<'m>) -> impl Iterator<Item = Told> + use<'m> {
    let (model, tunnel) = (case.model, case.tunnel);
    let notices = case.ike_sas().flat_map(sent_by);
    notices.filter_map(move |(sa, notice, gateway)| {
        let client = notice.from;
        let known = is_known(model, client, &gateway);
        let here = *tunnel.ends.get(1 - end_of(tunnel, client)?)?;
        (!known).then(|| Told {
            at: notice.at,
            note: NotifyType::REDIRECTED_FROM,
            from: Text::verbatim(gateway),
            client,
            gateway: Text::verbatim(here),
            explains: &[],
            confidence: Confidence::Certain.lower_if(!sa.state.was_up()),
        })
    })
}

/// Whether something was recorded of a tunnel between a client and the gateway that sent it elsewhere; it may have
/// been where either has many.
fn is_known(model: &Model, client: IpAddr, gateway: &Gateway) -> bool {
    const MANY: usize = 64;
    let Gateway::Address(gateway) = *gateway else {
        return false;
    };
    let [ours, theirs] = [client, gateway].map(|end| model.tunnels_of(end));
    let (few, many) = match ours.len() <= theirs.len() {
        true => (ours, theirs),
        false => (theirs, ours),
    };
    few.len() > MANY || few.iter().any(|id| many.binary_search(id).is_ok())
}

/// The messages of an IKE SA that send the other side to another gateway, and which that is.
pub(super) fn redirections<'m>(
    model: &'m Model,
    sa: &'m IkeSa,
) -> impl Iterator<Item = (&'m Message, Option<Gateway>)> {
    let exchanges = [sa]
        .into_iter()
        .filter(|sa| sa.version.major() != 1)
        .flat_map(move |sa| {
            sa.exchanges
                .iter()
                .map(move |id| (sa, &model.exchanges[*id]))
        })
        // Who redirects at once chooses no algorithms (RFC 5685 section 3).
        .filter(|(sa, exchange)| exchange.kind != ExchangeType::IKE_SA_INIT || sa.suite.is_none())
        .flat_map(|(_, exchange)| {
            let begins = exchange.kind == ExchangeType::IKE_SA_INIT;
            let flights = exchange.flights.iter();
            // Who begins asks nobody to go elsewhere.
            flights.filter(move |flight| flight.response || !begins)
        });
    exchanges.filter_map(|flight| {
        let (message, read) = model.readable(flight)?;
        let notify = read.notify(NotifyType::REDIRECT)?;
        let gateway = match notify.meaning() {
            Some(NotifyMeaning::Redirect { gateway, .. }) => Some(gateway),
            _ => None,
        };
        Some((message, gateway))
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{findings, fires, silent};

    #[test]
    fn a_gateway_names_another() {
        let finding = fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce N(16406)
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(REDIRECT 0104c0000207)",
            "redirected",
        );
        assert!(
            finding.title.to_string().contains("192.0.2.7"),
            "{}",
            finding.title
        );
    }

    /// A tunnel of A with B that A closes, and, just before, one with C that it begins: `notify` is in its request.
    fn moved(notify: &str) -> String {
        let up = |at: u32, to: char, i: u32, with: &str| {
            format!(
                "{at}.0 A:500 > {to}:500 IKE_SA_INIT i={i} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce {with}
                 {at}.1 {to}:500 > A:500 IKE_SA_INIT i={i} r={i}9 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 {at}.2 A:500 > {to}:500 IKE_AUTH i={i} r={i}9 id=1 request sealed 256
                 {at}.3 {to}:500 > A:500 IKE_AUTH i={i} r={i}9 id=1 response sealed 240\n"
            )
        };
        let close = "
            11.5 A:500 > B:500 INFORMATIONAL i=1 r=19 id=2 request sealed 80 opened D(IKE)
            11.6 B:500 > A:500 INFORMATIONAL i=1 r=19 id=2 response sealed 80\n";
        up(0, 'B', 1, "") + &up(11, 'C', 2, notify) + close
    }

    #[test]
    fn who_was_sent_by_a_sealed_word_says_so_in_clear() {
        // An IPv4 address of four octets: that of B.
        let found = findings(&moved("N(REDIRECTED_FROM 0104c0000202)"));
        let told: Vec<_> = found
            .iter()
            .filter(|one| one.rule.slug == "redirected")
            .collect();
        assert_eq!(told.len(), 1, "{found:#?}");
        assert_eq!(
            told[0].title.to_string(),
            "192.0.2.2 redirects to 192.0.2.3"
        );
        assert_eq!(told[0].evidence[0].frame.number, 5);
        let closed = found.iter().find(|one| one.rule.slug == "tunnel-deleted");
        let cause = closed.and_then(|closed| found.get(closed.cause?));
        assert_eq!(cause.map(|cause| cause.rule.slug), Some("redirected"));
        silent(&moved(""), "redirected");
    }

    #[test]
    fn two_gateways_that_send_a_client_to_each_other_let_nobody_through() {
        let sent = |at: u32, to: char, gateway: u32| {
            format!(
                "{at}.0 A:500 > {to}:500 IKE_SA_INIT i=1{at} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce N(REDIRECT_SUPPORTED)
                 {at}.1 {to}:500 > A:500 IKE_SA_INIT i=1{at} r=0 id=0 response N(REDIRECT 0104c000020{gateway})\n"
            )
        };
        let there = sent(0, 'B', 3) + &sent(1, 'C', 2);
        let severities = |text: &str| {
            let found = findings(text);
            let told = found.iter().filter(|one| one.rule.slug == "redirected");
            told.map(|one| one.severity).collect::<Vec<_>>()
        };
        assert_eq!(severities(&there), [Severity::Info; 2]);
        let round = there + &sent(2, 'B', 3);
        assert_eq!(severities(&round), [Severity::Error, Severity::Info]);
        let late = round
            .replace("2.0 A", "302.0 A")
            .replace("2.1 B", "302.1 B");
        assert_eq!(severities(&late), [Severity::Info; 2]);
    }

    #[test]
    fn who_goes_round_a_ring_of_gateways_gets_through_to_none() {
        let sent = |at: u32, to: char, gateway: u32| {
            format!(
                "{at}.0 A:500 > {to}:500 IKE_SA_INIT i=1{at} r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce N(REDIRECT_SUPPORTED)
                 {at}.1 {to}:500 > A:500 IKE_SA_INIT i=1{at} r=0 id=0 response N(REDIRECT 0104c000020{gateway})\n"
            )
        };
        let told = |text: &str| {
            let found = findings(text);
            let told = found.iter().filter(|one| one.rule.slug == "redirected");
            told.map(|one| (one.severity, one.title.to_string()))
                .collect::<Vec<_>>()
        };
        let once = sent(0, 'B', 3) + &sent(1, 'C', 4) + &sent(2, 'D', 2);
        assert!(told(&once).iter().all(|told| told.0 == Severity::Info));
        let round = told(&(once.clone() + &sent(3, 'B', 3)));
        let title = "192.0.2.2, 192.0.2.3 and 192.0.2.4 redirect 192.0.2.1 to each other";
        assert_eq!(round.first(), Some(&(Severity::Error, title.to_string())));
        assert!(round.iter().skip(1).all(|told| told.0 == Severity::Info));
        // The second is one of no ring that the first is in.
        let tail = sent(0, 'B', 3) + &sent(1, 'C', 4) + &sent(2, 'D', 3) + &sent(3, 'C', 4);
        let title = "192.0.2.3 and 192.0.2.4 redirect 192.0.2.1 to each other";
        assert_eq!(
            told(&tail).first(),
            Some(&(Severity::Error, title.to_string()))
        );
    }

    #[test]
    fn who_was_sent_by_a_gateway_that_is_not_in_the_capture_is_told_where_it_came_to() {
        let found = findings(&moved("N(REDIRECTED_FROM 0104c0000207)"));
        let told = found.iter().find(|one| one.rule.slug == "redirected");
        let title = told.map(|told| told.title.to_string());
        assert_eq!(title.as_deref(), Some("192.0.2.7 redirects to 192.0.2.3"));
        // That explains nothing of what becomes of this tunnel, nor of another.
        let caused = found.iter().filter(|one| one.cause.is_some()).count();
        assert_eq!(caused, 0, "{found:#?}");
    }
}
