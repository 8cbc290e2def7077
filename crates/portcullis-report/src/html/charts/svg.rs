//! The few SVG elements of the charts. Colours come from classes.

use crate::html::markup::esc;

/// A coordinate with one decimal; 0 for NaN.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// A chart of this size with a text alternative.
pub fn drawing(width: f64, height: f64, class: &str, says: &str, inside: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" class=\"{class}\" role=\"img\" \
         aria-label=\"{}\">{inside}</svg>",
        esc(says),
        w = number(width),
        h = number(height)
    )
}

/// A straight line.
pub fn line(from: (f64, f64), to: (f64, f64), class: &str) -> String {
    format!(
        "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"{class}\"/>",
        number(from.0),
        number(from.1),
        number(to.0),
        number(to.1)
    )
}

/// A rectangle; negative sizes become zero.
pub fn rect(at: (f64, f64), size: (f64, f64), class: &str) -> String {
    format!(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" class=\"{class}\"/>",
        number(at.0),
        number(at.1),
        number(size.0.max(0.0)),
        number(size.1.max(0.0))
    )
}

/// A dot.
pub fn dot(at: (f64, f64), radius: f64, class: &str) -> String {
    let (x, y, r) = (number(at.0), number(at.1), number(radius));
    format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" class=\"{class}\"/>")
}

/// A text; `class` sets its anchor.
pub fn text(at: (f64, f64), class: &str, content: &str) -> String {
    let (x, y) = (number(at.0), number(at.1));
    format!("<text x=\"{x}\" y=\"{y}\" class=\"{class}\">{}</text>", esc(content))
}

/// A line through points, with gaps for missing ones.
pub fn polyline(points: impl Iterator<Item = Option<(f64, f64)>>, class: &str) -> String {
    let (mut path, mut is_drawing) = (String::new(), false);
    for point in points {
        let Some((x, y)) = point else {
            is_drawing = false;
            continue;
        };
        path.push(if is_drawing { 'L' } else { 'M' });
        path.push_str(&format!("{} {}", number(x), number(y)));
        // A single point is visible because of its round line ends.
        if !is_drawing {
            path.push_str("h0");
        }
        is_drawing = true;
    }
    format!("<path d=\"{path}\" class=\"{class}\"/>")
}

/// Bars on a base line as one path: the left and right end, and the top of each.
pub fn bars(base: f64, bars: impl Iterator<Item = (f64, f64, f64)>, class: &str) -> String {
    let bar = |(left, right, top): (f64, f64, f64)| {
        let (left, right) = (number(left), number(right));
        format!("M{left} {base}V{}H{right}V{base}z", number(top), base = number(base))
    };
    let path: String = bars.map(bar).collect();
    format!("<path d=\"{path}\" class=\"{class}\"/>")
}
