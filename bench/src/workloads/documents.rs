//! Documents in JSON: a text of some megabytes, read into a tree of values that has copies of all strings.

use super::{free, slice, text};
use crate::contenders::Contender;
use crate::random::Random;
use std::fmt::Write;
use std::ptr::NonNull;

#[derive(Clone, Copy)]
pub enum Value {
    Null,
    Boolean(bool),
    Number(f64),
    Text(NonNull<str>),
    List(NonNull<[Value]>),
    Object(NonNull<[Member]>),
}

/// A name, and its value.
pub type Member = (NonNull<str>, Value);

/// What a walk through a document found.
#[derive(Debug, Default, PartialEq)]
pub struct Sum {
    pub values: u64,
    /// Bytes of all names and texts.
    pub text: u64,
    /// Of all numbers.
    pub numbers: f64,
}

/// Records as a service sends them: nested, with short names, numbers, texts of all lengths, and dates.
pub fn generate(records: usize) -> String {
    let mut random = Random::new();
    let mut json = String::from("[");
    for number in 0..records {
        let separator = if number == 0 { "" } else { "," };
        let (name, city) = (name(&mut random), name(&mut random));
        let (day, month) = (1 + random.below(28), 1 + random.below(12));
        let (latitude, longitude) = (random.below(90), random.below(180));
        let balance = random.below(10_000_000);
        let _ = write!(
            json,
            "{separator}\n  {{\"id\": {number}, \"name\": \"{name}\", \"active\": {}, \"email\": \"{}@{}.example\", \
             \"balance\": {}.{:02}, \"registered\": \"2024-{month:02}-{day:02}T08:15:00Z\", \
             \"address\": {{\"street\": \"{} {}\", \"city\": \"{city}\", \"position\": [{latitude}.{:06}, -{longitude}.{:06}]}}, \"tags\": [",
            random.below(3) > 0,
            name.to_lowercase(),
            random.word(6),
            balance / 100,
            balance % 100,
            1 + random.below(200),
            random.word(9),
            random.below(1_000_000),
            random.below(1_000_000),
        );
        for tag in 0..random.below(6) {
            let length = random.short_length();
            let _ = write!(json, "{}\"{}\"", if tag == 0 { "" } else { ", " }, random.word(length));
        }
        json.push_str("], \"friends\": [");
        for friend in 0..random.below(4) {
            let separator = if friend == 0 { "" } else { ", " };
            let (id, since) = (random.below(records), 2000 + random.below(24));
            let _ = write!(json, "{separator}{{\"id\": {id}, \"since\": {since}, \"note\": null}}");
        }
        let _ = write!(json, "], \"about\": \"");
        for _ in 0..random.below(25) {
            let length = random.short_length();
            let end = if random.below(12) == 0 { ".\\n" } else { "" };
            let _ = write!(json, "{}{end} ", random.word(length));
        }
        json.push_str("\"}");
    }
    json.push_str("\n]\n");
    json
}

fn name(random: &mut Random) -> String {
    let length = 4 + random.below(6);
    let mut name = random.word(length);
    name[..1].make_ascii_uppercase();
    name
}

/// The document of a text; `None` if it is not JSON, or there is no memory.
pub fn parse(contender: &impl Contender, json: &str) -> Option<Value> {
    let mut parser = Parser {
        contender,
        json,
        place: 0,
        values: Vec::new(),
        members: Vec::new(),
        unescaped: String::new(),
    };
    let value = parser.value()?;
    parser.skip_space();
    (parser.place == json.len()).then_some(value)
}

struct Parser<'s, 'c, C> {
    contender: &'c C,
    json: &'s str,
    place: usize,
    /// Of lists that are not complete, innermost last.
    values: Vec<Value>,
    /// Of objects that are not complete, innermost last.
    members: Vec<Member>,
    unescaped: String,
}

impl<C: Contender> Parser<'_, '_, C> {
    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.place += 1;
        }
    }

    /// The next byte, or 0.
    fn peek(&self) -> u8 {
        self.json.as_bytes().get(self.place).copied().unwrap_or(0)
    }

    fn expect(&mut self, word: &str) -> Option<()> {
        let found = self.json.as_bytes()[self.place..].starts_with(word.as_bytes());
        self.place += word.len();
        found.then_some(())
    }

    fn value(&mut self) -> Option<Value> {
        self.skip_space();
        match self.peek() {
            b'{' => self.object(),
            b'[' => self.list(),
            b'"' => self.text().map(Value::Text),
            b't' => self.expect("true").map(|()| Value::Boolean(true)),
            b'f' => self.expect("false").map(|()| Value::Boolean(false)),
            b'n' => self.expect("null").map(|()| Value::Null),
            _ => self.number(),
        }
    }

    /// After a value: whether another follows.
    fn another(&mut self, end: u8) -> Option<bool> {
        self.skip_space();
        let next = self.peek();
        self.place += 1;
        (next == b',' || next == end).then_some(next == b',')
    }

    /// Whether the list or object that was just opened has nothing in it.
    fn is_empty(&mut self, end: u8) -> bool {
        self.place += 1;
        self.skip_space();
        let empty = self.peek() == end;
        self.place += usize::from(empty);
        empty
    }

    fn list(&mut self) -> Option<Value> {
        let begin = self.values.len();
        let mut more = !self.is_empty(b']');
        while more {
            let value = self.value()?;
            self.values.push(value);
            more = self.another(b']')?;
        }
        let values = slice(self.contender, &self.values[begin..])?;
        self.values.truncate(begin);
        Some(Value::List(values))
    }

    fn object(&mut self) -> Option<Value> {
        let begin = self.members.len();
        let mut more = !self.is_empty(b'}');
        while more {
            self.skip_space();
            let name = self.text()?;
            self.skip_space();
            self.expect(":")?;
            let value = self.value()?;
            self.members.push((name, value));
            more = self.another(b'}')?;
        }
        let members = slice(self.contender, &self.members[begin..])?;
        self.members.truncate(begin);
        Some(Value::Object(members))
    }

    fn number(&mut self) -> Option<Value> {
        let rest = &self.json[self.place..];
        let is_part = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let length = rest.bytes().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        self.place += length;
        rest[..length].parse().ok().map(Value::Number)
    }

    fn text(&mut self) -> Option<NonNull<str>> {
        self.expect("\"")?;
        let rest = &self.json[self.place..];
        let length = rest.bytes().position(|byte| byte == b'"' || byte == b'\\')?;
        if rest.as_bytes()[length] == b'"' {
            self.place += length + 1;
            return text(self.contender, &rest[..length]);
        }
        self.unescape()?;
        text(self.contender, &self.unescaped)
    }

    /// Up to the quotation mark, into `unescaped`.
    fn unescape(&mut self) -> Option<()> {
        self.unescaped.clear();
        loop {
            let rest = &self.json[self.place..];
            let length = rest.bytes().position(|byte| byte == b'"' || byte == b'\\')?;
            self.unescaped.push_str(&rest[..length]);
            self.place += length + 1;
            if rest.as_bytes()[length] == b'"' {
                return Some(());
            }
            let escaped = match self.peek() {
                b'n' => '\n',
                b't' => '\t',
                b'r' => '\r',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'u' => {
                    let digits = self.json.get(self.place + 1..self.place + 5)?;
                    self.place += 4;
                    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
                        .unwrap_or(char::REPLACEMENT_CHARACTER)
                }
                other => char::from(other),
            };
            self.unescaped.push(escaped);
            self.place += 1;
        }
    }
}

/// # Safety
/// The document is live.
pub unsafe fn walk(value: Value, sum: &mut Sum) {
    sum.values += 1;
    match value {
        Value::Null => {}
        Value::Boolean(boolean) => sum.numbers += f64::from(u8::from(boolean)),
        Value::Number(number) => sum.numbers += number,
        // SAFETY: the caller promises it.
        Value::Text(text) => sum.text += unsafe { text.as_ref() }.len() as u64,
        Value::List(values) => {
            // SAFETY: the caller promises it.
            for &value in unsafe { values.as_ref() } {
                // SAFETY: the values of a live list are live.
                unsafe { walk(value, sum) };
            }
        }
        Value::Object(members) => {
            // SAFETY: the caller promises it.
            for &(name, value) in unsafe { members.as_ref() } {
                // SAFETY: as above.
                sum.text += unsafe { name.as_ref() }.len() as u64;
                // SAFETY: the members of a live object are live.
                unsafe { walk(value, sum) };
            }
        }
    }
}

/// Gives back each block.
///
/// # Safety
/// The document was read on this contender, and is not used again.
pub unsafe fn free_all(contender: &impl Contender, value: Value) {
    // SAFETY: forwarded from the caller; none is used after it was given back.
    unsafe {
        match value {
            Value::Null | Value::Boolean(_) | Value::Number(_) => {}
            Value::Text(text) => free(contender, text),
            Value::List(values) => {
                values.as_ref().iter().for_each(|&value| free_all(contender, value));
                free(contender, values);
            }
            Value::Object(members) => {
                for &(name, value) in members.as_ref() {
                    free(contender, name);
                    free_all(contender, value);
                }
                free(contender, members);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::MALLOC;

    fn sum(json: &str) -> Option<Sum> {
        let mut sum = Sum::default();
        let document = parse(&MALLOC, json)?;
        // SAFETY: the document is live until it is freed.
        unsafe {
            walk(document, &mut sum);
            free_all(&MALLOC, document);
        }
        Some(sum)
    }

    #[test]
    fn every_value_is_read_and_nothing_else_is_taken_for_one() {
        let json = r#" {"a": [1, -2.5e1, true, null, [], {}], "bc": "d\n\u00e9"} "#;
        // The object, the list and its six, and a text of four bytes.
        assert_eq!(sum(json), Some(Sum { values: 9, text: 7, numbers: -23.0 }));
        for wrong in ["", "[1", "[1 2]", "{\"a\" 1}", "{1: 2}", "tru", "\"a", "1 2", "[,]"] {
            assert_eq!(sum(wrong), None, "{wrong} is no JSON");
        }
    }

    #[test]
    fn generated_documents_are_the_same_each_time_and_can_be_read() {
        let json = generate(100);
        assert_eq!(json, generate(100));
        assert!(sum(&json).is_some_and(|sum| sum.values > 2_000), "{json}");
    }
}
