//! The first pass: text to tree.

use crate::lexer::{Lexer, Token};
use crate::problem::Problem;
use crate::tree::{Expression, Function, Kind, Link, Name, Operator, Program, Value};
use allocator_api2::vec::Vec as VecIn;
use std::cell::Cell;
use v_alloc::{Arena, Interner};

/// Expressions in expressions, at most: the passes after this one call themselves for each.
const DEEPEST: u32 = 5000;

/// From those that bind least to those that bind most.
const LEVELS: [&[Operator]; 5] = [
    &[Operator::Or],
    &[Operator::And],
    &[
        Operator::Equal,
        Operator::NotEqual,
        Operator::LessOrEqual,
        Operator::GreaterOrEqual,
        Operator::Less,
        Operator::Greater,
    ],
    &[Operator::Add, Operator::Subtract],
    &[Operator::Multiply, Operator::Divide, Operator::Remainder],
];

/// Makes the tree in `tree`. Lists whose length is not known yet grow in `scratch`.
pub fn parse<'t>(
    text: &str,
    names: &Interner,
    tree: &'t Arena,
    scratch: &Arena,
) -> Result<Program<'t>, Problem> {
    let mut lexer = Lexer::new(text, names);
    let (at, token) = lexer.next()?;
    let mut parser = Parser { lexer, names, at, token, depth: 0, tree, scratch };
    let mut functions = VecIn::new_in(scratch);
    while parser.accept("fn")? {
        functions.push(parser.function()?);
    }
    let main = Name { at: parser.at, symbol: names.intern("the program") };
    let body = parser.expression()?;
    if parser.token != Token::End {
        return Err(parser.unexpected("the end"));
    }
    let main = tree.alloc(Function { name: main, parameters: &[], body, slots: Cell::new(0) });
    Ok(Program { functions: tree.alloc_slice_copy(&functions), main })
}

struct Parser<'s, 't> {
    lexer: Lexer<'s>,
    names: &'s Interner,
    /// The token to be looked at, and where it starts.
    token: Token,
    at: u32,
    depth: u32,
    tree: &'t Arena,
    scratch: &'s Arena,
}

type Parsed<'t> = Result<Link<'t>, Problem>;

impl<'t> Parser<'_, 't> {
    fn function(&mut self) -> Result<&'t Function<'t>, Problem> {
        let name = self.name("the name of a function")?;
        self.expect("(")?;
        let parameters = self.list(|parser| parser.name("a parameter"))?;
        self.expect("=")?;
        let body = self.expression()?;
        self.expect(";")?;
        Ok(self.tree.alloc(Function { name, parameters, body, slots: Cell::new(0) }))
    }

    fn expression(&mut self) -> Parsed<'t> {
        let at = self.at;
        self.deeper(at)?;
        let parsed = if self.accept("let")? {
            let name = self.name("the name of a variable")?.symbol;
            self.expect("=")?;
            let value = self.expression()?;
            self.expect(";")?;
            let body = self.expression()?;
            let below = [&value, &body].map(depth);
            self.node(at, &below, Kind::Let { name, slot: Cell::new(0), value, body })
        } else if self.accept("if")? {
            let condition = self.expression()?;
            self.expect("then")?;
            let yes = self.expression()?;
            self.expect("else")?;
            let no = self.expression()?;
            let below = [&condition, &yes, &no].map(depth);
            self.node(at, &below, Kind::If { condition, yes, no })
        } else {
            self.binary(&LEVELS)
        };
        self.depth -= 1;
        parsed
    }

    fn binary(&mut self, levels: &[&[Operator]]) -> Parsed<'t> {
        let [level, tighter @ ..] = levels else { return self.unary() };
        let mut left = self.binary(tighter)?;
        loop {
            let at = self.at;
            let Some(&operator) = level.iter().find(|operator| self.token == Token::Fixed(operator.sign()))
            else {
                return Ok(left);
            };
            self.advance()?;
            let right = self.binary(tighter)?;
            let below = [&left, &right].map(depth);
            left = self.node(at, &below, Kind::Binary(operator, left, right))?;
        }
    }

    fn unary(&mut self) -> Parsed<'t> {
        let at = self.at;
        let operators = [Operator::Subtract, Operator::Not];
        let Some(operator) =
            operators.into_iter().find(|operator| self.token == Token::Fixed(operator.sign()))
        else {
            return self.primary();
        };
        self.advance()?;
        self.deeper(at)?;
        let operand = self.unary()?;
        self.depth -= 1;
        self.node(at, &[depth(&operand)], Kind::Unary(operator, operand))
    }

    fn primary(&mut self) -> Parsed<'t> {
        let (at, token) = (self.at, self.token);
        let kind = match token {
            Token::Number(number) => Kind::Constant(Value::Number(number)),
            Token::Fixed("true") => Kind::Constant(Value::Bool(true)),
            Token::Fixed("false") => Kind::Constant(Value::Bool(false)),
            Token::Name(name) => Kind::Variable { name, slot: Cell::new(0) },
            Token::Fixed("(") => {
                self.advance()?;
                let inner = self.expression()?;
                self.expect(")")?;
                return Ok(inner);
            }
            _ => return Err(self.unexpected("an expression")),
        };
        self.advance()?;
        match kind {
            Kind::Variable { name, .. } if self.accept("(")? => {
                let arguments = self.list(Self::expression)?;
                let deepest = arguments.iter().map(depth).max().unwrap_or(0);
                self.node(at, &[deepest], Kind::Call { name, function: Cell::new(None), arguments })
            }
            kind => self.node(at, &[], kind),
        }
    }

    /// What stands between parentheses, the first of which was read, with commas between.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, Problem>) -> Result<&'t [T], Problem> {
        let mut items = VecIn::new_in(self.scratch);
        if !self.accept(")")? {
            loop {
                items.push(item(self)?);
                if !self.accept(",")? {
                    self.expect(")")?;
                    break;
                }
            }
        }
        Ok(self.tree.alloc_slice_fill_iter(items))
    }

    fn name(&mut self, what: &str) -> Result<Name, Problem> {
        let Token::Name(symbol) = self.token else { return Err(self.unexpected(what)) };
        let name = Name { at: self.at, symbol };
        self.advance()?;
        Ok(name)
    }

    /// Makes an expression of those that are as deep as `below` says.
    fn node(&self, at: u32, below: &[u32], kind: Kind<'t>) -> Parsed<'t> {
        let depth = 1 + below.iter().max().unwrap_or(&0);
        if depth > DEEPEST {
            return Err(too_deep(at));
        }
        Ok(Cell::new(self.tree.alloc(Expression { at, depth, kind })))
    }

    /// Parentheses, for one, are in no expression, but this parser calls itself for each.
    fn deeper(&mut self, at: u32) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth > DEEPEST { Err(too_deep(at)) } else { Ok(()) }
    }

    fn advance(&mut self) -> Result<(), Problem> {
        (self.at, self.token) = self.lexer.next()?;
        Ok(())
    }

    /// Whether this token comes next; it is read then.
    fn accept(&mut self, token: &'static str) -> Result<bool, Problem> {
        let found = self.token == Token::Fixed(token);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, token: &'static str) -> Result<(), Problem> {
        if self.accept(token)? { Ok(()) } else { Err(self.unexpected(&format!("`{token}`"))) }
    }

    fn unexpected(&self, expected: &str) -> Problem {
        let found = match self.token {
            Token::Number(number) => format!("`{number}`"),
            Token::Name(name) => format!("`{}`", self.names.resolve(name)),
            Token::Fixed(text) => format!("`{text}`"),
            Token::End => "the end".to_owned(),
        };
        Problem::new(self.at, format!("expected {expected}, found {found}"))
    }
}

fn depth(link: &Link<'_>) -> u32 {
    link.get().depth
}

fn too_deep(at: u32) -> Problem {
    Problem::new(at, format!("more than {DEEPEST} expressions in one another"))
}
