//! Text to tokens, one at a time.

use crate::problem::Problem;
use v_alloc::{Interner, Symbol};

#[derive(Clone, Copy, PartialEq)]
pub enum Token {
    Number(f64),
    Name(Symbol),
    /// A keyword or a sign.
    Fixed(&'static str),
    End,
}

const KEYWORDS: [&str; 10] = ["fn", "let", "if", "then", "else", "true", "false", "and", "or", "not"];

/// Those of two characters first.
const SIGNS: [&str; 16] =
    ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "=", "(", ")", ",", ";"];

pub struct Lexer<'s> {
    text: &'s str,
    at: usize,
    names: &'s Interner,
}

impl<'s> Lexer<'s> {
    pub fn new(text: &'s str, names: &'s Interner) -> Self {
        Self { text, at: 0, names }
    }

    /// The next token, and where it starts.
    pub fn next(&mut self) -> Result<(u32, Token), Problem> {
        self.skip_blanks_and_comments();
        let rest = &self.text[self.at..];
        // The text is shorter than 4 GiB.
        let start = u32::try_from(self.at).unwrap_or(u32::MAX);
        let Some(first) = rest.chars().next() else { return Ok((start, Token::End)) };
        let (length, token) = if first.is_ascii_digit() {
            let length = length_while(rest, |letter| letter.is_alphanumeric() || letter == '.');
            let number = rest[..length].parse();
            let wrong = |_| Problem::new(start, format!("`{}` is not a number", &rest[..length]));
            (length, Token::Number(number.map_err(wrong)?))
        } else if first.is_alphabetic() || first == '_' {
            let length = length_while(rest, |letter| letter.is_alphanumeric() || letter == '_');
            let word = &rest[..length];
            let keyword = KEYWORDS.into_iter().find(|&keyword| keyword == word);
            (length, keyword.map_or_else(|| Token::Name(self.names.intern(word)), Token::Fixed))
        } else {
            let sign = SIGNS.into_iter().find(|&sign| rest.starts_with(sign));
            let sign = sign.ok_or_else(|| Problem::new(start, format!("`{first}` means nothing here")))?;
            (sign.len(), Token::Fixed(sign))
        };
        self.at += length;
        Ok((start, token))
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let text = rest.trim_start();
            self.at += rest.len() - text.len();
            if !text.starts_with('#') {
                return;
            }
            self.at += length_while(text, |letter| letter != '\n');
        }
    }
}

fn length_while(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !belongs(letter)).unwrap_or(text.len())
}
