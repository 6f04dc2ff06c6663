//! A syntax tree of Rust: statements, groups, calls, and operators by their precedence. It has the shape of a compiler's
//! tree, without its hundred kinds of nodes: words that stand side by side, as in `pub fn name`, are a phrase.

use super::tokens::{Kind, Token, Tokens};
use super::{free, slice, text};
use crate::contenders::Contender;
use std::ptr::NonNull;

/// A part of a program, and where it begins in its source.
pub struct Node {
    start: u32,
    shape: Shape,
}

enum Shape {
    /// One token.
    Leaf(NonNull<str>),
    /// An operator before its operand.
    Prefix(Operator, NonNull<Node>),
    /// An operator after its operand.
    Postfix(Operator, NonNull<Node>),
    Infix(Operator, NonNull<Node>, NonNull<Node>),
    /// `callee(..)` or `array[..]`.
    Applied(NonNull<Node>, NonNull<Node>),
    /// Words side by side.
    Phrase(NonNull<[NonNull<Node>]>),
    /// What is between brackets: phrases that were separated by commas or semicolons.
    Group(NonNull<[NonNull<Node>]>),
}

/// The bytes of an operator.
type Operator = [u8; 3];

/// What a walk through a tree found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub nodes: u64,
    /// Bytes of all leaves.
    pub text: u64,
    /// Places of all nodes, added.
    pub starts: u64,
    /// First bytes of all operators, added.
    pub operators: u64,
}

/// The tree of a source; `None` if there is no memory.
pub fn parse(contender: &impl Contender, source: &str) -> Option<NonNull<Node>> {
    let mut tokens = Tokens::new(source);
    let token = tokens.next();
    let mut parser = Parser { contender, tokens, token, pending: Vec::new() };
    let begin = parser.pending.len();
    while parser.token.kind != Kind::End {
        parser.phrases()?;
        // A bracket that nobody opened.
        if parser.token.kind == Kind::Close {
            parser.advance();
        }
    }
    parser.group(0, begin)
}

struct Parser<'s, 'c, C> {
    contender: &'c C,
    tokens: Tokens<'s>,
    /// The next.
    token: Token<'s>,
    /// Nodes whose phrase or group is not complete, innermost last.
    pending: Vec<NonNull<Node>>,
}

impl<'s, C: Contender> Parser<'s, '_, C> {
    fn advance(&mut self) -> Token<'s> {
        std::mem::replace(&mut self.token, self.tokens.next())
    }

    fn is(&self, kind: Kind, text: &str) -> bool {
        self.token.kind == kind && self.token.text == text
    }

    fn node(&self, start: u32, shape: Shape) -> Option<NonNull<Node>> {
        self.contender.value(Node { start, shape })
    }

    /// Nodes that were pending since `begin`, as a slice.
    fn take(&mut self, begin: usize) -> Option<NonNull<[NonNull<Node>]>> {
        let nodes = slice(self.contender, &self.pending[begin..]);
        self.pending.truncate(begin);
        nodes
    }

    fn group(&mut self, start: u32, begin: usize) -> Option<NonNull<Node>> {
        let parts = self.take(begin)?;
        self.node(start, Shape::Group(parts))
    }

    /// Phrases up to a closing bracket, which are pending then.
    fn phrases(&mut self) -> Option<()> {
        while !matches!(self.token.kind, Kind::Close | Kind::End) {
            if self.is_separator() {
                self.advance();
            } else {
                let phrase = self.phrase()?;
                self.pending.push(phrase);
            }
        }
        Some(())
    }

    fn is_separator(&self) -> bool {
        self.is(Kind::Punctuation, ";") || self.is(Kind::Punctuation, ",")
    }

    /// Up to a separator, a closing bracket, or a block that ends it.
    fn phrase(&mut self) -> Option<NonNull<Node>> {
        let (start, begin) = (self.token.start, self.pending.len());
        loop {
            let block = self.is(Kind::Open, "{");
            let part = self.expression(0)?;
            self.pending.push(part);
            let ends = matches!(self.token.kind, Kind::Close | Kind::End) || self.is_separator();
            if ends || (block && !self.is(Kind::Name, "else")) {
                break;
            }
        }
        if let &[part] = &self.pending[begin..] {
            self.pending.truncate(begin);
            return Some(part);
        }
        let parts = self.take(begin)?;
        self.node(start, Shape::Phrase(parts))
    }

    /// Operators that bind at least as strongly.
    fn expression(&mut self, strength: u8) -> Option<NonNull<Node>> {
        let start = self.token.start;
        let mut left = self.term()?;
        loop {
            let bracket = self.is(Kind::Open, "(") || self.is(Kind::Open, "[");
            if bracket && strength <= APPLIED {
                let arguments = self.term()?;
                left = self.node(start, Shape::Applied(left, arguments))?;
                continue;
            }
            if self.token.kind != Kind::Punctuation || self.is_separator() {
                return Some(left);
            }
            let (own, right) = strengths(self.token.text);
            if own < strength {
                return Some(left);
            }
            let operator = operator(self.advance().text);
            let shape = match right {
                Some(right) if self.begins_term() => Shape::Infix(operator, left, self.expression(right)?),
                _ => Shape::Postfix(operator, left),
            };
            left = self.node(start, shape)?;
        }
    }

    fn begins_term(&self) -> bool {
        !matches!(self.token.kind, Kind::Close | Kind::End) && !self.is_separator()
    }

    fn term(&mut self) -> Option<NonNull<Node>> {
        let token = self.advance();
        match token.kind {
            Kind::Open => {
                let begin = self.pending.len();
                self.phrases()?;
                self.advance();
                self.group(token.start, begin)
            }
            Kind::Punctuation if self.begins_term() => {
                let operand = self.expression(PREFIX)?;
                self.node(token.start, Shape::Prefix(operator(token.text), operand))
            }
            _ => {
                let leaf = text(self.contender, token.text)?;
                self.node(token.start, Shape::Leaf(leaf))
            }
        }
    }
}

/// How strongly arguments bind their callee.
const APPLIED: u8 = 28;

/// How strongly an operator before its operand binds.
const PREFIX: u8 = 26;

/// How strongly an operator binds its left and its right operand; without the latter if it comes after its operand.
fn strengths(operator: &str) -> (u8, Option<u8>) {
    match operator {
        "." | "::" => (30, Some(31)),
        "?" | "!" => (28, None),
        "*" | "/" | "%" => (24, Some(25)),
        "+" | "-" => (22, Some(23)),
        "<<" | ">>" => (20, Some(21)),
        "&" => (18, Some(19)),
        "^" => (16, Some(17)),
        "|" => (14, Some(15)),
        "==" | "!=" | "<" | ">" | "<=" | ">=" => (12, Some(13)),
        "&&" => (10, Some(11)),
        "||" => (8, Some(9)),
        ".." | "..=" | "..." => (6, Some(7)),
        ":" | "@" => (4, Some(5)),
        _ => (2, Some(2)), // assignments and arrows
    }
}

fn operator(text: &str) -> Operator {
    let bytes = text.as_bytes();
    std::array::from_fn(|index| bytes.get(index).copied().unwrap_or(b' '))
}

/// # Safety
/// The tree is live.
pub unsafe fn walk(node: NonNull<Node>, sum: &mut Sum) {
    // SAFETY: the caller promises it.
    let node = unsafe { node.as_ref() };
    sum.nodes += 1;
    sum.starts += u64::from(node.start);
    match node.shape {
        // SAFETY: as above.
        Shape::Leaf(text) => sum.text += unsafe { text.as_ref() }.len() as u64,
        Shape::Prefix(operator, _) | Shape::Postfix(operator, _) | Shape::Infix(operator, ..) => {
            sum.operators += u64::from(operator[0]);
        }
        _ => {}
    }
    // SAFETY: the children of a live node are live.
    unsafe { node.children(|child| walk(child, sum)) };
}

/// Gives back each block.
///
/// # Safety
/// The tree was built on this contender, and is not used again.
pub unsafe fn free_all(contender: &impl Contender, place: NonNull<Node>) {
    // SAFETY: the node is live.
    let node = unsafe { place.as_ref() };
    // SAFETY: forwarded from the caller; none is used after it was given back.
    unsafe {
        node.children(|child| free_all(contender, child));
        match node.shape {
            Shape::Leaf(text) => free(contender, text),
            Shape::Phrase(nodes) | Shape::Group(nodes) => free(contender, nodes),
            _ => {}
        }
        free(contender, place);
    }
}

impl Node {
    /// # Safety
    /// The node and its slices are live.
    #[inline(always)]
    unsafe fn children(&self, mut each: impl FnMut(NonNull<Node>)) {
        match self.shape {
            Shape::Leaf(_) => {}
            Shape::Prefix(_, operand) | Shape::Postfix(_, operand) => each(operand),
            Shape::Infix(_, left, right) | Shape::Applied(left, right) => {
                each(left);
                each(right);
            }
            Shape::Phrase(nodes) | Shape::Group(nodes) => {
                // SAFETY: the caller promises it.
                unsafe { nodes.as_ref() }.iter().copied().for_each(each);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::{MALLOC, OneByOne};

    /// In words, with brackets around everything.
    fn show(node: NonNull<Node>) -> String {
        let list = |nodes: NonNull<[NonNull<Node>]>| {
            // SAFETY: the test's tree is never freed.
            unsafe { nodes.as_ref() }.iter().map(|&node| show(node)).collect::<Vec<_>>().join(" ")
        };
        let word = |operator: Operator| String::from_utf8_lossy(&operator).trim().to_owned();
        // SAFETY: as above.
        match unsafe { node.as_ref() }.shape {
            // SAFETY: as above.
            Shape::Leaf(text) => unsafe { text.as_ref() }.to_owned(),
            Shape::Prefix(operator, operand) => format!("({}{})", word(operator), show(operand)),
            Shape::Postfix(operator, operand) => format!("({}{})", show(operand), word(operator)),
            Shape::Infix(operator, left, right) => {
                format!("({}{}{})", show(left), word(operator), show(right))
            }
            Shape::Applied(left, right) => format!("({}{})", show(left), show(right)),
            Shape::Phrase(nodes) => format!("<{}>", list(nodes)),
            Shape::Group(nodes) => format!("[{}]", list(nodes)),
        }
    }

    #[test]
    fn a_tree_has_the_shape_of_its_program() {
        let tree = |source| show(parse(&MALLOC, source).unwrap());
        assert_eq!(tree("x = a + b * c.d(e, -f)?;"), "[(x=(a+(b*(((c.d)[e (-f)])?))))]");
        assert_eq!(tree("fn f() { 1 } fn g() {}"), "[<fn (f[]) [1]> <fn (g[]) []>]");
        assert_eq!(tree("if a { b } else { c }"), "[<if a [b] else [c]>]");
    }

    #[test]
    fn every_source_of_ours_becomes_a_tree_and_all_of_it_is_freed() {
        // An allocator that counts what is live.
        use std::alloc::{GlobalAlloc, Layout, System};
        use std::cell::Cell;
        thread_local!(static LIVE: Cell<usize> = const { Cell::new(0) });
        struct Counting;
        // SAFETY: the system's.
        unsafe impl GlobalAlloc for Counting {
            unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
                LIVE.set(LIVE.get() + layout.size());
                // SAFETY: forwarded from the caller.
                unsafe { System.alloc(layout) }
            }
            unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
                LIVE.set(LIVE.get() - layout.size());
                // SAFETY: forwarded from the caller.
                unsafe { System.dealloc(block, layout) };
            }
        }
        let counting = OneByOne(Counting);
        let mut sum = Sum::default();
        for source in super::super::sources::read().unwrap() {
            let tree = parse(&counting, &source).unwrap();
            // SAFETY: the tree is live until it is freed.
            unsafe {
                walk(tree, &mut sum);
                free_all(&counting, tree);
            }
        }
        assert!(sum.nodes > 100_000, "{sum:?}");
        assert_eq!(LIVE.get(), 0);
    }
}
