//! How a chart looks: bars or lines by categories, on no background, in colours that can be told from white and from
//! black. All text stays text.

use crate::Result;
use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBColor, ShapeStyle};
use std::fmt::Write as _;
use std::path::Path;

pub struct Chart {
    pub title: &'static str,
    pub about: &'static str,
    pub categories: Vec<&'static str>,
    pub series: Vec<Series>,
    pub scale: Scale,
    /// Where a dashed line is.
    pub mark: Option<f64>,
}

pub struct Series {
    pub name: &'static str,
    /// Red, green and blue, a byte each.
    pub colour: u32,
    /// One for each category.
    pub values: Vec<Option<f64>>,
}

pub enum Scale {
    /// From zero; what exceeds the most is cut off, and says how high it is.
    Bars { most: f64, digits: usize },
    /// Logarithmic: as far between one and `base` as between that and its square.
    Lines { base: f64, unit: &'static str },
}

type Point = (i32, i32);

const WIDTH: i32 = 880;
const HEIGHT: i32 = 440;
const LEFT: i32 = 64;
const RIGHT: i32 = WIDTH - 16;
/// Of what the axes enclose.
const TOP: i32 = 122;
const BOTTOM: i32 = HEIGHT - 56;

const INK: RGBColor = RGBColor(0x76, 0x7d, 0x88);

impl Chart {
    /// Whether there is a value for each category and series.
    pub fn is_complete(&self) -> bool {
        self.series.iter().all(|series| series.values.iter().all(Option::is_some))
    }

    pub fn draw(&self, path: &Path, caption: &str) -> Result<()> {
        // In memory first: an error leaves the former chart as it is.
        let mut picture = String::new();
        {
            let area = SVGBackend::with_string(&mut picture, (WIDTH.unsigned_abs(), HEIGHT.unsigned_abs()));
            let canvas = Canvas(area.into_drawing_area());
            canvas.text(self.title, (LEFT, 18), 22, INK, HPos::Left)?;
            canvas.text(self.about, (LEFT, 44), 16, INK, HPos::Left)?;
            self.legend(&canvas)?;
            let heights = self.heights();
            heights.draw(&canvas)?;
            let width = (RIGHT - LEFT) / i32::try_from(self.categories.len())?;
            for (index, category) in (0..).zip(&self.categories) {
                canvas.text(
                    category,
                    (LEFT + width * index + width / 2, BOTTOM + 16),
                    14,
                    INK,
                    HPos::Center,
                )?;
            }
            match self.scale {
                Scale::Bars { most, digits } => self.bars(&canvas, &heights, width, most, digits)?,
                Scale::Lines { .. } => self.lines(&canvas, &heights, width)?,
            }
            if let Some(mark) = self.mark {
                let height = heights.of(mark);
                for start in (LEFT..RIGHT).step_by(8) {
                    canvas.line(&[(start, height), (start + 4, height)], INK, 1)?;
                }
            }
            canvas.text(caption, (RIGHT, HEIGHT - 12), 13, INK, HPos::Right)?;
            canvas.0.present()?;
        }
        std::fs::write(path.with_extension("uri"), as_uri(&picture))?;
        Ok(std::fs::write(path, picture)?)
    }

    fn legend(&self, canvas: &Canvas<'_>) -> Result<()> {
        const SQUARE: i32 = 11;
        let (mut left, mut top) = (LEFT, 72);
        for series in &self.series {
            let width = SQUARE + 6 + i32::try_from(series.name.len())? * 7 + 18;
            if left + width > RIGHT {
                (left, top) = (LEFT, top + 22);
            }
            canvas.rectangle(
                [(left, top - SQUARE / 2), (left + SQUARE, top + SQUARE / 2 + 1)],
                series.colour(),
            )?;
            canvas.text(series.name, (left + SQUARE + 6, top), 15, INK, HPos::Left)?;
            left += width;
        }
        Ok(())
    }

    /// All values that there are.
    fn values(&self) -> impl Iterator<Item = f64> {
        self.series.iter().flat_map(|series| &series.values).flatten().copied()
    }

    fn heights(&self) -> Heights {
        match self.scale {
            Scale::Bars { most, .. } => {
                let most = self.values().fold(0.0, f64::max).min(most);
                let step =
                    [0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0].into_iter().find(|step| most / step <= 6.0);
                let step = step.unwrap_or(100.0);
                Heights { base: None, first: 0.0, last: (most / step).ceil(), step, unit: "" }
            }
            Scale::Lines { base, unit } => {
                let power = |value: f64| value.ln() / base.ln();
                let ends = |(least, most): (f64, f64), value: f64| (value.min(least), value.max(most));
                let (least, most) = self.values().fold((1.0, 1.0), ends);
                let (first, end) = (power(least).floor(), power(most).ceil());
                Heights { base: Some(base), first, last: end, step: 1.0, unit }
            }
        }
    }

    fn bars(
        &self,
        canvas: &Canvas<'_>,
        heights: &Heights,
        width: i32,
        most: f64,
        digits: usize,
    ) -> Result<()> {
        const GAP: i32 = 40;
        let bar = (width - GAP) / i32::try_from(self.series.len())?;
        for (place, series) in (0..).zip(&self.series) {
            for (category, value) in (0..).zip(series.values.iter().flatten()) {
                let left = LEFT + width * category + GAP / 2 + bar * place;
                let top = heights.of(value.min(most));
                canvas.rectangle([(left, top), (left + bar - 2, BOTTOM)], series.colour())?;
                // Ours is the first, with room at its left.
                if place == 0 {
                    let text = format!("{value:.digits$}");
                    canvas.text(&text, (left + bar - 2, top - 9), 16, series.colour(), HPos::Right)?;
                } else if *value > most {
                    let text = format!("{value:.*}", digits.min(1));
                    canvas.text(&text, (left + bar / 2 - 1, top - 8), 12, INK, HPos::Center)?;
                }
            }
        }
        Ok(())
    }

    fn lines(&self, canvas: &Canvas<'_>, heights: &Heights, width: i32) -> Result<()> {
        // The first are ours: they are drawn last, over the others.
        for (place, series) in self.series.iter().enumerate().rev() {
            let points = (0..).zip(series.values.iter().flatten());
            let points: Vec<_> =
                points.map(|(index, &value)| (LEFT + width * index + width / 2, heights.of(value))).collect();
            canvas.line(&points, series.colour(), if place == 0 { 3 } else { 2 })?;
            for &point in &points {
                let style = ShapeStyle { color: series.colour().to_rgba(), filled: true, stroke_width: 0 };
                canvas.0.draw(&Circle::new(point, 4, style))?;
            }
        }
        Ok(())
    }
}

impl Series {
    fn colour(&self) -> RGBColor {
        let [_, red, green, blue] = self.colour.to_be_bytes();
        RGBColor(red, green, blue)
    }
}

/// Where values are, from the bottom to the top of the chart.
struct Heights {
    /// Of a logarithmic scale, whose ends and steps are powers of it.
    base: Option<f64>,
    /// In steps.
    first: f64,
    last: f64,
    step: f64,
    unit: &'static str,
}

impl Heights {
    #[allow(clippy::cast_possible_truncation, reason = "it is within the picture")]
    fn of(&self, value: f64) -> i32 {
        let steps = self.base.map_or(value / self.step, |base| value.ln() / base.ln());
        let part = (steps - self.first) / (self.last - self.first);
        BOTTOM - (part * f64::from(BOTTOM - TOP)).round() as i32
    }

    /// Lines across the chart, with their values.
    fn draw(&self, canvas: &Canvas<'_>) -> Result<()> {
        let mut steps = self.first;
        while steps <= self.last {
            let value = self.base.map_or(steps * self.step, |base| base.powf(steps));
            let height = self.of(value);
            canvas.line(&[(LEFT, height), (RIGHT, height)], INK.mix(0.35), 1)?;
            // As many digits as it needs.
            let text = format!("{}{}", (value * 1e4).round() / 1e4, self.unit);
            canvas.text(&text, (LEFT - 8, height), 14, INK, HPos::Right)?;
            steps += 1.0;
        }
        Ok(())
    }
}

struct Canvas<'a>(DrawingArea<SVGBackend<'a>, Shift>);

impl Canvas<'_> {
    fn text(&self, words: &str, place: Point, size: i32, colour: RGBColor, anchor: HPos) -> Result<()> {
        let style = ("sans-serif", size).into_font().color(&colour).pos(Pos::new(anchor, VPos::Center));
        Ok(self.0.draw(&Text::new(words.to_owned(), place, style))?)
    }

    fn line(&self, points: &[Point], colour: impl Color, width: u32) -> Result<()> {
        let style = ShapeStyle { color: colour.to_rgba(), filled: false, stroke_width: width };
        Ok(self.0.draw(&PathElement::new(points.to_vec(), style))?)
    }

    fn rectangle(&self, corners: [Point; 2], colour: RGBColor) -> Result<()> {
        Ok(self.0.draw(&Rectangle::new(corners, colour.filled()))?)
    }
}

/// A picture as an address that has it all in itself, for documentation that cannot look into the repository.
fn as_uri(picture: &str) -> String {
    let mut uri = String::from("data:image/svg+xml,");
    for byte in picture.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            uri.push(byte.into());
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri.push('\n');
    uri
}
