//! Crops a rectangle out of a poster, resizes it, and mirrors it if asked.

use marquee::{Pixels, Preprocess};

/// The two source pixels on either side of a target pixel's centre along one axis, and the centre's position between
/// them, 0..=1.
type Neighbours = (usize, usize, f32);

/// Resizes the rectangle `[left, top, width, height]`, in fractions of a poster of size `from`, to the size of
/// `input`. Interpolation is bilinear without antialiasing, which is enough because posters are hardly ever shrunk.
pub(super) fn crop(
    poster: &Pixels,
    from: &Preprocess,
    input: &Preprocess,
    [left, top, width, height]: [f32; 4],
    flip: bool,
) -> Pixels {
    let mut columns = neighbours(from.width, input.width, left, width);
    if flip {
        columns.reverse();
    }
    let rows = neighbours(from.height, input.height, top, height);
    let stride = from.width as usize * 3;
    Pixels::from_fn(input.width, input.height, |x, y| {
        let (above, below, down) = rows[y as usize];
        let (left, right, across) = columns[x as usize];
        let [above, below] = [above, below].map(|row| &poster.rgb()[row * stride..]);
        std::array::from_fn(|channel| {
            let [left, right] = [left, right].map(|column| column * 3 + channel);
            let interpolate = |row: &[u8]| {
                let (a, b) = (f32::from(row[left]), f32::from(row[right]));
                a + (b - a) * across
            };
            let (a, b) = (interpolate(above), interpolate(below));
            (a + (b - a) * down + 0.5) as u8
        })
    })
}

/// Returns the neighbours of each of `to` target pixels that cover `fraction` of an axis of `from` pixels, beginning
/// at the fraction `start`.
fn neighbours(from: u32, to: u32, start: f32, fraction: f32) -> Vec<Neighbours> {
    let (last, step) = (from as usize - 1, fraction * (from as f32 / to as f32));
    let of_pixel = |index: u32| {
        let centre = start * from as f32 + (index as f32 + 0.5) * step - 0.5;
        let centre = centre.clamp(0.0, last as f32);
        let first = centre as usize;
        (first, (first + 1).min(last), centre - first as f32)
    };
    (0..to).map(of_pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: [f32; 4] = [0.0, 0.0, 1.0, 1.0];

    fn input(width: u32, height: u32) -> Preprocess {
        Preprocess { width, height, mean: [0.0; 3], std: [1.0; 3] }
    }

    /// A poster whose red values are ten times the column.
    fn ramp(input: &Preprocess) -> Pixels {
        Pixels::from_fn(input.width, input.height, |x, _| [x as u8 * 10, 0, 255])
    }

    #[test]
    fn a_crop_of_the_whole_poster_changes_nothing() {
        let input = input(8, 6);
        let poster = ramp(&input);
        assert_eq!(crop(&poster, &input, &input, WHOLE, false), poster);
    }

    #[test]
    fn flipping_reverses_the_columns() {
        let input = input(8, 6);
        let mirrored = crop(&ramp(&input), &input, &input, WHOLE, true);
        let red: Vec<u8> = mirrored.rgb().iter().step_by(3).take(8).copied().collect();
        assert_eq!(red, [70, 60, 50, 40, 30, 20, 10, 0]);
    }

    #[test]
    fn enlarges_a_quarter_to_the_whole_input() {
        let input = input(8, 8);
        let right = crop(&ramp(&input), &input, &input, [0.5, 0.0, 0.5, 0.5], false);
        let red: Vec<u8> = right.rgb().iter().step_by(3).take(8).copied().collect();
        // Columns 4 to 7 in half steps, beginning a quarter of a pixel before column 4.
        assert_eq!(red, [38, 43, 48, 53, 58, 63, 68, 70]);
    }

    #[test]
    fn shrinks_a_larger_poster_to_the_input() {
        let small = crop(&ramp(&input(8, 6)), &input(8, 6), &input(4, 3), WHOLE, false);
        let red: Vec<u8> = small.rgb().iter().step_by(3).copied().collect();
        assert_eq!(red, [5, 25, 45, 65].repeat(3));
    }
}
