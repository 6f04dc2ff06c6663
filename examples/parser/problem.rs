//! What is wrong with a program, and where.

/// So many characters of a line are shown on both sides of a mark.
const NEAR: usize = 60;

/// A message about the byte `at` of the text.
#[derive(Debug)]
pub struct Problem {
    pub at: u32,
    pub message: String,
}

impl Problem {
    pub fn new(at: u32, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// The message, file, line and column (both from 1), and the line itself, as far as it is near, with a mark below.
    pub fn report(&self, file: &str, text: &str) -> String {
        let (before, after) = text.split_at(self.at as usize);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |end_of_line| end_of_line + 1);
        let before = &before[start..];
        let column = before.chars().count() + 1;
        let before: String = before.chars().skip(column.saturating_sub(NEAR)).collect();
        let rest: String = after.lines().next().unwrap_or_default().chars().take(NEAR).collect();
        // With the tabs of the line, so that the mark is where it belongs.
        let indent: String = before.chars().map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        format!(
            "error: {}\n{margin}--> {file}:{line}:{column}\n{margin} |\n{number} | {before}{rest}\n{margin} | {indent}^",
            self.message
        )
    }
}
