//! Numbers without an order, the same in every run.

/// xorshift64: any source of numbers will do, if it is the same for all.
pub struct Random(u64);

impl Random {
    pub fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // Of 32 bits there are as many on every machine.
        usize::try_from((self.0 >> 32) % limit as u64).unwrap_or(0)
    }

    /// Lower-case letters.
    pub fn word(&mut self, length: usize) -> String {
        const LETTERS: &[u8; 26] = b"etaoinshrdlucmfwypvbgkjqxz";
        // The frequent ones are often the smaller of two.
        let letter = |random: &mut Self| LETTERS[random.below(26).min(random.below(26))];
        (0..length).map(|_| char::from(letter(self))).collect()
    }

    /// Of a text that programs keep by the thousand, in bytes: 1 to 24, and 7 on average, as names have them.
    pub fn short_length(&mut self) -> usize {
        1 + self.below(24) * self.below(24) / 23
    }
}
