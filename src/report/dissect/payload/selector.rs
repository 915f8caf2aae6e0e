//! A traffic selector.

use super::super::ndjson::Hex;
use crate::wire::address::address;
use crate::wire::ikev2::{self};
use serde::Serialize;
use std::net::IpAddr;

#[derive(Serialize)]
pub(super) struct Selector<'a> {
    #[serde(rename = "type")]
    kind: u8,
    name: Option<&'static str>,
    protocol: u8,
    protocol_name: String,
    start_port: u16,
    end_port: u16,
    ports: String,
    start: AddressRecord<'a>,
    end: AddressRecord<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

/// An address, or the octets in place of one.
#[derive(Serialize)]
#[serde(untagged)]
enum AddressRecord<'a> {
    Address(IpAddr),
    Octets(Hex<'a>),
}

impl<'a> AddressRecord<'a> {
    fn new(octets: &'a [u8]) -> Self {
        address(octets).map_or(Self::Octets(Hex(octets)), Self::Address)
    }
}

impl<'a> Selector<'a> {
    pub(super) fn new(selector: &ikev2::Selector<'a>) -> Self {
        Self {
            kind: selector.ts_type.0,
            name: selector.ts_type.name(),
            protocol: selector.protocol,
            protocol_name: selector.protocol_name(),
            start_port: selector.start_port,
            end_port: selector.end_port,
            ports: selector.ports(),
            start: AddressRecord::new(selector.start),
            end: AddressRecord::new(selector.end),
            label: selector.label(),
        }
    }
}
