//! What runs on the GPU: one kernel a kind of convolution, in CubeCL, which becomes WGSL in the browser.

use burn_cubecl::cubecl;
use cubecl::prelude::*;

/// Channels of a vector.
pub(super) const LANES: usize = 4;
/// What one invocation of a 1x1 convolution computes: so many pixels, [`LANES`] channels of each.
pub(super) const PIXELS: usize = 4;
/// What one invocation of the other convolutions computes: so many neighbours of a row, [`LANES`] channels of each.
pub(super) const COLUMNS: usize = 4;

/// What the window of a convolution is moved over, in pixels.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Window {
    height: usize,
    width: usize,
    rows: usize,
    columns: usize,
    above: usize,
    left: usize,
}

/// A tile of [`PIXELS`] pixels by [`LANES`] channels, of which each sum is a product of two rows.
/// `x` is `[pixels, inputs]`, `weight` `[channels, inputs]`, in vectors.
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
    // Neighbours read the same pixels.
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

/// [`COLUMNS`] neighbours of a row, [`LANES`] channels, `weight` `[C, K, K]`, `x` `[N, H, W, C]` in vectors.
#[cube(launch)]
pub(super) fn depthwise<N: Size>(
    x: &Tensor<Vector<f32, N>>,
    weight: &Tensor<f32>,
    bias: &Tensor<Vector<f32, N>>,
    y: &mut Tensor<Vector<f32, N>>,
    units: usize,
    window: Window,
    #[comptime] kernel: usize,
    #[comptime] stride: usize,
    #[comptime] relu6: bool,
) {
    if ABSOLUTE_POS >= units {
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

/// [`COLUMNS`] neighbours of a row, [`LANES`] channels, `weight` `[O, C, K, K]`, `x` `[N, C, H, W]`: made for the
/// stem, which reads a poster's three colours.
#[cube(launch)]
pub(super) fn dense<N: Size>(
    x: &Tensor<f32>,
    weight: &Tensor<f32>,
    bias: &Tensor<Vector<f32, N>>,
    y: &mut Tensor<Vector<f32, N>>,
    units: usize,
    inputs: usize,
    window: Window,
    #[comptime] kernel: usize,
    #[comptime] stride: usize,
    #[comptime] relu6: bool,
) {
    if ABSOLUTE_POS >= units {
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

/// What one invocation computes of an output, [`COLUMNS`] places from `first` on.
#[derive(CubeType)]
struct Tile {
    channel: usize,
    first: usize,
    row: usize,
    poster: usize,
}

/// Neighbours have neighbouring channels.
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

/// A sum for each place of a [`Tile`]. Variables by themselves: an array would lie in memory.
#[cube]
fn start<N: Size>(bias: Vector<f32, N>) -> Sequence<RuntimeCell<Vector<f32, N>>> {
    let mut sums = Sequence::new();
    #[unroll]
    for _ in 0..COLUMNS {
        sums.push(RuntimeCell::new(bias));
    }
    sums
}

/// Adds a value, `offset` places from the first that the window of the first sum covers, to every sum whose window
/// covers it.
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

/// Writes the sums of a [`Tile`] that lie within the output, `[N, rows, columns, C]`.
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
