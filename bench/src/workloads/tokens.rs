//! Rust, cut into tokens. It takes what the compiler takes; what the compiler refuses, it takes somehow.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Name,
    Lifetime,
    Number,
    /// A string or a character.
    Text,
    /// Of the documentation; others are left out.
    Comment,
    Punctuation,
    Open,
    Close,
    End,
}

#[derive(Clone, Copy)]
pub struct Token<'s> {
    pub kind: Kind,
    pub text: &'s str,
    /// Where it begins, in bytes.
    pub start: u32,
}

/// The rest of a source.
pub struct Tokens<'s> {
    source: &'s str,
    place: usize,
}

/// Those of more than one character, longest first.
const LONG: [&str; 24] = [
    "<<=", ">>=", "...", "..=", "::", "->", "=>", "==", "!=", "<=", ">=", "&&", "||", "+=", "-=", "*=", "/=",
    "%=", "^=", "&=", "|=", "<<", ">>", "..",
];

impl<'s> Tokens<'s> {
    pub fn new(source: &'s str) -> Self {
        Self { source, place: 0 }
    }

    pub fn next(&mut self) -> Token<'s> {
        loop {
            let start = self.place;
            let kind = self.skip();
            let end = self.place;
            if let Some(kind) = kind {
                let text = self.source.get(start..end).unwrap_or("");
                return Token { kind, text, start: u32::try_from(start).unwrap_or(u32::MAX) };
            }
        }
    }

    /// The byte that many places ahead, or 0.
    fn peek(&self, ahead: usize) -> u8 {
        self.source.as_bytes().get(self.place + ahead).copied().unwrap_or(0)
    }

    fn skip_while(&mut self, condition: impl Fn(u8) -> bool) {
        let rest = &self.source.as_bytes()[self.place..];
        self.place += rest.iter().position(|&byte| !condition(byte)).unwrap_or(rest.len());
    }

    /// Skips one token, and says which; `None` if it was none.
    fn skip(&mut self) -> Option<Kind> {
        match (self.peek(0), self.peek(1), self.peek(2)) {
            (0, ..) if self.place >= self.source.len() => return Some(Kind::End),
            (b' ' | b'\n' | b'\t' | b'\r', ..) => {
                self.skip_while(|byte| byte.is_ascii_whitespace());
                return None;
            }
            (b'/', b'/', third) => {
                let documents = matches!(third, b'/' | b'!');
                self.skip_while(|byte| byte != b'\n');
                return documents.then_some(Kind::Comment);
            }
            (b'/', b'*', _) => {
                self.block_comment();
                return None;
            }
            (b'"', ..) | (b'b' | b'c', b'"', _) => self.string(),
            (b'r', b'"' | b'#', _) | (b'b' | b'c', b'r', b'"' | b'#') if self.raw_string() => {}
            (b'b', b'\'', _) => {
                self.place += 1;
                self.character();
            }
            (b'\'', b'\\', _) => self.character(),
            (b'\'', second, third) if third == b'\'' || !(is_name(second) && second < 0x80) => {
                self.character();
            }
            (b'\'', ..) => {
                self.place += 1;
                self.skip_while(is_name);
                return Some(Kind::Lifetime);
            }
            (first, ..) if first.is_ascii_digit() => {
                self.number();
                return Some(Kind::Number);
            }
            (first, ..) if is_name(first) => {
                self.skip_while(is_name);
                return Some(Kind::Name);
            }
            (first @ (b'(' | b'[' | b'{' | b')' | b']' | b'}'), ..) => {
                self.place += 1;
                return Some(if matches!(first, b'(' | b'[' | b'{') { Kind::Open } else { Kind::Close });
            }
            _ => {
                let rest = &self.source[self.place..];
                let long = LONG.iter().find(|long| rest.starts_with(*long));
                self.place += long.map_or(1, |long| long.len());
                return Some(Kind::Punctuation);
            }
        }
        Some(Kind::Text)
    }

    fn number(&mut self) {
        self.skip_while(is_name);
        // `1.5` is one, `1..5` and `1.max(5)` begin with one.
        if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
            self.place += 1;
            self.skip_while(is_name);
        }
    }

    /// From its prefix to its last quotation mark.
    fn string(&mut self) {
        self.skip_while(|byte| byte != b'"');
        self.place += 1;
        self.quoted(b'"');
    }

    fn character(&mut self) {
        self.place += 1;
        self.quoted(b'\'');
    }

    fn quoted(&mut self, mark: u8) {
        loop {
            self.skip_while(|byte| byte != mark && byte != b'\\');
            let escape = self.peek(0) == b'\\';
            self.place = (self.place + if escape { 2 } else { 1 }).min(self.source.len());
            if !escape {
                return;
            }
        }
    }

    /// `r#"..."#`; nothing is skipped if it is a raw name.
    fn raw_string(&mut self) -> bool {
        let start = self.place;
        self.skip_while(|byte| byte.is_ascii_lowercase());
        let marks = self.place;
        self.skip_while(|byte| byte == b'#');
        if self.peek(0) != b'"' {
            self.place = start;
            return false;
        }
        let end = format!("\"{}", &self.source[marks..self.place]);
        let rest = &self.source[self.place + 1..];
        self.place += 1 + rest.find(&end).map_or(rest.len(), |found| found + end.len());
        true
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => (depth, self.place) = (depth + 1, self.place + 2),
                (b'*', b'/') => (depth, self.place) = (depth - 1, self.place + 2),
                _ => self.place += 1,
            }
            if depth == 0 || self.place >= self.source.len() {
                return;
            }
        }
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_rust() {
        let source = r##"/// why
            fn f<'a>(x: &'a u8) -> r#u8 { /* no /* token */ */ b'\'' + 'a' + 1.5e3 - 1..=2 != r#"a"b"# "\"é" } // nor this"##;
        let mut tokens = Tokens::new(source);
        let all: Vec<_> =
            std::iter::from_fn(|| Some(tokens.next()).filter(|token| token.kind != Kind::End)).collect();
        let texts: Vec<_> = all.iter().map(|token| token.text).collect();
        let expected = [
            "/// why",
            "fn",
            "f",
            "<",
            "'a",
            ">",
            "(",
            "x",
            ":",
            "&",
            "'a",
            "u8",
            ")",
            "->",
            "r",
            "#",
            "u8",
            "{",
            r"b'\''",
            "+",
            "'a'",
            "+",
            "1.5e3",
            "-",
            "1",
            "..=",
            "2",
            "!=",
            r##"r#"a"b"#"##,
            r#""\"é""#,
            "}",
        ];
        assert_eq!(texts, expected);
        assert_eq!(all[4].kind, Kind::Lifetime);
        assert_eq!(all[20].kind, Kind::Text);
    }
}
