//! IKEv1: a user does not pass XAUTH.

use super::RULE;
use super::means::Means;
use crate::diagnose::facts::{asked, began};
use crate::diagnose::{Case, Cite, Confidence, Finding};
use crate::model::{EspFlow, Exchange, IkeSaId};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::Span;

/// IKEv1: phase 1 ends well, XAUTH or Mode Config follows, and instead of quick mode a new phase 1, again
/// and again: so it goes with a wrong password, whoever closes the SA.
pub(super) fn after_xauth(case: &Case<'_>) -> Option<Finding> {
    /// So many are no chance.
    const MANY: usize = 2;
    /// Who asks for a name and a password waits for people, and clients try again at once or by hand.
    const ANEW: Span = Span::from_secs(300);
    let in_vain = |id: &IkeSaId| {
        let exchanges = || {
            let ids = case.model.ike_sas[*id].exchanges.iter();
            ids.map(|id| &case.model.exchanges[*id])
        };
        let of = |kind| exchanges().filter(move |exchange| exchange.kind == kind);
        let sealed = |exchange: &&Exchange| {
            let mut flights = exchange.flights.iter();
            flights.all(|flight| case.model.opened(flight).is_none())
        };
        let phase_1 = exchanges().next().is_some_and(|first| {
            asked::from_the_start(case.model, first)
                && asked::v1_messages(first.kind) == Some(first.flights.len())
        });
        let last = of(ExchangeType::TRANSACTION).rfind(sealed)?;
        let serves = of(ExchangeType::QUICK_MODE).next().is_some();
        let at = began(case.model, last.flights.last()?)?;
        (phase_1 && !serves && !goes_on(case, *id, at)).then_some((*id, at))
    };
    let tries: Vec<(IkeSaId, Cite)> = case.tunnel.ike_sas.iter().filter_map(in_vain).collect();
    let (id, first) = *tries.first()?;
    let anew = tries.windows(2).all(|pair| match pair {
        [(_, before), (_, after)] => after.1.since(before.1) <= ANEW,
        _ => true,
    });
    if tries.len() < MANY || !anew || case.is_served(first.1, first.1) {
        return None;
    }
    let path = case.model.ike_sas[id].paths.first()?;
    let mut finding = Finding::new(
        &RULE,
        Confidence::Possible,
        case.id,
        first,
        "the last message of XAUTH or Mode Config",
    )
    .title(say!(
        "{user} does not seem to pass XAUTH at {gateway}",
        user = path.from.address,
        gateway = path.to.address
    ))
    .says(say!(
        "{times} times phase 1 ended well, XAUTH or Mode Config followed, and then no quick mode; each time but the \
         last a new phase 1 began.",
        times = tries.len()
    ))
    .or("The user's name or password is wrong, or the account is locked.")
    .or("The gateway has no address to give.");
    for (_, at) in tries.iter().skip(1) {
        finding = finding.also(*at, "the same again");
    }
    Some(Means::User.advise(case, finding))
}

/// Whether ESP of this client that is older than an IKE SA goes on both ways when its user has answered: who authenticates
/// anew keeps the child SAs that are there, for in IKEv1 they outlive the IKE SA that made them, and needs no quick mode.
fn goes_on(case: &Case<'_>, id: IkeSaId, answered: Cite) -> bool {
    let sa = &case.model.ike_sas[id];
    // Of several clients behind one NAT each has a port of its own, which ESP in UDP bears.
    let is_own = |flow: &EspFlow| {
        flow.paths.iter().any(|path| {
            path.from.port.is_none()
                || sa.paths.iter().any(|own| {
                    [(own.from, own.to), (own.to, own.from)].contains(&(path.from, path.to))
                })
        })
    };
    case.directions().iter().any(|directions| {
        [0, 1].into_iter().all(|end| {
            let mut flows = directions.alive(end, answered.1, sa.seen.first.1);
            flows.any(is_own)
        })
    })
}
