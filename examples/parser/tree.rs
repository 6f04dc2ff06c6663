//! The syntax tree: plain references into one arena, and names as numbers. A call refers to its function, which may
//! be the one that it stands in: there are cycles.

use std::cell::Cell;
use std::fmt;
use v_alloc::Symbol;

pub struct Program<'t> {
    pub functions: &'t [&'t Function<'t>],
    /// Without parameters; its body follows the functions.
    pub main: &'t Function<'t>,
}

pub struct Function<'t> {
    pub name: Name,
    pub parameters: &'t [Name],
    pub body: Link<'t>,
    /// How many values of variables a call needs at once; known when names are resolved.
    pub slots: Cell<usize>,
}

/// Where the text has which name.
#[derive(Clone, Copy)]
pub struct Name {
    pub at: u32,
    pub symbol: Symbol,
}

/// Can be set to a simpler expression.
pub type Link<'t> = Cell<&'t Expression<'t>>;

pub struct Expression<'t> {
    /// Its first byte in the text; that of the operator, if it has one.
    pub at: u32,
    /// 1 more than that of the deepest expression below.
    pub depth: u32,
    pub kind: Kind<'t>,
}

pub enum Kind<'t> {
    Constant(Value),
    Variable { name: Symbol, slot: Cell<usize> },
    Unary(Operator, Link<'t>),
    Binary(Operator, Link<'t>, Link<'t>),
    If { condition: Link<'t>, yes: Link<'t>, no: Link<'t> },
    Let { name: Symbol, slot: Cell<usize>, value: Link<'t>, body: Link<'t> },
    Call { name: Symbol, function: Cell<Option<&'t Function<'t>>>, arguments: &'t [Link<'t>] },
}

#[derive(Clone, Copy, PartialEq)]
pub enum Value {
    Number(f64),
    Bool(bool),
}

#[derive(Clone, Copy, PartialEq)]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    LessOrEqual,
    GreaterOrEqual,
    Less,
    Greater,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Not,
}

impl Operator {
    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::LessOrEqual => "<=",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Not => "not",
        }
    }

    /// Of one operand; or why it cannot be.
    pub fn of_one(self, operand: Value) -> Result<Value, String> {
        match (self, operand) {
            (Self::Subtract, Value::Number(number)) => Ok(Value::Number(-number)),
            (Self::Not, Value::Bool(bool)) => Ok(Value::Bool(!bool)),
            _ => Err(format!("`{}` does not go with {operand}", self.sign())),
        }
    }

    /// Of two operands; or why it cannot be.
    pub fn of_two(self, left: Value, right: Value) -> Result<Value, String> {
        let (a, b) = match (self, left, right) {
            (Self::Equal, ..) => return Ok(Value::Bool(left == right)),
            (Self::NotEqual, ..) => return Ok(Value::Bool(left != right)),
            (Self::Divide | Self::Remainder, _, Value::Number(0.0)) => {
                return Err("division by zero".to_owned());
            }
            (Self::Or | Self::And | Self::Not, ..) | (_, Value::Bool(_), _) | (_, _, Value::Bool(_)) => {
                return Err(format!("`{}` does not go with {left} and {right}", self.sign()));
            }
            (_, Value::Number(a), Value::Number(b)) => (a, b),
        };
        Ok(match self {
            Self::LessOrEqual => Value::Bool(a <= b),
            Self::GreaterOrEqual => Value::Bool(a >= b),
            Self::Less => Value::Bool(a < b),
            Self::Greater => Value::Bool(a > b),
            Self::Add => Value::Number(a + b),
            Self::Subtract => Value::Number(a - b),
            Self::Multiply => Value::Number(a * b),
            Self::Divide => Value::Number(a / b),
            _ => Value::Number(a % b),
        })
    }
}

impl Program<'_> {
    /// The number of expressions.
    pub fn size(&self) -> usize {
        let functions = self.functions.iter().map(|function| function.body.get().size());
        functions.sum::<usize>() + self.main.body.get().size()
    }
}

impl Expression<'_> {
    fn size(&self) -> usize {
        1 + match &self.kind {
            Kind::Constant(_) | Kind::Variable { .. } => 0,
            Kind::Unary(_, operand) => operand.get().size(),
            Kind::Binary(_, left, right) => left.get().size() + right.get().size(),
            Kind::If { condition, yes, no } => condition.get().size() + yes.get().size() + no.get().size(),
            Kind::Let { value, body, .. } => value.get().size() + body.get().size(),
            Kind::Call { arguments, .. } => arguments.iter().map(|argument| argument.get().size()).sum(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(formatter),
            Self::Bool(bool) => bool.fmt(formatter),
        }
    }
}
