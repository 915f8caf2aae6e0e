//! Standard input that comes from a program: it can be ended while that program goes on.

use std::io::{self, Cursor, Read};
use std::time::Duration;

use super::ahead::{Ahead, Stopper};
use crate::limits::{PIPE_OCTETS, PIPE_PIECES};

/// How long the end of a pipe is waited for once it was asked for. Whoever writes is interrupted as well,
/// as a rule, and writes what it still holds.
const LAST_OCTETS: Duration = Duration::from_secs(1);

/// A pipe that an [`Interrupt`] ends. It is read on a thread of its own, since nothing ends the call that
/// waits for octets which never come.
pub(super) struct Pipe {
    pieces: Ahead<io::Result<Vec<u8>>>,
    piece: Cursor<Vec<u8>>,
}

impl Pipe {
    pub(super) fn new(mut reader: impl Read + Send + 'static) -> io::Result<Self> {
        let mut broken = false;
        let next = move || {
            while !broken {
                let mut piece = vec![0; PIPE_OCTETS];
                match reader.read(&mut piece) {
                    Ok(0) => break,
                    Ok(read) => {
                        piece.truncate(read);
                        return Some(Ok(piece));
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        broken = true;
                        return Some(Err(error));
                    }
                }
            }
            None
        };
        Ok(Self {
            pieces: Ahead::new(PIPE_PIECES, true, next)?,
            piece: Cursor::default(),
        })
    }

    /// What ends it.
    pub(super) fn interrupt(&self) -> Interrupt {
        Interrupt(self.pieces.stopper())
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            match self.pieces.next() {
                Some(piece) => self.piece = Cursor::new(piece?),
                None if self.pieces.has_ended() => return Ok(0),
                None => return Err(io::Error::other("ended by an interrupt")),
            }
        }
    }
}

/// Ends a pipe while it is read: what came of it counts.
#[derive(Clone)]
pub struct Interrupt(Stopper);

impl Interrupt {
    /// Ends the pipe within a second: where the program that writes it ends by then, that is its regular
    /// end. `false` if the pipe had ended before, or was to end already.
    pub fn end(&self) -> bool {
        self.0.stop_within(LAST_OCTETS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::thread;

    /// Gives what is sent to it, and its end when the sender is gone.
    struct Sent(Receiver<Vec<u8>>);

    impl Read for Sent {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let sent = self.0.recv().unwrap_or_default();
            let count = sent.len().min(into.len());
            into[..count].copy_from_slice(&sent[..count]);
            Ok(count)
        }
    }

    fn pipe() -> (Sender<Vec<u8>>, Pipe) {
        let (sender, receiver) = mpsc::channel();
        (sender, Pipe::new(Sent(receiver)).unwrap())
    }

    /// Everything it gives, and how it ends.
    fn read(mut pipe: Pipe) -> (Vec<u8>, io::Result<usize>) {
        let mut octets = Vec::new();
        let end = pipe.read_to_end(&mut octets);
        (octets, end)
    }

    #[test]
    fn a_pipe_gives_what_is_written_to_it() {
        let (sender, pipe) = pipe();
        let feeder = thread::spawn(move || {
            for number in 0..100_u8 {
                sender.send(vec![number; 1_000]).unwrap();
            }
        });
        let (octets, end) = read(pipe);
        feeder.join().unwrap();
        assert_eq!(end.unwrap(), 100_000);
        assert!(
            (0..100)
                .zip(octets.chunks(1_000))
                .all(|(n, piece)| piece == [n; 1_000])
        );
    }

    #[test]
    fn what_came_before_an_interrupt_counts() {
        let (sender, pipe) = pipe();
        let interrupt = pipe.interrupt();
        let reading = thread::spawn(move || read(pipe));
        sender.send(vec![1; 10]).unwrap();
        assert!(interrupt.end());
        assert!(!interrupt.end(), "it is to end already");
        // What is held back is written at the end.
        sender.send(vec![2; 10]).unwrap();
        let (octets, end) = reading.join().unwrap();
        assert_eq!(octets, [[1; 10], [2; 10]].concat());
        assert_eq!(end.unwrap_err().to_string(), "ended by an interrupt");
        drop(sender);
    }

    #[test]
    fn an_end_that_follows_an_interrupt_is_a_regular_one() {
        let (sender, pipe) = pipe();
        let interrupt = pipe.interrupt();
        let reading = thread::spawn(move || read(pipe));
        assert!(interrupt.end());
        sender.send(vec![1; 10]).unwrap();
        drop(sender);
        assert_eq!(reading.join().unwrap().1.unwrap(), 10);
    }

    #[test]
    fn whoever_writes_on_is_not_heard_for_ever() {
        let (sender, pipe) = pipe();
        let interrupt = pipe.interrupt();
        let reading = thread::spawn(move || read(pipe));
        assert!(interrupt.end());
        while sender.send(vec![1; 10]).is_ok() && !reading.is_finished() {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(reading.join().unwrap().1.is_err());
    }
}
