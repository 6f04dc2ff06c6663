//! Text without `core::fmt`, which could panic as far as a linker can see: for the last words of a program, and for
//! C.

/// Text that grows in a buffer of the caller's, and is cut where that ends.
pub(crate) struct Text<'a> {
    bytes: &'a mut [u8],
    length: usize,
}

impl<'a> Text<'a> {
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, length: 0 }
    }

    pub(crate) fn push(&mut self, text: &str) {
        for (place, byte) in self.bytes.iter_mut().skip(self.length).zip(text.bytes()) {
            *place = byte;
            self.length += 1;
        }
    }

    pub(crate) fn push_number(&mut self, number: usize) {
        const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        if number > 9 {
            self.push_number(number / 10);
        }
        self.push(DIGITS.get(number % 10).copied().unwrap_or_default());
    }

    pub(crate) fn finish(self) -> &'a [u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_where_the_buffer_ends() {
        let mut buffer = [0; 8];
        let mut text = Text::new(&mut buffer);
        text.push("size ");
        text.push_number(1024);
        assert_eq!(text.finish(), b"size 102");
    }
}
