//! Charts out of characters: bars by eighths of a cell, and percentiles as three shades.
//!
//! In: values, one for each column. Out: rows of text, the topmost first. Pure. A value above zero is always visible.

/// Blocks by eighths, from the bottom.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Bars of these values on so many rows; `most` fills all of them.
#[must_use]
pub fn bars(values: &[u64], most: u64, rows: usize) -> Vec<String> {
    let eighths = rows as u64 * 8;
    let height = |value: u64| {
        let height = u128::from(value) * u128::from(eighths) / u128::from(most.max(1));
        u64::try_from(height).unwrap_or(eighths).clamp(u64::from(value > 0), eighths)
    };
    let row = |row: usize| {
        let below = (rows - 1 - row) as u64 * 8;
        let cell = |value: &u64| block(height(*value).saturating_sub(below));
        values.iter().map(cell).collect()
    };
    (0..rows).map(row).collect()
}

fn block(eighths: u64) -> char {
    usize::try_from(eighths).ok().and_then(|eighths| EIGHTHS.get(eighths)).copied().unwrap_or('█')
}

/// Three values in each column, the smaller within the larger, on a logarithmic scale from `least` to `most`: `█` up to
/// the first, `▓` up to the second, `░` up to the third. On a single row, bars of the third.
#[must_use]
pub fn shades(values: &[Option<[u64; 3]>], least: u64, most: u64, rows: usize) -> Vec<String> {
    if rows == 1 {
        let thousandths = |value: u64| (along(value, least, most) * 1_000.0) as u64 + 1;
        let thirds: Vec<u64> = values.iter().map(|value| value.map_or(0, |[.., third]| thousandths(third))).collect();
        return bars(&thirds, 1_001, 1);
    }
    let row = |row: usize| {
        let level = rows - 1 - row;
        let cell = |value: &Option<[u64; 3]>| {
            let Some(value) = value else { return ' ' };
            let reaches = |value: u64| {
                let height = (along(value, least, most) * rows as f64).round() as usize;
                height.max(1) > level
            };
            match value.map(reaches) {
                [true, ..] => '█',
                [_, true, _] => '▓',
                [.., true] => '░',
                [false, false, false] => ' ',
            }
        };
        values.iter().map(cell).collect()
    };
    (0..rows).map(row).collect()
}

/// How far along the logarithmic scale a value is, from 0 to 1.
fn along(value: u64, least: u64, most: u64) -> f64 {
    let log = |value: u64| (value.max(1) as f64).ln();
    let length = log(most) - log(least);
    if length > 0.0 { ((log(value) - log(least)) / length).clamp(0.0, 1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_by_eighths_and_little_is_not_nothing() {
        assert_eq!(bars(&[0, 1, 50, 100], 100, 1), [" ▁▄█"]);
        assert_eq!(bars(&[0, 1, 50, 75, 100], 100, 2), ["   ▄█", " ▁███"]);
        assert_eq!(bars(&[0, 0], 0, 1), ["  "]);
    }

    #[test]
    fn shades_show_three_values_and_gaps() {
        let values = [Some([1, 10, 100]), None, Some([100, 100, 100]), Some([1, 1, 1])];
        assert_eq!(shades(&values, 1, 100, 4), ["░ █ ", "░ █ ", "▓ █ ", "█ ██"]);
        assert_eq!(shades(&values, 1, 100, 1), ["█ █▁"]);
        assert_eq!(shades(&[Some([5, 5, 5])], 5, 5, 2), ["█", "█"]);
    }
}
