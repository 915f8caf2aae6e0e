//! What was readable of a flow: packets that are not encrypted, and those that keys were tried on.

use crate::fold::EspPacket;
use crate::limits;
use crate::model::{Failure, KeyUsed, NullTally, OpenedTally, Seen};
use crate::net::{Null, Opening, SaId};
use crate::sadb::Sadb;

/// What was readable; only flows with such packets have it.
#[derive(Debug, Default)]
pub(super) struct Inside {
    pub(super) null: Option<NullTally>,
    pub(super) opened: Option<OpenedTally>,
    /// SAs that opened packets, and whether that is so: until one does, those that were tried.
    sas: (bool, Vec<SaId>),
}

impl Inside {
    /// Counts a packet.
    #[cold]
    pub(super) fn count(&mut self, packet: &EspPacket<'_>) {
        if let Some(null) = packet.null {
            self.count_null(null, packet);
        }
        if let Some(opening) = packet.opening {
            self.count_opening(opening, packet);
        }
    }

    /// Names the keys that were used.
    pub(super) fn name_keys(&mut self, database: &Sadb) {
        if let Some(tally) = &mut self.opened {
            let sas = self.sas.1.iter().filter_map(|id| database.get(*id));
            let used = sas.map(|sa| KeyUsed {
                suite: sa.suite.clone(),
                origin: sa.origin.clone(),
            });
            tally.keys = used.collect();
        }
    }

    fn count_null(&mut self, null: Null, packet: &EspPacket<'_>) {
        let tally = self.null.get_or_insert(NullTally {
            packets: 0,
            iv: null.iv,
            icv: null.icv,
            first: (packet.frame, packet.time),
        });
        tally.packets += 1;
    }

    fn count_opening(&mut self, opening: &Opening, packet: &EspPacket<'_>) {
        let tally = self.opened.get_or_insert_default();
        let (proven, sas) = &mut self.sas;
        let sa = match opening {
            Opening::Opened(opened) => {
                match opened.checked {
                    true => {
                        let at = (packet.frame, packet.time);
                        let seen = Seen {
                            first: at,
                            last: at,
                        };
                        tally.opened += 1;
                        tally.proven.get_or_insert(seen).last = at;
                    }
                    false => tally.unchecked += 1,
                }
                tally.high = tally.high.max(opened.high);
                if !*proven {
                    *proven = true;
                    sas.clear();
                }
                opened.sa
            }
            Opening::Failed(failed) => {
                *tally.failed.entry(failed.why).or_default() += 1;
                if tally.failures.len() < limits::FLOW_ANOMALIES {
                    tally.failures.push(Failure {
                        frame: packet.frame,
                        time: packet.time,
                        sequence: packet.sequence,
                        why: failed.why,
                    });
                }
                if *proven {
                    return;
                }
                failed.sa
            }
        };
        if !sas.contains(&sa) && sas.len() < limits::FLOW_KEYS {
            sas.push(sa);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{FailedEsp, Unopened};
    use crate::units::{FrameId, Timestamp};

    #[test]
    fn an_sa_that_was_tried_on_several_packets_is_named_once() {
        let failed = |sa| {
            Opening::Failed(FailedEsp {
                sa: SaId(sa),
                why: Unopened::Integrity,
            })
        };
        let mut inside = Inside::default();
        for (number, sa) in (1..).zip([4, 4, 5, 4]) {
            inside.count(&EspPacket {
                frame: FrameId { input: 0, number },
                time: Timestamp(0),
                sequence: 1,
                length: 100,
                ttl: 64,
                traffic_class: 0,
                cut: false,
                dont_fragment: false,
                padded: false,
                fragmented: false,
                null: None,
                bytes: &[],
                opening: Some(&failed(sa)),
                payload: &[],
            });
        }
        assert_eq!(inside.sas, (false, vec![SaId(4), SaId(5)]));
        assert_eq!(inside.opened.unwrap().failures.len(), 4);
    }
}
