//! Reads octets one field after the other and remembers where it is.
