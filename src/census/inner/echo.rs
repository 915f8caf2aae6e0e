//! ICMP echo inside ESP: which requests are answered, and how soon.

use super::cite;
use crate::limits;
use crate::model::{EchoSize, EchoWay, Hole, InnerWay, Rtt, Run, Seen};
use crate::net::Inner;
use crate::net::inner::Echo;
use crate::units::{FrameId, Span, Timestamp};
use std::collections::VecDeque;

/// Matches the requests of one end with their replies.
#[derive(Debug, Default)]
pub(super) struct EchoCounter {
    waiting: VecDeque<Waiting>,
    /// Requests that were given up and may yet be answered.
    given_up: u64,
    last: Option<Timestamp>,
    /// Those of them that came in a row.
    run: Option<Run>,
    /// For each size those in a row since the last that was answered.
    holes: Vec<Option<Run>>,
}

/// A request that waits for its reply.
#[derive(Debug)]
struct Waiting {
    at: (FrameId, Timestamp),
    echo: (u16, u16),
    length: u32,
}

/// Requests in a row without an answer that make a run.
const RUN: u64 = 3;

impl EchoCounter {
    /// Counts a request.
    pub(super) fn request(
        &mut self,
        way: &mut InnerWay,
        at: (FrameId, Timestamp),
        inner: &Inner,
        echo: Echo,
    ) {
        let row = way.echo.get_or_insert_with(|| Box::new(empty()));
        row.requests += 1;
        let gap = self.last.map(|last| at.1.since(last));
        self.last = Some(at.1);
        if let Some(gap) = gap {
            let period = *row.period.get_or_insert(gap);
            // Timers slip: a tenth, and 50 ms.
            let slip = Span(period.0 / 10).max(Span::from_millis(50));
            match gap.0.saturating_sub(period.0).saturating_abs() <= slip.0 {
                true => row.regular.0 += 1,
                false => row.regular.1 += 1,
            }
            // Whoever paused begins anew.
            if gap.0 > period.0.saturating_mul(3).max(Span::from_secs(3).0) {
                self.give_up(row, self.waiting.len());
                self.end_run(row);
            }
        }
        let length = match inner.fragment {
            Some(_) => 0,
            None => inner.length,
        };
        count_size(row, length, at);
        self.holes.resize(row.sizes.len(), None);
        if self.waiting.len() >= limits::INNER_WAITING {
            self.give_up(row, 1);
        }
        self.waiting.push_back(Waiting {
            at,
            echo: (echo.identifier, echo.sequence),
            length,
        });
    }

    /// Counts a reply; gives the round trip of the request that it answers.
    pub(super) fn reply(
        &mut self,
        way: &mut InnerWay,
        at: (FrameId, Timestamp),
        echo: Echo,
    ) -> Option<Rtt> {
        let row = way.echo.as_mut()?;
        // Of requests that bear the same numbers the last is the one that is answered.
        let sought = (echo.identifier, echo.sequence);
        let place = self
            .waiting
            .iter()
            .rposition(|waiting| waiting.echo == sought);
        // Those before it will hardly be answered any more.
        self.give_up(row, place.unwrap_or(0));
        let Some(answered) = place.and_then(|_| self.waiting.pop_front()) else {
            if let Some(left) = self.given_up.checked_sub(1) {
                self.given_up = left;
                row.answered += 1;
            }
            return None;
        };
        self.end_run(row);
        row.answered += 1;
        row.last_reply = Some(at);
        self.answer_size(row, answered.length, answered.at);
        Some(Rtt {
            at,
            rtt: at.1.since(answered.at.1),
        })
    }

    /// Gives up the oldest requests.
    fn give_up(&mut self, row: &mut EchoWay, count: usize) {
        for oldest in self.waiting.drain(..count.min(self.waiting.len())) {
            self.given_up += 1;
            cite(&mut row.unanswered, oldest.at);
            add(&mut self.run, oldest.at);
            lack(row, &mut self.holes, &oldest);
        }
    }

    /// A request of a length was answered.
    fn answer_size(&mut self, row: &mut EchoWay, length: u32, at: (FrameId, Timestamp)) {
        let mut sizes = row.sizes.iter_mut().zip(&mut self.holes);
        let Some((size, hole)) = sizes.find(|(size, _)| size.length == length) else {
            return;
        };
        size.answered += 1;
        end_hole(size, hole, Some(at));
        size.passed
            .get_or_insert(Seen {
                first: at,
                last: at,
            })
            .last = at;
    }

    fn end_run(&mut self, row: &mut EchoWay) {
        if let Some(run) = self.run.take()
            && run.requests >= RUN
            && row.runs.len() < limits::INNER_RUNS
        {
            row.runs.push(run);
        }
    }

    /// Tells what still waits.
    pub(super) fn finish(mut self, way: &mut InnerWay) {
        if let Some(row) = way.echo.as_mut() {
            row.waiting = self.waiting.iter().map(|waiting| waiting.at).collect();
            for waiting in std::mem::take(&mut self.waiting) {
                add(&mut self.run, waiting.at);
                lack(row, &mut self.holes, &waiting);
            }
            self.end_run(row);
            for (size, hole) in row.sizes.iter_mut().zip(&mut self.holes) {
                end_hole(size, hole, None);
            }
        }
    }
}

/// A request of a length was not answered.
fn lack(row: &EchoWay, holes: &mut [Option<Run>], request: &Waiting) {
    let mut sizes = row.sizes.iter().zip(holes);
    if let Some((_, hole)) = sizes.find(|(size, _)| size.length == request.length) {
        add(hole, request.at);
    }
}

/// The requests of a length that were not answered in a row end, with one that was or with the recording.
fn end_hole(size: &mut EchoSize, hole: &mut Option<Run>, after: Option<(FrameId, Timestamp)>) {
    if let Some(run) = hole.take()
        && size
            .hole
            .is_none_or(|most| most.run.requests < run.requests)
    {
        let before = size.passed.map(|passed| passed.last);
        size.hole = Some(Hole { run, before, after });
    }
}

/// Adds a request to a row of them.
fn add(run: &mut Option<Run>, at: (FrameId, Timestamp)) {
    let seen = Seen {
        first: at,
        last: at,
    };
    let run = run.get_or_insert(Run { requests: 0, seen });
    run.requests += 1;
    run.seen.last = at;
}

fn empty() -> EchoWay {
    EchoWay {
        requests: 0,
        answered: 0,
        unanswered: Vec::new(),
        waiting: Vec::new(),
        last_reply: None,
        sizes: Vec::new(),
        period: None,
        regular: (0, 0),
        runs: Vec::new(),
    }
}

/// Counts a request by its length; a fragment says nothing about it, and has none.
fn count_size(row: &mut EchoWay, length: u32, at: (FrameId, Timestamp)) {
    if length == 0 {
        return;
    }
    if let Some(size) = row.sizes.iter_mut().find(|size| size.length == length) {
        size.requests += 1;
        size.last = at;
    } else if row.sizes.len() < limits::INNER_ECHO_SIZES {
        row.sizes.push(EchoSize {
            length,
            requests: 1,
            answered: 0,
            first: at,
            last: at,
            passed: None,
            hole: None,
        });
    }
}
