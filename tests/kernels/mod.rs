//! The integer kernels of each instruction set beside their plain twins: equal to the last bit, on odd sizes, at edges
//! and in saturation. Natively and in the browser.

mod twins;

use marquee::cpu::depthwise::Depthwise;
use marquee::cpu::fixed_point::{self, Format, HIDDEN_BITS, InputRange, Quantisation};
use marquee::cpu::pointwise::{Expand, HiddenMap, Precision, Project};
use marquee::cpu::simd::{Groups, Level, Unit};
use marquee::{Error, Result};

use twins::{Conv, Layer};

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

/// Packs neighbouring values in units of a format.
fn packed(values: &[i16], format: Format) -> Vec<Unit> {
    let unit = |values: &[i16]| match *values {
        [first, second] => bytemuck::cast([first, second]),
        [first, second, third, fourth] => bytemuck::cast([first, second, third, fourth].map(byte)),
        _ => panic!("{} values do not fill their units", values.len()),
    };
    values.chunks(format.values()).map(unit).collect()
}

fn byte(value: i16) -> i8 {
    i8::try_from(value).unwrap()
}

fn unpacked(units: &[Unit], format: Format) -> Vec<i16> {
    match format {
        Format::Quads => {
            bytemuck::cast_slice(units).iter().map(|byte: &i8| (*byte).into()).collect()
        }
        _ => bytemuck::cast_slice(units).to_vec(),
    }
}

/// A layer whose weights have 8 bits: their values, and the scale of each output's.
struct NarrowLayer {
    weights: Vec<f32>,
    scales: Vec<f32>,
}

impl NarrowLayer {
    /// Draws a layer in which the weights of some outputs all have one of the extreme values.
    fn draw(random: &mut Random, [inputs, outputs]: [usize; 2]) -> Self {
        let scales: Vec<f32> =
            random.floats(outputs).iter().map(|scale| scale.abs() * 0.01 + 1e-4).collect();
        let weights = scales.iter().enumerate().flat_map(|(output, scale)| {
            let least = if output % 5 == 1 { 127 } else { -127 };
            let most = if output % 5 == 2 { -127 } else { 127 };
            let integers = random.integers(inputs, least, most.max(least));
            integers.into_iter().map(move |integer| f32::from(integer) * scale)
        });
        Self { weights: weights.collect(), scales: scales.clone() }
    }

    fn factors(&self) -> Vec<f32> {
        self.scales.iter().map(|scale| 1.0 / scale).collect()
    }
}

/// Returns the weight factors of a layer with weights of 16 bits.
fn wide_factors(weights: &[f32], bias: &[f32], range: InputRange) -> Vec<f32> {
    let rows = weights.chunks(weights.len() / bias.len()).zip(bias);
    rows.map(|(row, bias)| range.weight_factor(row, *bias)).collect()
}

/// Returns the levels that the CPU has, and names the others.
pub(crate) fn levels() -> Vec<Level> {
    let level = |(name, level): (&str, Option<Level>)| {
        if level.is_none() {
            eprintln!("skipped: this CPU has no {name}");
        }
        level
    };
    Level::all().into_iter().filter_map(level).collect()
}

/// Returns each level that the CPU has with each format.
fn levels_and_formats() -> impl Iterator<Item = (Level, Format)> {
    let formats = [Format::Pairs, Format::NarrowPairs, Format::Quads];
    levels().into_iter().flat_map(move |level| formats.map(|format| (level, format)))
}

/// Returns the place of a pixel's channel in a map: the entry, its lane, and the half of the lane.
fn place(map: &HiddenMap<'_>, [y, x]: [usize; 2], width: usize, channel: usize) -> [usize; 3] {
    let pair = map.pairs[y * width.div_ceil(2) + x / 2];
    [pair + channel / 8, channel % 8, x % 2]
}

fn read(map: &HiddenMap<'_>, [entry, lane, half]: [usize; 3]) -> i16 {
    let pair = map.values[entry].to_array()[lane];
    bytemuck::cast::<_, [i16; 2]>(pair)[half]
}

fn write(map: &mut HiddenMap<'_>, [entry, lane, half]: [usize; 3], value: i16) {
    let mut lanes = map.values[entry].to_array();
    let mut pair: [i16; 2] = bytemuck::cast(lanes[lane]);
    pair[half] = value;
    lanes[lane] = bytemuck::cast(pair);
    map.values[entry] = lanes.into();
}

/// Returns memory that an earlier poster has left full of numbers.
fn used_memory() -> Groups {
    let mut groups = Groups::default();
    groups.set_length(5000);
    groups.fill([-7; 8].into());
    groups
}

pub(crate) fn expand_equals_its_twin() {
    let mut random = Random(1);
    // Heights, widths, input and output channels. Rows have an even number of pixels.
    for sizes in [
        [1, 2, 2, 8],
        [3, 2, 28, 32],
        [5, 4, 6, 16],
        [7, 6, 24, 144],
        [1, 10, 40, 8],
        [9, 6, 10, 56],
        [3, 12, 8, 40],
    ] {
        for (range, least, bits) in
            [(InputRange::STREAM, -i16::MAX, 9), (InputRange::HIDDEN, 0, HIDDEN_BITS)]
        {
            let [height, width, inputs, outputs] = sizes;
            let most = if least == 0 { SIX } else { i16::MAX };
            let (weights, bias) = (random.floats(outputs * inputs), random.floats(outputs));
            let input = random.integers(height * width * inputs, least, most);
            let factors = &wide_factors(&weights, &bias, range);
            let layer = Layer { weights: &weights, factors, bias: &bias };
            let quantisation = Quantisation::with_bits(bits);
            check_expand(sizes, layer, Precision::Wide(range), &input, quantisation);
        }
        let [height, width, inputs, outputs] = sizes;
        let narrow = NarrowLayer::draw(&mut random, [inputs, outputs]);
        let bias = random.floats(outputs);
        let input = random.integers(height * width * inputs, 0, 127);
        let layer = Layer { weights: &narrow.weights, factors: &narrow.factors(), bias: &bias };
        for zero in [0, 61, 127] {
            let quantisation = Quantisation { factor: 17.3, zero };
            check_expand(sizes, layer, Precision::Narrow(&narrow.scales), &input, quantisation);
        }
    }
}

/// Compares an expanding layer of each level with its twin. The sizes are height, width, input and output channels.
fn check_expand(
    sizes: [usize; 4],
    layer: Layer<'_>,
    precision: Precision<'_>,
    input: &[i16],
    quantisation: Quantisation,
) {
    let [height, width, _, outputs] = sizes;
    let expected = twins::expand(layer, input, quantisation);
    for level in levels() {
        let expand = Expand::new(level, layer.weights, layer.bias.to_vec(), precision).unwrap();
        // The next layer decides where the outputs lie.
        let (taps, zeros) = (vec![0.1; outputs * 9], vec![0.0; outputs]);
        let map = [height, width];
        let next = Depthwise::new(level, &taps, &zeros, [3, 1], map, Format::Pairs).unwrap();
        let mut values = used_memory();
        next.prepare_map(&mut values);
        let pixels = packed(input, expand.format());
        expand.prepare(quantisation).run(&pixels, next.input(&mut values, 0..height));
        let map = next.input(&mut values, 0..height);
        for (pixel, expected) in expected.chunks(outputs).enumerate() {
            for (channel, expected) in expected.iter().enumerate() {
                let at = [pixel / width, pixel % width];
                let found = read(&map, place(&map, at, width, channel));
                let what = format!("{level:?}, {:?}: {sizes:?}", expand.format());
                assert_eq!(found, *expected, "{what}: {at:?}, {channel}");
            }
        }
    }
}

pub(crate) fn depthwise_equals_its_twin() {
    let mut random = Random(2);
    for input in [[1, 1], [1, 2], [2, 3], [5, 4], [7, 9], [3, 17], [8, 6], [4, 22]] {
        for (kernel, stride, channels) in
            [(3, 1, 8), (3, 2, 24), (5, 1, 40), (5, 2, 16), (3, 1, 32), (5, 1, 48)]
        {
            let [height, width]: [usize; 2] = input;
            let conv = Conv { input, kernel, stride };
            let weights = random.floats(channels * kernel * kernel);
            let bias = random.floats(channels);
            let hidden = random.integers(height * width * channels, 0, SIX);
            for (level, format) in levels_and_formats() {
                let expected = twins::depthwise(&weights, &bias, conv, &hidden, format);
                let sizes = [kernel, stride];
                let layer = Depthwise::new(level, &weights, &bias, sizes, input, format).unwrap();
                let mut values = used_memory();
                layer.prepare_map(&mut values);
                let mut map = layer.input(&mut values, 0..height);
                for (pixel, hidden) in hidden.chunks(channels).enumerate() {
                    for (channel, &value) in hidden.iter().enumerate() {
                        let at = [pixel / width, pixel % width];
                        let place = place(&map, at, width, channel);
                        write(&mut map, place, value);
                        // The layer before writes whole pairs, so an odd row ends with a value that does not count.
                        if at[1] + 1 == width && width % 2 == 1 {
                            let [entry, lane, _] = place;
                            write(&mut map, [entry, lane, 1], SIX);
                        }
                    }
                }
                let what =
                    format!("{level:?}, {format:?}: {input:?}, {kernel} x {kernel} by {stride}");
                let [rows, columns] = layer.output();
                let mut output = vec![-7];
                layer.convolve(&mut values, 0..rows, &mut output);
                assert_eq!(unpacked(&output, format), expected, "{what}, {channels} channels");
                // The same in strips of two rows.
                for (strip, expected) in expected.chunks(2 * columns * channels).enumerate() {
                    let strip = strip * 2..(strip * 2 + 2).min(rows);
                    layer.convolve(&mut values, strip.clone(), &mut output);
                    assert_eq!(
                        unpacked(&output, format),
                        expected,
                        "{what}, {channels} channels, {strip:?}"
                    );
                }
            }
        }
    }
}

pub(crate) fn project_equals_its_twin() {
    let mut random = Random(3);
    // More pixels than a block holds, every remainder of a tile, and every remainder of a register.
    for sizes in [
        [1, 2, 8],
        [2, 32, 16],
        [3, 6, 24],
        [7, 144, 40],
        [15, 10, 56],
        [129, 96, 8],
        [1030, 8, 16],
        [300, 576, 8],
    ] {
        let [pixels, inputs, outputs] = sizes;
        let (weights, bias) = (random.floats(outputs * inputs), random.floats(outputs));
        let input = random.integers(pixels * inputs, 0, SIX);
        // The bias is added in floats, so the accumulators need no room for it.
        let factors = wide_factors(&weights, &vec![0.0; outputs], InputRange::HIDDEN);
        let layer = Layer { weights: &weights, factors: &factors, bias: &bias };
        let wide = Precision::Wide(InputRange::HIDDEN);
        check_project(sizes, layer, wide, &input, Quantisation::with_bits(HIDDEN_BITS));

        let narrow = NarrowLayer::draw(&mut random, [inputs, outputs]);
        let input = random.integers(pixels * inputs, 0, 127);
        let layer = Layer { weights: &narrow.weights, factors: &narrow.factors(), bias: &bias };
        for quantisation in [Format::Quads.hidden(), Quantisation { factor: 3.1, zero: 90 }] {
            check_project(sizes, layer, Precision::Narrow(&narrow.scales), &input, quantisation);
        }
    }
}

/// Compares a projecting layer of each level with its twin. The sizes are pixels, input and output channels.
fn check_project(
    sizes: [usize; 3],
    layer: Layer<'_>,
    precision: Precision<'_>,
    input: &[i16],
    quantisation: Quantisation,
) {
    let [pixels, _, outputs] = sizes;
    let expected = twins::project(layer, input, quantisation);
    for level in levels() {
        let project = Project::new(level, layer.weights, layer.bias.to_vec(), precision).unwrap();
        let mut output = vec![-7.0; pixels * outputs];
        project.run(&packed(input, project.format()), quantisation, &mut output);
        assert_eq!(output, expected, "{level:?}, {:?}: {sizes:?}", project.format());
    }
}

pub(crate) fn quantise_stream_equals_its_twin() {
    let mut random = Random(4);
    for (rows, row, padding) in
        [(1, 8, 0), (3, 24, 4), (5, 40, 1), (2, 10, 3), (4, 3, 0), (1, 1, 2), (3, 77, 2)]
    {
        for scale in [1e-6, 0.3, 40.0, 3e4] {
            let values: Vec<f32> =
                random.floats(rows * row).into_iter().map(|value| value * scale).collect();
            for (level, format) in levels_and_formats() {
                let row = [row, padding];
                let what = format!("{level:?}, {format:?}: {rows} rows of {row:?}, scale {scale}");
                let (expected, quantisation) = twins::quantise_stream(&values, row, format);
                assert_eq!(format.stream(level, &values), quantisation, "{what}");
                let mut found = vec![-7];
                fixed_point::quantise_stream(level, &values, format, quantisation, row, &mut found);
                assert_eq!(unpacked(&found, format), expected, "{what}");
            }
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
    let level = Level::best();
    let (hidden, zeros) = (Precision::Wide(InputRange::HIDDEN), |count| vec![0.0; count]);
    for outputs in [0, 1, 7, 12] {
        let weights = zeros(outputs * 4);
        refused(error(Expand::new(level, &weights, zeros(outputs), hidden)), "multiple of 8");
        refused(error(Project::new(level, &weights, zeros(outputs), hidden)), "multiple of 8");
        let taps = zeros(outputs * 9);
        let layer = Depthwise::new(level, &taps, &zeros(outputs), [3, 1], [4, 4], Format::Pairs);
        refused(error(layer), "multiple of 8");
    }
    refused(error(Expand::new(level, &zeros(8 * 3), zeros(8), hidden)), "even");
    refused(error(Project::new(level, &zeros(8 * 3), zeros(8), hidden)), "even");
    refused(error(Project::new(level, &zeros(8 * 4 + 1), zeros(8), hidden)), "weights");
    let depthwise = |weights, sizes| {
        Depthwise::new(level, &zeros(weights), &zeros(8), sizes, [4, 4], Format::Pairs)
    };
    refused(error(depthwise(8 * 9 - 1, [3, 1])), "weights");
    for [kernel, stride] in [[4, 1], [7, 1], [3, 3], [3, 0]] {
        refused(error(depthwise(8 * kernel * kernel, [kernel, stride])), "kernel");
    }
}
