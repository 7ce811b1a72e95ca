//! The integer kernels beside their plain twins: equal to the last bit, on odd sizes, at edges and in saturation.
//! Natively and in the browser.

mod twins;

use marquee::cpu::depthwise::Depthwise;
use marquee::cpu::fixed_point::{self, HIDDEN_BITS, InputRange, Pair};
use marquee::cpu::pointwise::{Expand, HiddenMap, Project};
use marquee::{Error, Result};

use twins::Conv;

/// The largest hidden value, 6.
const SIX: i16 = 6 << HIDDEN_BITS;

/// Pseudo-random numbers, the same on every machine.
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 8
    }

    /// Returns numbers from -1 to 1. Every seventh is ten times as large, so that weights have outliers and
    /// accumulators saturate.
    fn floats(&mut self, count: usize) -> Vec<f32> {
        let float = |index: usize| {
            let value = self.next() as f32 / (1 << 23) as f32 - 1.0;
            if index % 7 == 3 { value * 10.0 } else { value }
        };
        (0..count).map(float).collect()
    }

    /// Returns integers from `least` to `most`; about half are one of the two.
    fn integers(&mut self, count: usize, least: i16, most: i16) -> Vec<i16> {
        let range = (i32::from(most) - i32::from(least) + 1) as u32;
        let integer = |_| match self.next() % 4 {
            0 => least,
            1 => most,
            _ => (i32::from(least) + (self.next() % range) as i32) as i16,
        };
        (0..count).map(integer).collect()
    }
}

/// Packs neighbouring values in pairs.
fn pairs(values: &[i16]) -> Vec<Pair> {
    let (twos, rest) = values.as_chunks::<2>();
    assert!(rest.is_empty());
    twos.iter().map(|two| bytemuck::cast(*two)).collect()
}

fn unpacked(pairs: &[Pair]) -> Vec<i16> {
    bytemuck::cast_slice(pairs).to_vec()
}

/// Returns the place of a pixel's channel in a map: the entry, the register and lane in it, and the half of the lane.
fn place(map: &HiddenMap<'_>, [y, x]: [usize; 2], width: usize, channel: usize) -> [usize; 4] {
    let pair = map.pairs[y * width.div_ceil(2) + x / 2];
    [pair + channel / 8, channel % 8 / 4, channel % 4, x % 2]
}

fn read(map: &HiddenMap<'_>, [entry, register, lane, half]: [usize; 4]) -> i16 {
    let pair = map.values[entry][register].to_array()[lane];
    bytemuck::cast::<_, [i16; 2]>(pair)[half]
}

fn write(map: &mut HiddenMap<'_>, [entry, register, lane, half]: [usize; 4], value: i16) {
    let mut lanes = map.values[entry][register].to_array();
    let mut pair: [i16; 2] = bytemuck::cast(lanes[lane]);
    pair[half] = value;
    lanes[lane] = bytemuck::cast(pair);
    map.values[entry][register] = lanes.into();
}

pub(crate) fn expand_equals_its_twin() {
    let mut random = Random(1);
    // Heights, widths, input and output channels. Rows have an even number of pixels.
    for [height, width, inputs, outputs] in
        [[1, 2, 2, 8], [3, 2, 28, 32], [5, 4, 6, 16], [7, 6, 24, 144], [1, 10, 40, 8]]
    {
        for (range, least, bits) in
            [(InputRange::STREAM, -i16::MAX, 9), (InputRange::HIDDEN, 0, HIDDEN_BITS)]
        {
            let most = if least == 0 { SIX } else { i16::MAX };
            let (weights, bias) = (random.floats(outputs * inputs), random.floats(outputs));
            let input = random.integers(height * width * inputs, least, most);
            let expected = twins::expand(&weights, &bias, range, &input, bits);

            let expand = Expand::new(&weights, bias, range).unwrap();
            // The next layer decides where the outputs lie.
            let (taps, zeros) = (vec![0.1; outputs * 9], vec![0.0; outputs]);
            let next = Depthwise::new(&taps, &zeros, [3, 1], [height, width]).unwrap();
            let mut values = Vec::new();
            expand.run(&pairs(&input), bits, next.clear(&mut values));
            let mut cleared = Vec::new();
            let pairs = next.clear(&mut cleared).pairs;
            let map = HiddenMap { values: &mut values, pairs };
            for (pixel, expected) in expected.chunks(outputs).enumerate() {
                for (channel, expected) in expected.iter().enumerate() {
                    let at = [pixel / width, pixel % width];
                    let found = read(&map, place(&map, at, width, channel));
                    assert_eq!(found, *expected, "{inputs} to {outputs}: {at:?}, {channel}");
                }
            }
        }
    }
}

pub(crate) fn depthwise_equals_its_twin() {
    let mut random = Random(2);
    for input in [[1, 1], [1, 2], [2, 3], [5, 4], [7, 9], [3, 17], [8, 6]] {
        for (kernel, stride, channels) in [(3, 1, 8), (3, 2, 24), (5, 1, 40), (5, 2, 16)] {
            let [height, width]: [usize; 2] = input;
            let conv = Conv { input, kernel, stride };
            let weights = random.floats(channels * kernel * kernel);
            let bias = random.floats(channels);
            let hidden = random.integers(height * width * channels, 0, SIX);
            let expected = twins::depthwise(&weights, &bias, conv, &hidden);

            let layer = Depthwise::new(&weights, &bias, [kernel, stride], input).unwrap();
            let mut values = Vec::new();
            let mut map = layer.clear(&mut values);
            for (pixel, hidden) in hidden.chunks(channels).enumerate() {
                for (channel, &value) in hidden.iter().enumerate() {
                    let at = [pixel / width, pixel % width];
                    let place = place(&map, at, width, channel);
                    write(&mut map, place, value);
                    // The layer before writes whole pairs, so an odd row ends with a value that does not count.
                    if at[1] + 1 == width && width % 2 == 1 {
                        let [entry, register, lane, _] = place;
                        write(&mut map, [entry, register, lane, 1], SIX);
                    }
                }
            }
            let mut output = Vec::new();
            layer.convolve(&mut values, &mut output);
            assert_eq!(unpacked(&output), expected, "{input:?}, {kernel} x {kernel} by {stride}");
        }
    }
}

pub(crate) fn project_equals_its_twin() {
    let mut random = Random(3);
    // More pixels than a block holds, and every remainder of a tile.
    for [pixels, inputs, outputs] in
        [[1, 2, 8], [2, 32, 16], [3, 6, 24], [7, 144, 40], [129, 96, 8], [1030, 8, 16]]
    {
        let (weights, bias) = (random.floats(outputs * inputs), random.floats(outputs));
        let input = random.integers(pixels * inputs, 0, SIX);
        let expected = twins::project(&weights, &bias, InputRange::HIDDEN, &input, HIDDEN_BITS);
        let project = Project::new(&weights, bias, InputRange::HIDDEN).unwrap();
        let mut output = Vec::new();
        project.run(&pairs(&input), HIDDEN_BITS, &mut output);
        assert_eq!(output, expected, "{pixels} pixels, {inputs} to {outputs}");
    }
}

pub(crate) fn quantise_stream_equals_its_twin() {
    let mut random = Random(4);
    for (rows, row, padding) in
        [(1, 8, 0), (3, 24, 4), (5, 40, 1), (2, 10, 3), (4, 3, 0), (1, 1, 2)]
    {
        for scale in [1e-6, 0.3, 40.0, 3e4] {
            let values: Vec<f32> =
                random.floats(rows * row).into_iter().map(|value| value * scale).collect();
            let (expected, expected_bits) = twins::quantise_stream(&values, row, padding);
            let mut found = Vec::new();
            let bits = fixed_point::quantise_stream(&values, [row, padding], &mut found);
            assert_eq!(bits, expected_bits);
            assert_eq!(unpacked(&found), expected, "{rows} rows of {row}, scale {scale}");
        }
    }
}

pub(crate) fn layers_with_remainders_are_refused() {
    let refused = |layer: Option<Error>, reason: &str| match layer {
        Some(Error::Architecture { reason: found }) if found.contains(reason) => {}
        other => panic!("expected {reason:?}, found {other:?}"),
    };
    fn error<T>(layer: Result<T>) -> Option<Error> {
        layer.err()
    }
    let (hidden, zeros) = (InputRange::HIDDEN, |count| vec![0.0; count]);
    for outputs in [0, 1, 7, 12] {
        let weights = zeros(outputs * 4);
        refused(error(Expand::new(&weights, zeros(outputs), hidden)), "multiple of 8");
        refused(error(Project::new(&weights, zeros(outputs), hidden)), "multiple of 8");
        let taps = zeros(outputs * 9);
        let layer = Depthwise::new(&taps, &zeros(outputs), [3, 1], [4, 4]);
        refused(error(layer), "multiple of 8");
    }
    refused(error(Expand::new(&zeros(8 * 3), zeros(8), hidden)), "even");
    refused(error(Project::new(&zeros(8 * 3), zeros(8), hidden)), "even");
    refused(error(Project::new(&zeros(8 * 4 + 1), zeros(8), hidden)), "weights");
    refused(error(Depthwise::new(&zeros(8 * 9 - 1), &zeros(8), [3, 1], [4, 4])), "weights");
    for [kernel, stride] in [[4, 1], [7, 1], [3, 3], [3, 0]] {
        let layer =
            Depthwise::new(&zeros(8 * kernel * kernel), &zeros(8), [kernel, stride], [4, 4]);
        refused(error(layer), "kernel");
    }
}
