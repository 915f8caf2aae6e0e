//! The rules, one file each; one that falls into parts is a folder, whose `mod.rs` is the rule.
//!
//! Codes by group: `IKE1xx` reaching the peer, `IKE2xx` negotiating, `IKE3xx` staying up, `ESP4xx`
//! the data path, `INF5xx` normal, `SEC6xx` policy. A code is never given again.

use super::rule::Rule;

pub mod address_asked_at_rekey;
pub mod address_assignment_failed;
pub mod asymmetric_return;
pub mod auth_failed;
pub mod bgp_down;
pub mod cert_expired;
pub mod cert_untrusted;
pub mod child_half_open;
pub mod child_proposal_mismatch;
pub mod child_setup_failed;
pub mod children_pile_up;
pub mod clear_text_leak;
pub mod cookie_exchange;
pub mod crossed_initiation;
pub mod dh_group_mismatch;
pub mod dh_group_retry;
pub mod dpd_despite_traffic;
pub mod dpd_timeout;
pub mod duplicate_tunnel;
pub mod eap_failed;
pub mod esp_before_response;
pub mod esp_blocked;
pub mod esp_dropped_locally;
pub mod esp_fragmented;
pub mod esp_fragments_lost;
pub mod esp_on_port_500;
pub mod esp_one_way;
pub mod esp_reordering;
pub mod esp_replay;
pub mod esp_suites_differ;
pub mod health_check_reset;
pub mod health_check_unanswered;
pub mod high_latency;
pub mod icv_mismatch;
pub mod id_mismatch;
pub mod ike_admin_prohibited;
pub mod ike_auth_no_response;
pub mod ike_damaged;
pub mod ike_fragments_lost;
pub mod ike_host_unreachable;
pub mod ike_ip_fragments;
pub mod ike_no_response;
pub mod ike_one_way;
pub mod ike_port_unreachable;
pub mod ike_proposal_mismatch;
pub mod ike_refused;
pub mod ike_retransmits;
pub mod ike_scan;
pub mod ike_version_mismatch;
pub mod initiator_fingerprint;
pub mod inner_nat_misses_ts;
pub mod inner_no_reply;
pub mod inner_outside_ts;
pub mod inner_port_unanswered;
pub mod lifetime_differs;
pub mod message_id_desync;
pub mod mobike_move;
pub mod mtu_black_hole;
pub mod mtu_exceeded;
pub mod multi_value_proposal;
pub mod nat_detected;
pub mod nat_mapping_changed;
pub mod nat_ports_differ;
pub mod no_initiator;
pub mod one_sa_plateau;
pub mod outside_well;
pub mod overlapping_selectors;
pub mod packet_loss;
pub mod path_outage;
pub mod peer_address_changed;
pub mod peer_address_unknown;
pub mod peer_internal_error;
pub mod peer_restarted;
pub mod pfs_mismatch;
pub mod port_4500_blocked;
pub mod port_4500_rewritten;
pub mod port_not_floated;
pub mod psk_mismatch;
pub mod rate_limited;
pub mod redirected;
pub mod rekey_collision;
pub mod rekey_failed;
pub mod rekey_gap;
pub mod response_from_other_address;
pub mod sa_expired;
pub mod sequence_exhausted;
pub mod single_child_peer;
pub mod stale_source_address;
pub mod traffic_class_changed;
pub mod ts_narrowed;
pub mod ts_narrowed_first_pair;
pub mod ts_not_cidr;
pub mod ts_unacceptable;
pub mod tunnel_deleted;
pub mod tunnel_flapping;
pub mod undecided;
pub mod unknown_spi;
pub mod volume_rekey;
pub mod weak_crypto;

/// Every rule, by code.
pub static RULES: &[&Rule] = &[
    &ike_no_response::RULE,
    &ike_port_unreachable::RULE,
    &ike_host_unreachable::RULE,
    &ike_admin_prohibited::RULE,
    &port_4500_blocked::RULE,
    &ike_auth_no_response::RULE,
    &ike_fragments_lost::RULE,
    &response_from_other_address::RULE,
    &ike_one_way::RULE,
    &peer_address_unknown::RULE,
    &port_not_floated::RULE,
    &port_4500_rewritten::RULE,
    &ike_damaged::RULE,
    &ike_proposal_mismatch::RULE,
    &multi_value_proposal::RULE,
    &dh_group_mismatch::RULE,
    &ike_version_mismatch::RULE,
    &ike_refused::RULE,
    &auth_failed::RULE,
    &psk_mismatch::RULE,
    &child_setup_failed::RULE,
    &pfs_mismatch::RULE,
    &ts_unacceptable::RULE,
    &child_proposal_mismatch::RULE,
    &peer_internal_error::RULE,
    &address_assignment_failed::RULE,
    &eap_failed::RULE,
    &id_mismatch::RULE,
    &cert_expired::RULE,
    &cert_untrusted::RULE,
    &child_half_open::RULE,
    &address_asked_at_rekey::RULE,
    &ts_narrowed::RULE,
    &ts_narrowed_first_pair::RULE,
    &overlapping_selectors::RULE,
    &single_child_peer::RULE,
    &ts_not_cidr::RULE,
    &rekey_failed::RULE,
    &dpd_timeout::RULE,
    &path_outage::RULE,
    &tunnel_flapping::RULE,
    &peer_restarted::RULE,
    &unknown_spi::RULE,
    &tunnel_deleted::RULE,
    &duplicate_tunnel::RULE,
    &children_pile_up::RULE,
    &peer_address_changed::RULE,
    &no_initiator::RULE,
    &sa_expired::RULE,
    &dpd_despite_traffic::RULE,
    &message_id_desync::RULE,
    &rekey_gap::RULE,
    &stale_source_address::RULE,
    &health_check_reset::RULE,
    &esp_one_way::RULE,
    &esp_blocked::RULE,
    &rate_limited::RULE,
    &packet_loss::RULE,
    &esp_replay::RULE,
    &esp_reordering::RULE,
    &mtu_exceeded::RULE,
    &mtu_black_hole::RULE,
    &esp_fragments_lost::RULE,
    &esp_fragmented::RULE,
    &clear_text_leak::RULE,
    &inner_nat_misses_ts::RULE,
    &sequence_exhausted::RULE,
    &esp_suites_differ::RULE,
    &icv_mismatch::RULE,
    &inner_outside_ts::RULE,
    &esp_dropped_locally::RULE,
    &bgp_down::RULE,
    &inner_no_reply::RULE,
    &inner_port_unanswered::RULE,
    &health_check_unanswered::RULE,
    &asymmetric_return::RULE,
    &high_latency::RULE,
    &dh_group_retry::RULE,
    &cookie_exchange::RULE,
    &nat_detected::RULE,
    &mobike_move::RULE,
    &ike_retransmits::RULE,
    &rekey_collision::RULE,
    &volume_rekey::RULE,
    &initiator_fingerprint::RULE,
    &lifetime_differs::RULE,
    &ike_ip_fragments::RULE,
    &crossed_initiation::RULE,
    &esp_before_response::RULE,
    &nat_mapping_changed::RULE,
    &traffic_class_changed::RULE,
    &nat_ports_differ::RULE,
    &esp_on_port_500::RULE,
    &one_sa_plateau::RULE,
    &redirected::RULE,
    &outside_well::RULE,
    &undecided::RULE,
    &weak_crypto::RULE,
    &ike_scan::RULE,
];
