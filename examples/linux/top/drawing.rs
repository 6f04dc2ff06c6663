//! How the view looks: a title, sums, a line for each arena. Where a terminal is narrow, columns are left out.

use super::reading::{Arena, Picture};
use super::units::{size, sparkline};
use super::view::View;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table};

// Readable on a light background and on a dark one. All else is in the terminal's own colours.
const BARS: Color = Color::Indexed(32);
const WARNING: Color = Color::Indexed(166);

impl View {
    pub fn draw(&mut self, frame: &mut Frame<'_>) {
        let [title, sums, _, arenas, bottom] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Min(2),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        self.draw_title(frame, title, sums);
        self.draw_arenas(frame, arenas);
        self.draw_bottom(frame, bottom);
    }

    fn draw_title(&self, frame: &mut Frame<'_>, title: Rect, sums: Rect) {
        let Picture { program, addresses, resident, arenas, .. } = &self.picture;
        let strong = |text: String| Span::styled(text, Modifier::BOLD);
        let process = [strong(program.clone()), format!(", process {}", self.process).into()];
        frame.render_widget(Line::from_iter(process), title);
        let whole = [
            "whole process: VIRT ".into(),
            strong(size(*addresses)),
            "  RES ".into(),
            strong(size(*resident)),
        ];
        let whole = Line::from_iter(whole).alignment(Alignment::Right);
        if usize::from(title.width) >= whole.width() + program.chars().count() + 24 {
            frame.render_widget(whole, title);
        }
        let named = if arenas.len() == 1 { " named arena" } else { " named arenas" };
        let named = [strong(arenas.len().to_string()), named.into()];
        let figures: [(_, Figure); 4] = [
            ("reserved", |arena| arena.reserved),
            ("committed", |arena| arena.committed),
            ("resident", |arena| arena.resident),
            ("huge pages", |arena| arena.huge),
        ];
        let sum = |of| arenas.iter().map(of).fold(0, u64::saturating_add); // they may say anything
        let figures = figures.map(|(figure, of)| [format!("   {figure} ").into(), strong(size(sum(of)))]);
        // The same go first as of the columns.
        let line = [&[0, 1, 2, 3][..], &[1, 2, 3], &[1, 2], &[2]]
            .map(|shown| {
                let figures = shown.iter().flat_map(|&index| &figures[index]);
                named.iter().chain(figures).cloned().collect::<Line<'_>>()
            })
            .into_iter()
            .find(|line| line.width() <= usize::from(sums.width));
        frame.render_widget(line.unwrap_or_else(|| Line::from_iter(named)), sums);
    }

    fn draw_arenas(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let arenas = &self.picture.arenas;
        self.visible = usize::from(area.height.saturating_sub(1));
        let last = arenas.len().saturating_sub(self.visible);
        *self.table.offset_mut() = self.table.offset().min(last); // the terminal may be larger now
        let longest = arenas.iter().map(|arena| Line::from(arena.name.as_str()).width()).max().unwrap_or(0);
        let columns = Columns::fit(usize::from(area.width), longest);
        let history = |arena: &Arena| {
            let values = self.history.get(&(arena.address, arena.name.clone()));
            let values = values.into_iter().flatten().copied();
            let skipped = values.clone().count().saturating_sub(columns.history);
            Line::styled(sparkline(values.skip(skipped), arena.peak), BARS).alignment(Alignment::Right)
        };
        let rows = arenas.iter().map(|arena| {
            let name = Cell::from(Span::styled(arena.name.as_str(), Modifier::BOLD));
            let sizes = columns.shown.iter().map(|column| {
                let text = Line::from((column.text)(arena));
                Cell::from(if column.is_figure { text.alignment(Alignment::Right) } else { text })
            });
            Row::new([name].into_iter().chain(sizes).chain([Cell::from(history(arena))]))
        });
        let seconds = columns.history as u128 * self.interval.as_millis() / 1000;
        let titles = columns.shown.iter().map(|column| {
            let text = Line::from(column.title);
            Cell::from(if column.is_figure { text.alignment(Alignment::Right) } else { text })
        });
        let last = format!("resident, last {seconds} s");
        let last = if last.len() <= columns.history { last } else { format!("{seconds} s") };
        let last = Cell::from(Line::from(last).alignment(Alignment::Right));
        let header =
            Row::new([Cell::from("name")].into_iter().chain(titles).chain([last])).style(Modifier::REVERSED);
        let table = Table::new(rows, columns.widths()).column_spacing(GAP).header(header);
        frame.render_stateful_widget(table, area, &mut self.table);
    }

    fn draw_bottom(&self, frame: &mut Frame<'_>, area: Rect) {
        let line = match &self.trouble {
            Some(trouble) => Line::styled(
                format!("{trouble}: this is the last of it. q quits"),
                Style::new().fg(WARNING).add_modifier(Modifier::BOLD),
            ),
            None if self.picture.arenas.len() > self.visible => Line::from(format!(
                "q quits   {} to {} of {}: arrows, page up and down",
                self.table.offset() + 1,
                (self.table.offset() + self.visible).min(self.picture.arenas.len()),
                self.picture.arenas.len()
            )),
            None => Line::from("q quits"),
        };
        frame.render_widget(Paragraph::new(line), area);
    }
}

const GAP: u16 = 2;
const SIZE: usize = 9;

type Figure = fn(&Arena) -> u64;

#[derive(Clone, Copy)]
struct Column {
    title: &'static str,
    width: usize,
    is_figure: bool,
    /// Which columns go first when the terminal is narrow: those with low numbers.
    worth: u8,
    text: fn(&Arena) -> String,
}

const fn figure(title: &'static str, worth: u8, text: fn(&Arena) -> String) -> Column {
    Column { title, width: SIZE, is_figure: true, worth, text }
}

const COLUMNS: [Column; 6] = [
    Column { title: "kind", width: 6, is_figure: false, worth: 0, text: |arena| arena.kind.into() },
    figure("reserved", 1, |arena| size(arena.reserved)),
    figure("committed", 4, |arena| size(arena.committed)),
    figure("resident", 5, |arena| size(arena.resident)),
    figure("huge", 2, |arena| size(arena.huge)),
    figure("peak", 3, |arena| size(arena.peak)),
];

/// Which columns there is room for.
struct Columns {
    name: usize,
    shown: Vec<Column>,
    history: usize,
}

impl Columns {
    fn fit(width: usize, longest_name: usize) -> Self {
        const LEAST_HISTORY: usize = 12;
        let gap = usize::from(GAP);
        let name = longest_name.clamp(4, 24).min(width / 3);
        let taken = |shown: &[Column]| name + shown.iter().map(|column| gap + column.width).sum::<usize>();
        let mut shown = COLUMNS.to_vec();
        while taken(&shown) + gap + LEAST_HISTORY > width {
            let least = (0..shown.len()).min_by_key(|&index| shown[index].worth);
            match least {
                Some(index) if shown.len() > 1 => _ = shown.remove(index),
                _ => break,
            }
        }
        let history = width.saturating_sub(taken(&shown) + gap);
        Self { name, shown, history }
    }

    fn widths(&self) -> impl Iterator<Item = Constraint> {
        let length = |width: usize| Constraint::Length(u16::try_from(width).unwrap_or(u16::MAX));
        [self.name]
            .into_iter()
            .chain(self.shown.iter().map(|column| column.width))
            .chain([self.history])
            .map(length)
    }
}
