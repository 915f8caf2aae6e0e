//! The words of a line, and what each kind of them means.

use crate::net::{Encap, Layer, Path};
use crate::units::{Endpoint, IkeSpi, Timestamp};
use std::net::{IpAddr, Ipv4Addr};

/// The words of a line that are not yet used.
pub(super) struct Words<'a>(pub(super) Vec<&'a str>);

impl<'a> Words<'a> {
    /// The next word.
    pub(super) fn next(&mut self, what: &str) -> Result<&'a str, String> {
        match self.0.is_empty() {
            true => Err(format!("{what} is missing")),
            false => Ok(self.0.remove(0)),
        }
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<(), String> {
        match self.next(word)? {
            found if found == word => Ok(()),
            found => Err(format!("'{found}' where '{word}' should be")),
        }
    }

    /// Takes out a word.
    pub(super) fn flag(&mut self, word: &str) -> bool {
        let place = self.0.iter().position(|found| *found == word);
        place.map(|place| self.0.remove(place)).is_some()
    }

    /// Takes out `key=value`.
    pub(super) fn value<T: std::str::FromStr>(&mut self, key: &str) -> Result<Option<T>, String> {
        let place = self.0.iter().position(|found| found.starts_with(key));
        match place.map(|place| self.0.remove(place)) {
            Some(word) => number(word.strip_prefix(key).unwrap_or(word)).map(Some),
            None => Ok(None),
        }
    }

    /// Takes out `key=spi`, an SPI of IKE in hex.
    pub(super) fn ike_spi(&mut self, key: &str) -> Result<Option<IkeSpi>, String> {
        let Some(text) = self.value::<String>(key)? else {
            return Ok(None);
        };
        let spi = u64::from_str_radix(&text, 16).map_err(|_| format!("no SPI '{text}'"))?;
        Ok(Some(IkeSpi(spi)))
    }

    /// Takes out a word and the one after it.
    pub(super) fn after<T: std::str::FromStr>(&mut self, key: &str) -> Result<Option<T>, String> {
        match self.0.iter().position(|found| *found == key) {
            Some(place) if place + 1 < self.0.len() => {
                self.0.remove(place);
                number(self.0.remove(place)).map(Some)
            }
            Some(_) => Err(format!("{key} wants a value")),
            None => Ok(None),
        }
    }
}

/// Splits at white space outside parentheses.
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut depth = 0usize;
    for letter in line.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match (letter.is_whitespace() && depth == 0, words.last_mut()) {
            (true, _) => words.push(String::new()),
            (false, Some(word)) => word.push(letter),
            (false, None) => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

pub(super) fn at(seconds: f64) -> Timestamp {
    Timestamp((seconds * 1e9).round() as i64)
}

pub(super) fn path(from: Endpoint, to: Endpoint) -> Path {
    let mut encap = Encap::default();
    if from.port.is_some() {
        encap.push(Layer::Udp);
    }
    Path { from, to, encap }
}

pub(super) fn end(text: &str) -> Result<Endpoint, String> {
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Ok(Endpoint {
            address: socket.ip(),
            port: Some(socket.port()),
        });
    }
    let (name, port) = match text.split_once(':') {
        Some((name, port)) if !port.contains(':') => (name, Some(number(port)?)),
        _ => (text, None),
    };
    let address = address(name)?;
    Ok(Endpoint { address, port })
}

/// A letter, or an IP address.
pub(super) fn address(name: &str) -> Result<IpAddr, String> {
    match (name.as_bytes(), name.parse::<IpAddr>()) {
        ([letter @ b'A'..=b'Z'], _) => Ok(IpAddr::V4(Ipv4Addr::new(
            192,
            0,
            2,
            letter.wrapping_sub(b'A') + 1,
        ))),
        (_, Ok(address)) => Ok(address),
        _ => Err(format!("no end '{name}'")),
    }
}

pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("'{text}' is no number"))
}

pub(super) fn integer(text: &str) -> Result<u32, String> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).map_err(|_| format!("'{text}' is no number")),
        None => number(text),
    }
}

pub(super) fn octets(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u32> = text
        .chars()
        .map(|letter| letter.to_digit(16))
        .collect::<Option<_>>()
        .ok_or_else(|| format!("'{text}' is no hex"))?;
    Ok(digits
        .chunks_exact(2)
        .map(|pair| {
            pair.iter()
                .fold(0u8, |value, digit| value << 4 | *digit as u8)
        })
        .collect())
}
