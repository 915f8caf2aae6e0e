//! Mutations that look random and are the same in each run.

/// Octets that an input may grow to.
pub(crate) const LARGEST: usize = 16 << 10;

/// A generator of numbers that look random: xorshift64 by Marsaglia.
pub(crate) struct Dice(u64);

impl Dice {
    /// The same numbers for the same seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit.max(1) as u64) as usize
    }

    fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }

    /// One to four changes: flipped bits, odd lengths, cuts, repeats, splices.
    pub(crate) fn mutate(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut octets = self.pick(seeds).clone();
        for _ in 0..=self.below(4) {
            let at = self.below(octets.len());
            let until = at + self.below((octets.len() - at).min(64));
            match self.below(8) {
                0 | 1 if !octets.is_empty() => octets[at] ^= 1 << self.below(8),
                2 if !octets.is_empty() => octets[at] = *self.pick(&[0, 1, 4, 0x7f, 0x80, 0xff]),
                3 | 4 => {
                    let lengths: [u32; 8] = [0, 1, 3, 8, 0xff, 0xffff, 0x7fff_ffff, u32::MAX];
                    let length = self.pick(&lengths).to_be_bytes();
                    let width = *self.pick(&[2, 4]);
                    let field = octets.iter_mut().skip(at).zip(&length[4 - width..]);
                    field.for_each(|(octet, new)| *octet = *new);
                }
                5 => octets.truncate(at),
                6 => {
                    let again = octets[at..until].to_vec();
                    octets.splice(until..until, again);
                }
                _ => {
                    let other = self.pick(seeds);
                    let from = self.below(other.len());
                    let some = other[from..].iter().take(until - at + 16);
                    octets.splice(at..until, some.copied());
                }
            }
            octets.truncate(LARGEST);
        }
        octets
    }
}
