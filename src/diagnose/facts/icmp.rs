//! ICMP errors about a tunnel, by what they mean (RFC 792, RFC 1812 section 5.2.7, RFC 4443).

use crate::language::Text;
use crate::model::{IcmpSeen, Model, TunnelId};
use crate::net::IcmpError;

/// What an ICMP error says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Meaning {
    /// Nothing listens on the port.
    PortUnreachable,
    /// The host does not know the protocol.
    ProtocolUnreachable,
    /// No way to the host or its network.
    HostUnreachable,
    /// A filter refuses.
    Prohibited,
    /// Larger than the next hop takes.
    TooBig,
    /// It went in circles, or too far.
    HopLimit,
    /// Anything else.
    Other,
}

/// What the error says.
pub fn meaning(error: &IcmpError) -> Meaning {
    match (error.v6, error.kind, error.code) {
        (false, 3, 3) | (true, 1, 4) => Meaning::PortUnreachable,
        (false, 3, 2) | (true, 4, 1) => Meaning::ProtocolUnreachable,
        (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5 | 6) => Meaning::Prohibited,
        (false, 3, 4) | (true, 2, _) => Meaning::TooBig,
        (false, 3, 0 | 1 | 5..=8 | 11 | 12) | (true, 1, 0 | 2 | 3) => Meaning::HostUnreachable,
        (false, 11, 0) | (true, 3, 0) => Meaning::HopLimit,
        _ => Meaning::Other,
    }
}

/// The name of the error, such as `ICMP 3/13`.
pub fn name(error: &IcmpError) -> Text {
    let family = if error.v6 { "ICMPv6" } else { "ICMP" };
    Text::verbatim(format_args!("{family} {}/{}", error.kind, error.code))
}

/// Errors about packets between the ends of the tunnel, in file order.
pub fn about(model: &Model, tunnel: TunnelId) -> impl Iterator<Item = &IcmpSeen> {
    let tunnel = &model.tunnels[tunnel];
    let rows = tunnel.icmp.iter().filter_map(|row| model.icmp.get(*row));
    rows.filter(move |seen| {
        let quoted = seen.error.quoted;
        let from = super::end_of(tunnel, quoted.from.address);
        let to = super::end_of(tunnel, quoted.to.address);
        from.is_some() && to.is_some() && from != to
    })
}

/// Whether the quoted packet is IKE: UDP to or from 500 or 4500 that does not quote an ESP SPI.
pub fn is_ike(seen: &IcmpSeen) -> bool {
    let quoted = seen.error.quoted;
    let known = |port| matches!(port, Some(500 | 4500));
    quoted.protocol == 17
        && quoted.esp.is_none()
        && (quoted.ike.is_some() || known(quoted.from.port) || known(quoted.to.port))
}

/// How grave an ICMP error about IKE is: nothing to worry about if every request of the tunnel was
/// answered all the same.
pub fn severity(
    model: &Model,
    tunnel: TunnelId,
    rule: &crate::diagnose::Rule,
) -> crate::diagnose::Severity {
    let answered = model.tunnels[tunnel]
        .ike_sas
        .iter()
        .flat_map(|sa| super::asked::all(model, &model.ike_sas[*sa]))
        .all(|asked| asked.fate == super::Fate::Answered);
    if answered {
        crate::diagnose::Severity::Info
    } else {
        rule.severity
    }
}
