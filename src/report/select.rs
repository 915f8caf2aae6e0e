//! Which tunnels and findings are shown.

use crate::diagnose::{Finding, Severity};
use crate::language::Language;
use crate::model::table::Id;
use crate::model::{Model, TunnelId};

/// What the user asked to see.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// A tunnel's number, or a part of one of its addresses or SPIs; `None` for all.
    pub tunnel: Option<&'a str>,
    /// Findings below this are left out.
    pub min_severity: Severity,
    /// The language of what is said.
    pub language: Language,
}

/// Everything.
impl Default for Selection<'_> {
    fn default() -> Self {
        Self {
            tunnel: None,
            min_severity: Severity::Info,
            language: Language::default(),
        }
    }
}

impl Selection<'_> {
    /// The tunnels that are asked for.
    pub fn tunnels(&self, model: &Model) -> Vec<TunnelId> {
        model
            .tunnels
            .ids()
            .filter(|id| self.has_tunnel(model, *id))
            .collect()
    }

    /// Whether the finding is about a tunnel that is asked for.
    pub fn concerns(&self, model: &Model, finding: &Finding) -> bool {
        match (self.tunnel, finding.tunnel) {
            (None, _) => true,
            (Some(_), Some(id)) => self.has_tunnel(model, id),
            (Some(_), None) => false,
        }
    }

    fn has_tunnel(&self, model: &Model, id: TunnelId) -> bool {
        let Some(filter) = self.tunnel else {
            return true;
        };
        if let Ok(wanted) = filter.parse::<u64>() {
            return number(id) == wanted;
        }
        let filter = filter.to_ascii_lowercase();
        let tunnel = &model.tunnels[id];
        let addresses = tunnel.addresses.iter().flatten().chain(&tunnel.ends);
        let mut words = addresses
            .map(ToString::to_string)
            .chain(
                tunnel
                    .ike_sas
                    .iter()
                    .map(|sa| model.ike_sas[*sa].spis.to_string()),
            )
            .chain(
                tunnel
                    .flows
                    .iter()
                    .map(|flow| model.flows[*flow].key.spi.to_string()),
            );
        words.any(|word| word.contains(&filter))
    }
}

/// The number that people and JSON know a row by: from 1, as frames.
pub(crate) fn number(id: impl Id) -> u64 {
    id.index() as u64 + 1
}
