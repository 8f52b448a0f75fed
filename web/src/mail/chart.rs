//! The picture in a mail: how a pool went, as PNG. Mail programs draw no SVG.

use poolwatch_model::Bytes;
use tiny_skia::{Color, FillRule, Paint, PathBuilder, Pixmap, Stroke, StrokeDash, Transform};

/// Size in pixels: twice what it is shown in.
const SIZE: (u32, u32) = (1184, 240);
/// Pixels that stay free on all sides, for lines not to be cut.
const MARGIN: f32 = 6.0;
/// A limit further up than this many times the greatest value would leave no room to the line.
const LIMIT_WITHIN: u64 = 3;
/// Fewer values make no course.
const LEAST_VALUES: usize = 3;

// They stand out from white and from black alike: the background shows through.
const LINE: [u8; 4] = [0x2f, 0x7d, 0xd8, 0xff];
const AREA: [u8; 4] = [0x2f, 0x7d, 0xd8, 0x38];
const LIMIT: [u8; 4] = [0xd0, 0x4a, 0x3c, 0xff];
const GROUND: [u8; 4] = [0x8a, 0x92, 0x9c, 0xff];

/// How a pool went over the last hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolChart {
    /// Peaks by the hour, oldest first; hours without data have none.
    pub hours: Vec<Option<u64>>,
    /// The pool's limit, where it is known.
    pub limit: Option<u64>,
}

impl PoolChart {
    /// Whether there is enough to draw.
    #[must_use]
    pub fn is_drawn(&self) -> bool {
        self.hours.iter().flatten().count() >= LEAST_VALUES
    }

    /// What it shows, in words: who sees no pictures reads the same.
    #[must_use]
    pub fn words(&self) -> String {
        let known = || self.hours.iter().flatten().copied();
        let (Some(least), Some(most)) = (known().min(), known().max()) else {
            return String::new();
        };
        let limit = match (self.limit, self.shown_limit()) {
            (Some(limit), Some(_)) => format!("; the dashed line is the limit, {}", Bytes(limit)),
            (Some(limit), None) => format!("; the limit is {}", Bytes(limit)),
            (None, _) => String::new(),
        };
        let hours = self.hours.len();
        format!(
            "Peaks by the hour of the last {hours} h: {} to {}{limit}",
            Bytes(least),
            Bytes(most)
        )
    }

    fn shown_limit(&self) -> Option<u64> {
        let most = self.hours.iter().flatten().max()?;
        self.limit.filter(|limit| *limit <= most.saturating_mul(LIMIT_WITHIN))
    }

    /// The picture, PNG; none where there is too little to draw.
    #[must_use]
    pub fn draw(&self) -> Option<Vec<u8>> {
        if !self.is_drawn() {
            return None;
        }
        let (width, height) = (SIZE.0 as f32 - 2.0 * MARGIN, SIZE.1 as f32 - 2.0 * MARGIN);
        let most = *self.hours.iter().flatten().max()?;
        let top = most.max(self.shown_limit().unwrap_or(0)).max(1) as f32;
        let last = self.hours.len().saturating_sub(1).max(1) as f32;
        let x = |at: usize| MARGIN + width * at as f32 / last;
        let y = |value: u64| MARGIN + height * (1.0 - value as f32 / top);
        let ground = MARGIN + height;
        let mut pixmap = Pixmap::new(SIZE.0, SIZE.1)?;
        let mut known = self.hours.iter().enumerate().filter_map(|(at, one)| Some((at, (*one)?)));
        let mut runs: Vec<Vec<(usize, u64)>> = Vec::new();
        for point in &mut known {
            match runs.last_mut() {
                Some(run) if run.last().is_some_and(|(at, _)| at + 1 == point.0) => run.push(point),
                _ => runs.push(vec![point]),
            }
        }
        for run in &runs {
            let mut line = PathBuilder::new();
            let mut area = PathBuilder::new();
            let (first, last) = (run.first()?.0, run.last()?.0);
            area.move_to(x(first), ground);
            for (place, (at, value)) in run.iter().enumerate() {
                match place {
                    0 => line.move_to(x(*at), y(*value)),
                    _ => line.line_to(x(*at), y(*value)),
                }
                area.line_to(x(*at), y(*value));
            }
            area.line_to(x(last), ground);
            area.close();
            if let Some(area) = area.finish() {
                let identity = Transform::identity();
                pixmap.fill_path(&area, &paint(AREA), FillRule::Winding, identity, None);
            }
            stroke(&mut pixmap, line, LINE, 5.0, None);
        }
        if let Some(limit) = self.shown_limit() {
            let mut line = PathBuilder::new();
            line.move_to(MARGIN, y(limit));
            line.line_to(MARGIN + width, y(limit));
            stroke(&mut pixmap, line, LIMIT, 3.0, StrokeDash::new(vec![12.0, 8.0], 0.0));
        }
        let mut line = PathBuilder::new();
        line.move_to(MARGIN, ground);
        line.line_to(MARGIN + width, ground);
        stroke(&mut pixmap, line, GROUND, 2.0, None);
        pixmap.encode_png().ok()
    }
}

fn paint([red, green, blue, alpha]: [u8; 4]) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(Color::from_rgba8(red, green, blue, alpha));
    paint
}

fn stroke(
    pixmap: &mut Pixmap,
    line: PathBuilder,
    colour: [u8; 4],
    width: f32,
    dash: Option<StrokeDash>,
) {
    let stroke = Stroke { width, dash, ..Stroke::default() };
    if let Some(line) = line.finish() {
        pixmap.stroke_path(&line, &paint(colour), &stroke, Transform::identity(), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(png: &[u8], at: (u32, u32)) -> [u8; 4] {
        let pixmap = Pixmap::decode_png(png).unwrap();
        let colour = pixmap.pixel(at.0, at.1).unwrap().demultiply();
        [colour.red(), colour.green(), colour.blue(), colour.alpha()]
    }

    #[test]
    fn a_course_is_drawn_with_its_gaps_and_its_limit() {
        let hours = vec![Some(100), Some(100), None, None, Some(100), Some(100), Some(100)];
        let chart = PoolChart { hours, limit: Some(200) };
        let png = chart.draw().unwrap();
        assert!(png.starts_with(b"\x89PNG"));
        // A limit twice as high: the line is in the middle, and the limit at the top.
        assert_eq!(pixel(&png, (50, 120)), LINE);
        assert_eq!(pixel(&png, (10, 6)), LIMIT);
        assert_eq!(pixel(&png, (500, 120))[3], 0, "a gap stays empty");
        assert_eq!(pixel(&png, (50, 200))[3], AREA[3]);
        assert!(png.len() < 20_000, "{}", png.len());
    }

    #[test]
    fn what_cannot_be_drawn_is_none_and_says_so() {
        let chart = |hours, limit| PoolChart { hours, limit };
        assert_eq!(chart(vec![None; 24], None).draw(), None);
        assert_eq!(chart(vec![Some(1), Some(2), None], None).draw(), None);
        assert!(chart(vec![Some(0); 3], Some(0)).draw().is_some());
        assert!(chart(vec![Some(u64::MAX); 24], Some(u64::MAX)).draw().is_some());
    }

    #[test]
    fn who_sees_no_pictures_reads_the_same() {
        let mega = 1_000_000;
        let hours = vec![Some(100 * mega), Some(120 * mega), Some(205 * mega)];
        let chart = |limit| PoolChart { hours: hours.clone(), limit };
        let near = chart(Some(212 * mega)).words();
        assert!(near.contains("the dashed line is the limit"), "{near}");
        let far = chart(Some(9_000 * mega)).words();
        assert!(far.contains("; the limit is"), "{far}");
        assert!(chart(None).words().starts_with("Peaks by the hour of the last 3 h: "));
    }
}
