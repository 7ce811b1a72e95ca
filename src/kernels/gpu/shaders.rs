//! The GPU kernels, one for each kind of convolution, in CubeCL, which compiles to WGSL in the browser.

use burn_cubecl::cubecl;
use cubecl::prelude::*;

/// Channels per vector.
pub(super) const LANES: usize = 4;
/// Pixels that one invocation of a 1x1 convolution computes, with [`LANES`] channels each.
pub(super) const PIXELS: usize = 4;
/// Horizontal neighbours that one invocation of another convolution computes, with [`LANES`] channels each.
pub(super) const COLUMNS: usize = 4;

/// The sizes that the window of a convolution moves over, in pixels.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Window {
    /// Size of the input.
    height: usize,
    width: usize,
    /// Size of the output.
    rows: usize,
    columns: usize,
    /// Zeros before the input.
    above: usize,
    left: usize,
}

/// A 1x1 convolution. Each invocation computes a tile of [`PIXELS`] pixels and [`LANES`] channels. In vectors,
/// `x` is `[pixels, inputs]`, `weight` is `[channels, inputs]`, and `y` and `residual` are `[pixels, outputs]`.
#[cube(launch)]
pub(super) fn pointwise<N: Size>(
    x: &Tensor<Vector<f32, N>>,
    weight: &Tensor<Vector<f32, N>>,
    bias: &Tensor<Vector<f32, N>>,
    residual: &Tensor<Vector<f32, N>>,
    y: &mut Tensor<Vector<f32, N>>,
    pixels: usize,
    inputs: usize,
    outputs: usize,
    #[comptime] relu6: bool,
    #[comptime] adds: bool,
) {
    // Neighbouring invocations read the same pixels.
    let output = ABSOLUTE_POS % outputs;
    let first = ABSOLUTE_POS / outputs * PIXELS;
    if first >= pixels {
        terminate!();
    }

    let start = bias[output];
    let mut sums = Sequence::<RuntimeCell<f32>>::new();
    #[unroll]
    for _ in 0..PIXELS {
        #[unroll]
        for lane in 0..LANES {
            sums.push(RuntimeCell::new(start.extract(lane)));
        }
    }
    let rows = output * LANES * inputs;
    let places = first * inputs;
    for input in 0..inputs {
        let mut values = Sequence::<Vector<f32, N>>::new();
        #[unroll]
        for pixel in 0..PIXELS {
            values.push(x[places + pixel * inputs + input]);
        }
        #[unroll]
        for lane in 0..LANES {
            let weight = weight[rows + lane * inputs + input];
            #[unroll]
            for pixel in 0..PIXELS {
                let sum = sums.index(comptime!(pixel * LANES + lane));
                sum.store(sum.read() + weight.dot(*values.index(pixel)));
            }
        }
    }

    #[unroll]
    for pixel in 0..PIXELS {
        if first + pixel < pixels {
            let place = (first + pixel) * outputs + output;
            let mut sum = Vector::<f32, N>::empty();
            #[unroll]
            for lane in 0..LANES {
                sum.insert(lane, sums.index(comptime!(pixel * LANES + lane)).read());
            }
            if adds {
                sum += residual[place];
            }
            y[place] = activate::<N>(sum, relu6);
        }
    }
}

/// A depthwise convolution. Each invocation computes [`COLUMNS`] neighbours of a row and [`LANES`] channels.
/// `weight` is `[C, K, K]`; in vectors, `x` is `[N, H, W, C]`.
#[cube(launch)]
pub(super) fn depthwise<N: Size>(
    x: &Tensor<Vector<f32, N>>,
    weight: &Tensor<f32>,
    bias: &Tensor<Vector<f32, N>>,
    y: &mut Tensor<Vector<f32, N>>,
    invocations: usize,
    window: Window,
    #[comptime] kernel: usize,
    #[comptime] stride: usize,
    #[comptime] relu6: bool,
) {
    if ABSOLUTE_POS >= invocations {
        terminate!();
    }
    let channels = bias.len();
    let tile = tile(channels, &window);
    let sums = start::<N>(bias[tile.channel]);
    for tap_row in 0..kernel {
        let from_row = tile.row * stride + tap_row;
        if from_row >= window.above && from_row < window.above + window.height {
            let from_row = (tile.poster * window.height + from_row - window.above) * window.width;
            let mut taps = Sequence::<Vector<f32, N>>::new();
            #[unroll]
            for tap in 0..kernel {
                let mut vector = Vector::<f32, N>::empty();
                #[unroll]
                for lane in 0..LANES {
                    let place =
                        (tile.channel * LANES + lane) * (kernel * kernel) + tap_row * kernel + tap;
                    vector.insert(lane, weight[place]);
                }
                taps.push(vector);
            }
            #[unroll]
            for offset in 0..comptime!((COLUMNS - 1) * stride + kernel) {
                let place = tile.first * stride + offset;
                let inside = place >= window.left && place < window.left + window.width;
                let from = select(inside, place - window.left, 0);
                let value = x[(from_row + from) * channels + tile.channel];
                let value = select(inside, value, Vector::new(0.0));
                add::<N>(&sums, &taps, value, offset, kernel, stride);
            }
        }
    }
    finish::<N>(&sums, y, &tile, &window, channels, relu6);
}

/// A convolution of few input channels, for the stem, whose input is a poster's three colours. Each invocation
/// computes [`COLUMNS`] neighbours of a row and [`LANES`] channels. `weight` is `[O, C, K, K]`,
/// `x` is `[N, C, H, W]`.
#[cube(launch)]
pub(super) fn dense<N: Size>(
    x: &Tensor<f32>,
    weight: &Tensor<f32>,
    bias: &Tensor<Vector<f32, N>>,
    y: &mut Tensor<Vector<f32, N>>,
    invocations: usize,
    inputs: usize,
    window: Window,
    #[comptime] kernel: usize,
    #[comptime] stride: usize,
    #[comptime] relu6: bool,
) {
    if ABSOLUTE_POS >= invocations {
        terminate!();
    }
    let channels = bias.len();
    let tile = tile(channels, &window);
    let sums = start::<N>(bias[tile.channel]);
    for input in 0..inputs {
        for tap_row in 0..kernel {
            let from_row = tile.row * stride + tap_row;
            if from_row >= window.above && from_row < window.above + window.height {
                let plane = (tile.poster * inputs + input) * window.height;
                let from_row = (plane + from_row - window.above) * window.width;
                let mut taps = Sequence::<Vector<f32, N>>::new();
                #[unroll]
                for tap in 0..kernel {
                    let mut vector = Vector::<f32, N>::empty();
                    #[unroll]
                    for lane in 0..LANES {
                        let filter = (tile.channel * LANES + lane) * inputs + input;
                        vector.insert(lane, weight[(filter * kernel + tap_row) * kernel + tap]);
                    }
                    taps.push(vector);
                }
                #[unroll]
                for offset in 0..comptime!((COLUMNS - 1) * stride + kernel) {
                    let place = tile.first * stride + offset;
                    let inside = place >= window.left && place < window.left + window.width;
                    let from = select(inside, place - window.left, 0);
                    let value = select(inside, x[from_row + from], 0.0);
                    add::<N>(&sums, &taps, Vector::new(value), offset, kernel, stride);
                }
            }
        }
    }
    finish::<N>(&sums, y, &tile, &window, channels, relu6);
}

/// The part of an output that one invocation computes: [`COLUMNS`] positions of a row, beginning at `first`.
#[derive(CubeType)]
struct Tile {
    channel: usize,
    first: usize,
    row: usize,
    poster: usize,
}

/// Returns this invocation's tile. Neighbouring invocations have neighbouring channels.
#[cube]
fn tile(channels: usize, window: &Window) -> Tile {
    let tiles = window.columns.div_ceil(COLUMNS);
    let tile = ABSOLUTE_POS / channels;
    Tile {
        channel: ABSOLUTE_POS % channels,
        first: tile % tiles * COLUMNS,
        row: tile / tiles % window.rows,
        poster: tile / tiles / window.rows,
    }
}

/// Returns an accumulator for each position of a [`Tile`]. They are separate variables, as an array would be
/// stored in memory and not in registers.
#[cube]
fn start<N: Size>(bias: Vector<f32, N>) -> Sequence<RuntimeCell<Vector<f32, N>>> {
    let mut sums = Sequence::new();
    #[unroll]
    for _ in 0..COLUMNS {
        sums.push(RuntimeCell::new(bias));
    }
    sums
}

/// Adds a value to every accumulator whose window covers it. `offset` is its distance from the beginning of the
/// first accumulator's window.
#[cube]
fn add<N: Size>(
    sums: &Sequence<RuntimeCell<Vector<f32, N>>>,
    taps: &Sequence<Vector<f32, N>>,
    value: Vector<f32, N>,
    #[comptime] offset: usize,
    #[comptime] kernel: usize,
    #[comptime] stride: usize,
) {
    #[unroll]
    for column in 0..COLUMNS {
        let before = comptime!(column * stride);
        if comptime!(offset >= before && offset - before < kernel) {
            let tap = *taps.index(comptime!(offset - before));
            let sum = sums.index(column);
            sum.store(fma(tap, value, sum.read()));
        }
    }
}

/// Writes the accumulators of a [`Tile`] that lie within the output, `[N, rows, columns, C]`.
#[cube]
fn finish<N: Size>(
    sums: &Sequence<RuntimeCell<Vector<f32, N>>>,
    y: &mut Tensor<Vector<f32, N>>,
    tile: &Tile,
    window: &Window,
    channels: usize,
    #[comptime] relu6: bool,
) {
    #[unroll]
    for column in 0..COLUMNS {
        if tile.first + column < window.columns {
            let row = tile.poster * window.rows + tile.row;
            let place = row * window.columns + tile.first + column;
            y[place * channels + tile.channel] = activate::<N>(sums.index(column).read(), relu6);
        }
    }
}

#[cube]
fn activate<N: Size>(sum: Vector<f32, N>, #[comptime] relu6: bool) -> Vector<f32, N> {
    if relu6 { sum.clamp(Vector::new(0.0), Vector::new(6.0)) } else { sum }
}
